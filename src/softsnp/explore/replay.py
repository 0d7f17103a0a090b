"""Replay: drive the specification itself along a path of states, and write down what it did.

A path from the tables that the specification does not follow is a bug of the explorer, and is
reported as one.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from softsnp.lang import Specification, Step
from softsnp.lang.position import frames
from softsnp.lang.trace import Frame, Standing, Trace, TraceStep

from .concrete import Concrete, Taken, World, steps
from .layout import Layout, Snapshot
from .recreate import Trail, recreate

OPERATION = ("operation: ", "command: ", "fault: ")


class ReplayError(AssertionError):
    """The tables and the specification disagree."""


class Replay:
    """One run of a specification along states of an exact layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.machine = layout.machine
        self.spec = layout.machine.spec
        self.driver = Concrete(self.spec)
        self.block = [
            {local.position: blocks[i] for i, local in enumerate(locals_)}
            for locals_, blocks in zip(
                self.machine.tables.activities, self.machine.blocks, strict=True
            )
        ]
        self.trails: list[Trail] = [() for _ in self.block]
        self.at = [blocks[0] for blocks in self.machine.blocks]

    def run(self, path: list[int]) -> Trace:
        """The trace of a path that starts in an initial state."""
        self.spec.consulted.clear()
        world = self._start(self.layout.decode(path[0]))
        done = []
        for number, state in enumerate(path[1:], 1):
            goal = self.layout.decode(state)
            activity, taken = self._find(world, goal, number)
            done.append(self._describe(activity, world, taken))
            self.trails[activity] = (*self.trails[activity], taken.said)
            if taken.restarted:
                for other in range(len(self.trails)):
                    self.trails[other] = self.trails[other] if other == activity else ()
            self.at = list(goal.at)
            world = taken.world
        population = self.spec.population()
        return Trace(
            members=len(world.members),
            member=population.member if population else "",
            steps=tuple(done),
            state={n: self.spec.fields[n].show(i) for n, i in world.scalars.items()},
            population={
                f"{population.member} {m}": tuple(
                    name for name, bit in population.bits.items() if cls >> bit.index & 1
                )
                for m, cls in enumerate(world.members)
            }
            if population
            else {},
            standing=tuple(self._standing(a, world) for a in range(len(self.trails))),
            consulted={name: self.spec.assumptions[name] for name in sorted(self.spec.consulted)},
        )

    # --- matching --------------------------------------------------------------------------------

    def _start(self, shown: Snapshot) -> World:
        """Members in the order of their kinds, so that the first kind gets the first numbers."""
        population = self.spec.population()
        members: list[int] = []
        left = dict(shown.free)
        for kind in self.spec.members():
            assert population is not None
            cls = population.pack(kind.bits)[1]
            members += [cls] * left.pop(self.machine.canonical[cls], 0)
        return World(dict(shown.scalars), members)

    def _find(self, world: World, goal: Snapshot, number: int) -> tuple[int, Taken]:
        """The step of some activity that leads to the goal."""
        for activity in range(len(self.trails)):
            others = [a for a in range(len(self.trails)) if a != activity]
            for taken in steps(self.driver, activity, self.trails[activity], world):
                if not taken.restarted and any(goal.at[a] != self.at[a] for a in others):
                    continue
                if self._matches(activity, taken, goal):
                    return activity, taken
        raise ReplayError(f"step {number} of a counterexample is no step of the specification")

    def _matches(self, activity: int, taken: Taken, goal: Snapshot) -> bool:
        world = taken.world
        if world.scalars != goal.scalars:
            return False
        if self.block[activity].get(taken.position) != goal.at[activity]:
            return False
        canonical = self.machine.canonical
        free = Counter(canonical[world.members[m]] for m in world.free())
        picked = {a: canonical[world.members[m]] for a, m in world.picked.items()}
        return free == Counter(goal.free) and picked == goal.picked

    # --- describing ------------------------------------------------------------------------------

    def _describe(self, activity: int, before: World, taken: Taken) -> TraceStep:
        chain, step = self._where(activity)
        notes = tuple(n for n in taken.notes if not n.startswith(OPERATION))
        return TraceStep(
            activity=self.spec.activity_names[activity],
            frames=chain,
            changes=self._changes(before, taken.world),
            notes=notes,
            choices=tuple(n for n in taken.notes if n.startswith(OPERATION)),
            events=taken.events,
            waits_for=step.what,
        )

    def _changes(self, before: World, after: World) -> dict[str, str]:
        found = {}
        for name, field in self.spec.fields.items():
            old, new = before.scalars[name], after.scalars[name]
            if old != new and not field.ghost:
                found[name] = f"{field.show(old)} → {field.show(new)}"
        population = self.spec.population()
        for member, (old, new) in enumerate(zip(before.members, after.members, strict=True)):
            if old != new and population is not None:
                found[f"{population.member} {member}"] = ", ".join(
                    f"{name} {old >> bit.index & 1} → {new >> bit.index & 1}"
                    for name, bit in population.bits.items()
                    if (old ^ new) >> bit.index & 1 and not bit.ghost
                )
        return found

    def _where(self, activity: int) -> tuple[tuple[Frame, ...], Step]:
        coroutine, step = recreate(self.spec, activity, self.trails[activity])
        chain = tuple(
            describe(self.spec, frame)
            for frame in frames(coroutine)
            if "/softsnp/lang/" not in frame.f_code.co_filename
        )
        coroutine.close()
        return chain, step

    def _standing(self, activity: int, world: World) -> Standing:
        chain, step = self._where(activity)
        held = tuple(
            f"{lock} for {mode}ing" if mode == "read" else lock
            for lock, mode in self.spec.held(activity)
        )
        self.driver.begin(world.copy(), activity, ())
        self.spec.driver = self.driver
        self.spec.enter(activity, atomic="a look, not a step")
        waits = step.guard is not None and not step.guard()
        return Standing(
            self.spec.activity_names[activity],
            chain,
            step.resting,
            step.what if waits else "",
            held,
        )


def describe(spec: Specification, frame: Any) -> Frame:
    """A suspended frame, with the C counterpart from its function's docstring."""
    code = frame.f_code
    doc = ""
    for base in type(spec).__mro__:
        method = vars(base).get(code.co_name)
        if getattr(method, "__code__", None) is code:
            doc = method.__doc__ or ""
            break
    return Frame(
        code.co_name, c_function(doc) or code.co_name, code.co_filename, frame.f_lineno, doc
    )


def c_function(doc: str) -> str:
    """``snp_prepare()`` out of a docstring's ``C: file: snp_prepare()…`` line, if it has one."""
    for line in doc.splitlines():
        if line.strip().startswith("C: "):
            found = re.search(r"\w+\(\)", line)
            return found.group() if found else ""
    return ""
