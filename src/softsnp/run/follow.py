"""A recording followed on the specification, and told as a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from softsnp.lang.telling import (
    OPERATION,
    chain,
    changed,
    changes,
    holds,
    members_shown,
    shown,
)
from softsnp.lang.trace import Standing, Trace, TraceStep

from .deciders import Told
from .driver import TellingDriver
from .errors import RunError
from .live import Live
from .recording import Recorded
from .task import Task

OUTSIDE = "from outside"
"""The lane of what is no step of the specification: a register that somebody writes."""
BeginAgain = Callable[[Live, Recorded], Task]
"""Begins the task of a recorded first step."""
Outside = Callable[[Live, dict[str, Any]], None]
"""Does what was done from outside."""


class Follower:
    """A live run that follows a recording; its driver is to be one that tells."""

    def __init__(self, live: Live, told: Told, begin: BeginAgain, outside: Outside) -> None:
        self.live = live
        self.told = told
        self.begin = begin
        self.outside = outside
        self.lanes: dict[str, Task] = {}
        self.order: list[str] = []
        """Lanes, in the order in which they appear."""
        self.done: list[TraceStep] = []
        self.relevant: set[str] = set()

    def follow(self, steps: Iterable[Recorded]) -> None:
        """Raises RunError where the specification cannot do what was recorded."""
        for number, recorded in enumerate(steps, 1):
            try:
                self._one(recorded)
            except RunError as error:
                raise RunError(
                    f"step {number} of the recording cannot be done again: {error}\n"
                    f"  it was made of another version of the design, or was changed"
                ) from None

    def _one(self, recorded: Recorded) -> None:
        if recorded.outside is not None:
            self._from_outside(recorded.outside)
            return
        if recorded.begin is not None:
            self.lanes[recorded.lane] = self.begin(self.live, recorded)
            if recorded.lane not in self.order:
                self.order.append(recorded.lane)
        task = self.lanes.get(recorded.lane)
        if task is None or task not in self.live.tasks:
            raise RunError(f"nobody is in the lane {recorded.lane!r}")
        self.told.left = list(recorded.decided)
        if not task.endless and not self.live.can_step(task):
            raise RunError(f"{recorded.lane} waits {task.step.what or 'for something'}")
        self._step(task)
        if task.failed:
            raise RunError(task.failed)
        if self.told.left:
            raise RunError(f"{recorded.lane} decides less than was recorded")

    def _from_outside(self, what: dict[str, Any]) -> None:
        before = self.live.world.copy()
        self.outside(self.live, what)
        done = changes(self.live.spec, before, self.live.world)
        self.relevant |= changed(self.live.spec, before, self.live.world)
        if OUTSIDE not in self.order:
            self.order.append(OUTSIDE)
        self.done.append(TraceStep(OUTSIDE, (), done, (), dict.fromkeys(done, ""), (), ()))

    def _step(self, task: Task) -> None:
        live = self.live
        functions, waits = chain(live.spec, task.coroutine), task.step.what
        before = live.world.copy()
        live.step(task)
        driver = live.driver
        after = live.world
        what = changes(live.spec, before, after)
        asked = task.begin.get("operation") if task.steps == 1 else None
        begun = [f"operation: {asked}"] if asked else []
        notes = tuple(n for n in driver.notes if not n.startswith(OPERATION))
        places = driver.places if isinstance(driver, TellingDriver) else {}
        self.relevant |= changed(live.spec, before, after)
        self.done.append(
            TraceStep(
                task.lane,
                functions,
                what,
                notes,
                {thing: places[thing] for thing in places if thing in what or thing in notes},
                (*begun, *(n for n in driver.notes if n.startswith(OPERATION))),
                tuple(driver.events),
                waits,
                tuple(driver.decided),
            )
        )

    def trace(self) -> Trace:
        """What was followed so far."""
        live, spec = self.live, self.live.spec
        population = spec.population()
        present = {task.lane: task for task in live.tasks}
        return Trace(
            members=len(live.world.members),
            member=population.member if population else "",
            steps=tuple(self.done),
            state=shown(spec, live.world),
            population=members_shown(spec, live.world),
            relevant=frozenset(self.relevant),
            standing=tuple(self._standing(lane, present.get(lane)) for lane in self.order),
            consulted={name: spec.assumptions[name] for name in sorted(spec.consulted)},
        )

    def _standing(self, lane: str, task: Task | None) -> Standing:
        if task is None:
            return Standing(lane, (), True, "", ())
        stuck = task.step.guard is not None and not self.live.can_step(task)
        return Standing(
            lane,
            chain(self.live.spec, task.coroutine),
            task.resting,
            task.step.what if stuck else "",
            holds(self.live.spec, task.number),
        )
