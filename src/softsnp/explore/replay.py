"""Replay: drive the specification itself along a path of states, and write down what it did.

A path from the tables that the specification does not follow is a bug of the explorer, and is
reported as one.
"""

from __future__ import annotations

from collections import Counter

from softsnp.lang import Always, Property, Step
from softsnp.lang.telling import OPERATION, chain, changed, changes, holds, members_shown, shown
from softsnp.lang.trace import Frame, Standing, Trace, TraceStep
from softsnp.lang.world import World

from .concrete import Taken, steps
from .layout import Layout, Snapshot
from .narrate import Listener, Narrator
from .recreate import Trail, recreate

BEGINNING = 0
"""Where an activity is that was never stepped, or was sent back."""


class ReplayError(AssertionError):
    """The tables and the specification disagree."""


class Replay:
    """One run of a specification along states of an exact layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.machine = layout.machine
        self.spec = layout.machine.spec
        self.driver = Narrator(self.spec)
        self.block = [
            {local.position: blocks[i] for i, local in enumerate(locals_)}
            for locals_, blocks in zip(
                self.machine.tables.activities, self.machine.blocks, strict=True
            )
        ]
        self.trails: list[Trail] = [() for _ in self.block]
        self.at = [blocks[0] for blocks in self.machine.blocks]
        self.driver.resting = self._rests

    def _rests(self, activity: int) -> bool:
        """Whether an activity stands between two operations, for a step that asks."""
        return self.machine.resting[activity][self.at[activity]]

    def run(self, path: list[int], prop: Property | None = None) -> Trace:
        """The trace of a path that starts in an initial state and violates the property."""
        consulted: set[str] = set()
        relevant: set[str] = set()
        world = self._start(self.layout.decode(path[0]))
        start = members_shown(self.spec, world)
        done = []
        for number, state in enumerate(path[1:], 1):
            goal = self.layout.decode(state)
            activity, taken = self._find(world, goal, number)
            consulted |= self.spec.consulted
            done.append(self._describe(activity, world, taken, dict(self.driver.places)))
            self.trails[activity] = (*self.trails[activity], taken.said)
            if taken.restarted:
                for other in range(len(self.trails)):
                    self.trails[other] = self.trails[other] if other == activity else ()
            self.at = list(goal.at)
            relevant |= changed(self.spec, world, taken.world)
            world = taken.world
        population = self.spec.population()
        return Trace(
            members=len(world.members),
            member=population.member if population else "",
            steps=tuple(done),
            state=shown(self.spec, world),
            population=members_shown(self.spec, world),
            relevant=frozenset(relevant | self._asked(prop, world)),
            standing=tuple(self._standing(a, world) for a in range(len(self.trails))),
            consulted={name: self.spec.assumptions[name] for name in sorted(consulted)},
            start=tuple(tuple(n for n, on in bits.items() if on) for bits in start.values()),
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
        """The step of some activity that leads to the goal; what it consulted is in the spec."""
        for activity in range(len(self.trails)):
            others = [a for a in range(len(self.trails)) if a != activity]
            self.spec.consulted.clear()
            for taken in steps(self.driver, activity, self.trails[activity], world):
                now = [BEGINNING if taken.restarted else self.at[a] for a in others]
                if now == [goal.at[a] for a in others] and self._matches(activity, taken, goal):
                    return activity, taken
                self.spec.consulted.clear()
        raise ReplayError(f"step {number} of a counterexample is no step of the specification")

    def _matches(self, activity: int, taken: Taken, goal: Snapshot) -> bool:
        world = taken.world
        if world.scalars != goal.scalars:
            return False
        if self.block[activity].get(self.machine.tables.key(taken.position)) != goal.at[activity]:
            return False
        canonical = self.machine.canonical
        free = Counter(canonical[world.members[m]] for m in world.free())
        picked = {a: canonical[world.members[m]] for a, m in world.picked.items()}
        return free == Counter(goal.free) and picked == goal.picked

    # --- what matters ----------------------------------------------------------------------------

    def _asked(self, prop: Property | None, world: World) -> set[str]:
        """The scalars and bits that the property looks at in this state."""
        if not isinstance(prop, Always):
            return set()
        listener = Listener(self.spec)
        listener.begin(world.copy(), 0, ())
        self.spec.driver = listener
        self.spec.begin_step(-1, atomic="a property is not a step")
        prop.judge(self.spec)
        return listener.heard

    # --- describing ------------------------------------------------------------------------------

    def _describe(
        self, activity: int, before: World, taken: Taken, places: dict[str, str]
    ) -> TraceStep:
        functions, step = self._where(activity)
        done = changes(self.spec, before, taken.world)
        notes = tuple(n for n in taken.notes if not n.startswith(OPERATION))
        return TraceStep(
            activity=self.spec.activity_names[activity],
            frames=functions,
            changes=done,
            notes=notes,
            places={what: places[what] for what in places if what in done or what in notes},
            choices=tuple(n for n in taken.notes if n.startswith(OPERATION)),
            events=taken.events,
            waits_for=step.what,
            decided=taken.decided,
            restarted=taken.restarted,
        )

    def _where(self, activity: int) -> tuple[tuple[Frame, ...], Step]:
        coroutine, step = recreate(self.spec, activity, self.trails[activity])
        functions = chain(self.spec, coroutine)
        coroutine.close()
        return functions, step

    def _standing(self, activity: int, world: World) -> Standing:
        functions, step = self._where(activity)
        held = holds(self.spec, activity)
        self.driver.begin(world.copy(), activity, ())
        self.spec.driver = self.driver
        self.spec.begin_step(activity, atomic="a look, not a step")
        waits = step.guard is not None and not step.guard()
        return Standing(
            self.spec.activity_names[activity],
            functions,
            step.resting,
            step.what if waits else "",
            held,
        )
