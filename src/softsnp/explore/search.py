"""Breadth-first search: every state, the shortest way to each, and what properties make of them.

Exploring goes on after a property is violated, so every other property is still decided.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from softsnp.lang import Always, AlwaysPossible, LockOrder, Never, NoDeadlock, Property, Sometimes

from .layout import Layout, Machine
from .lockorder import first_cycle
from .lower import Program, lower
from .memory_use import resident, uncollected
from .rungs.ladder import Ladder
from .rungs.python import PythonRung
from .rungs.rung import MOST_GOALS, OutOfRoom, Rung, depth


@dataclass(frozen=True)
class Limits:
    """Bounds on one exploration; None is no bound. Memory is in bytes, of the whole process."""

    states: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Progress:
    """How far an exploration has come, for whoever watches. ``seconds`` is for rates only."""

    states: int
    depth: int
    seconds: float
    rung: str = ""
    """What explores: python or table."""
    remark: str = ""
    """Something to be told once, or an empty string."""


Watch = Callable[[Progress], None]


@dataclass(frozen=True)
class Finding:
    """How a property fared. ``end`` is the number of the violating state, or None.

    ``steps`` counts steps from an initial state to the violation.
    """

    exercised: bool
    steps: int | None = None
    end: int | None = None
    extra: int | None = None
    """A violating step's target, when that step leads from ``end`` (events only)."""
    told: str = ""
    """What it is made of, where the property's own words do not say."""


@dataclass
class Explored:
    """What a search saw. ``stopped`` says which bound ended it early, or is empty."""

    layout: Layout
    rung: Rung
    stopped: str
    findings: dict[str, Finding] = field(default_factory=dict)
    reached: dict[str, bool] = field(default_factory=dict)

    @property
    def states(self) -> Sequence[int]:
        return self.rung.states

    @property
    def transitions(self) -> int:
        return self.rung.transitions

    @property
    def depth(self) -> int:
        return len(self.rung.levels) - 1

    def path(self, end: int) -> list[int]:
        """The states from an initial one to the state with number ``end``."""
        found = [end]
        for _ in range(depth(self.rung.levels, end)):
            found.append(self.rung.parent(found[-1]))
        return [self.rung.states[number] for number in reversed(found)]

    def path_to(self, finding: Finding) -> list[int]:
        """The states of the shortest way to a violation."""
        assert finding.end is not None
        path = self.path(finding.end)
        return path if finding.extra is None else [*path, finding.extra]

    def concrete_states(self) -> int | None:
        """The number of states with members told apart; None when counts are saturated."""
        return None if self.layout.saturated else self.rung.orbits()


def state_judges(properties: list[Property], checks: list[Sometimes]) -> dict[str, Always]:
    """The predicates to tabulate: those of Always properties and of state reachability checks."""
    judges = {p.name: p for p in properties if isinstance(p, Always)}
    for prop in properties:
        if isinstance(prop, AlwaysPossible):
            for judge in (prop.situation(), prop.arrival()):
                judges[judge.name] = judge
    for check in checks:
        if check.state is not None:
            judges[check.name] = Always(
                check.name, check.sentence, "", "", must=lambda _: True, when=check.state
            )
    return judges


class Search:
    """Explorations of one machine, for a number of members or for any."""

    def __init__(
        self,
        machine: Machine,
        members: int | None,
        properties: list[Property],
        checks: list[Sometimes],
    ) -> None:
        self.layout = Layout(machine, members)
        self.properties = properties
        self.checks = checks
        self.judged = state_judges(properties, checks)
        self.program: Program = lower(self.layout)

    def run(
        self,
        limits: Limits = Limits(),
        watch: Watch | None = None,
        ladder: Ladder | None = None,
    ) -> Explored:
        """Explore; Ctrl-C, ``limits.states`` and ``limits.memory`` end it early, and say so."""
        at_rest = {name for name, judge in self.judged.items() if judge.at_rest}
        rung: Rung = PythonRung(self.program, at_rest)
        ladder = ladder or Ladder()
        ladder.begin()
        stopped = ""
        began = time.monotonic()

        def tell(remark: str = "") -> None:
            if watch is not None:
                states, levels = len(rung.states), len(rung.levels)
                seconds = time.monotonic() - began
                watch(Progress(states, levels - 1, seconds, rung.name, remark))

        with uncollected():
            try:
                while rung.done < len(rung.states) and not stopped:
                    rung = ladder.climb(rung, limits.memory, tell)
                    ladder.advance(rung)
                    stopped = _bound(limits, rung)
                    tell()
            except KeyboardInterrupt:
                stopped = "interrupted"
            except OutOfRoom as error:
                stopped = str(error)
        explored = Explored(self.layout, rung, stopped)
        self._decide(explored)
        return explored

    def _decide(self, explored: Explored) -> None:
        rung = explored.rung
        seen = {self.program.events[event]: hit for event, hit in rung.hits.items()}
        for check in self.checks:
            if check.state is not None:
                explored.reached[check.name] = rung.judge(check.name)[0]
            else:
                explored.reached[check.name] = check.event in seen
        possible = [p for p in self.properties if isinstance(p, AlwaysPossible)]
        for prop in self.properties:
            if prop not in possible:
                explored.findings[prop.name] = self._finding(prop, explored, seen)
        explored.findings.update(self._possible(possible, explored))

    def _possible(self, asked: list[AlwaysPossible], explored: Explored) -> dict[str, Finding]:
        """All at once: going backwards through the graph takes long."""
        rung = explored.rung
        if explored.stopped:
            return {p.name: Finding(rung.judge(p.name)[0]) for p in asked}
        pairs = [(p.situation().name, p.arrival().name) for p in asked]
        parts = [pairs[at : at + MOST_GOALS] for at in range(0, len(pairs), MOST_GOALS)]
        ways = [way for part in parts for way in rung.no_ways(part)]
        return {
            p.name: Finding(exercised, None if end is None else depth(rung.levels, end), end)
            for p, (exercised, end) in zip(asked, ways, strict=True)
        }

    def _finding(
        self, prop: Property, explored: Explored, seen: dict[str, tuple[int, int]]
    ) -> Finding:
        rung = explored.rung
        if isinstance(prop, Never):
            if prop.never not in seen:
                return Finding(prop.situation in seen)
            source, successor = seen[prop.never]
            return Finding(True, depth(rung.levels, source) + 1, source, successor)
        if isinstance(prop, NoDeadlock):
            exercised, end = True, rung.deadlock if rung.deadlock >= 0 else None
            if end is None and not explored.stopped:
                end = rung.no_return()
        elif isinstance(prop, LockOrder):
            exercised, end, told = first_cycle(rung.first_at(), self.layout.machine.orders)
            return Finding(
                exercised, None if end is None else depth(rung.levels, end), end, None, told
            )
        else:
            exercised, end = rung.judge(prop.name)
        return Finding(exercised, None if end is None else depth(rung.levels, end), end)


def _bound(limits: Limits, rung: Rung) -> str:
    if rung.done >= len(rung.states):
        return ""
    if limits.states is not None and len(rung.states) >= limits.states:
        return f"--max-states {limits.states} reached"
    if limits.memory is not None and resident() >= limits.memory:
        return f"--max-memory {limits.memory >> 20} MiB reached"
    return ""
