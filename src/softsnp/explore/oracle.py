"""A small explorer that runs the coroutines themselves: who checks the checker.

No tables, no merging, no packed integers. A state counts members by class unless ``numbered``
keeps every member apart. What a step did is remembered; ``remember=False`` runs every step of
every state anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations

from softsnp.lang import (
    Always,
    AlwaysPossible,
    LockOrder,
    Never,
    NoDeadlock,
    Property,
    Specification,
)
from softsnp.lang.world import World

from .concrete import Concrete
from .saturated import Saturated, cap, starts
from .ways import Places, State, Ways, after


@dataclass
class Seen:
    """What the oracle saw: exact numbers, and the shortest way to each violation."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    violated: dict[str, int] = field(default_factory=dict)
    exercised: set[str] = field(default_factory=set)


class Oracle:
    """Breadth-first over worlds and places."""

    def __init__(
        self,
        spec: Specification,
        properties: list[Property],
        *,
        numbered: bool = False,
        remember: bool = True,
    ) -> None:
        self.spec = spec
        self.always = [p for p in properties if isinstance(p, Always)]
        self.never = [p for p in properties if isinstance(p, Never)]
        self.possible = [p for p in properties if isinstance(p, AlwaysPossible)]
        self.orders = [p for p in properties if isinstance(p, LockOrder)]
        self.deadlocks = [p for p in properties if isinstance(p, NoDeadlock)]
        self.numbered = numbered
        self.remember = remember
        self.places = [Places(spec, activity) for activity in range(len(spec.activity_names))]

    def initial(self, members: int | None) -> Iterator[World]:
        scalars = {name: f.initial for name, f in self.spec.fields.items()}
        population = self.spec.population()
        kinds = self.spec.members()
        if population is None or not kinds:
            yield World(scalars, [])
            return
        classes = [population.pack(kind.bits)[1] for kind in kinds]
        how_many = [kind.count for kind in kinds]
        for counts in starts(how_many) if members is None else _split(how_many, members):
            line = [c for c, n in zip(classes, counts, strict=True) for _ in range(n)]
            identity = population.identity_mask
            orders = sorted(set(permutations(line))) if self.numbered else [tuple(line)]
            for order in orders:
                if [c & identity for c in order] == [c & identity for c in line]:
                    world = World(scalars, list(order))
                    if members is None:
                        cap(world)
                    yield world

    def explore(self, members: int | None = 0) -> Seen:
        """Every reachable state, with exactly so many members, or with any number (None)."""
        assert members is not None or not self.numbered, "any number of members has no numbers"
        exact = Concrete(self.spec, self.numbered)
        self.driver = Saturated(self.spec) if members is None else exact
        self.ways = Ways(self.driver, self.places, remember=self.remember)
        self.judged: set[tuple[int, int, tuple[bool, ...]]] = set()
        seen = Seen()
        start = tuple(0 for _ in self.places)
        self.states = list(
            dict.fromkeys(self.ways.state(world, start) for world in self.initial(members))
        )
        numbers = {state: number for number, state in enumerate(self.states)}
        depths = [0 for _ in self.states]
        before: list[list[int]] = [[] for _ in self.states]
        for number, state in enumerate(self.states):  # which grow as we go
            seen.depth = depths[number]
            self._judge(seen, state)
            stuck = True
            for activity in range(len(self.places)):
                for way in self.ways.ways(state, activity):
                    stuck = False
                    seen.transitions += 1
                    if way.events:
                        self._events(seen, way.events)
                    successor = after(state, activity, way)
                    there = numbers.setdefault(successor, len(self.states))
                    if there == len(self.states):
                        self.states.append(successor)
                        depths.append(seen.depth + 1)
                        before.append([])
                    before[there].append(number)
            if stuck and not all(self._who_rests(state)):
                self._deadlock(seen, seen.depth)
        seen.states = len(self.states)
        if not any(prop.name in seen.violated for prop in self.deadlocks):
            for doomed in self._never_at_rest(before):
                self._deadlock(seen, depths[doomed])
        for prop in self.possible:
            self._no_way(seen, prop, before, depths)
        for order in self.orders:
            self._lock_order(seen, order, depths)
        return seen

    def _no_way(
        self, seen: Seen, prop: AlwaysPossible, before: list[list[int]], depths: list[int]
    ) -> None:
        """States from which a goal cannot be reached: backwards from where it is."""
        can, situation = [], []
        known: dict[tuple[int, int, tuple[bool, ...]], tuple[bool, bool]] = {}
        for state in self.states:
            rests = self._who_rests(state)
            told = (state[0], state[1], rests)
            if told not in known:
                self._look(state)
                asked = all(rests) or not prop.at_rest
                known[told] = prop.goal(self.spec), asked and prop.when(self.spec)
            there, asked = known[told]
            can.append(there)
            situation.append(asked)
        todo = [number for number, there in enumerate(can) if there]
        while todo:
            for number in before[todo.pop()]:
                if not can[number]:
                    can[number] = True
                    todo.append(number)
        if any(situation):
            seen.exercised.add(prop.name)
        for number, asks in enumerate(situation):
            if asks and not can[number]:
                seen.violated.setdefault(prop.name, depths[number])

    def _lock_order(self, seen: Seen, prop: LockOrder, depths: list[int]) -> None:
        """Orders as they come up, state by state, until one closes a circle."""
        reaches: set[tuple[str, str]] = set()
        for number, state in enumerate(self.states):
            for of, place in zip(self.places, state[2:], strict=True):
                for held, wanted in of.orders[place]:
                    seen.exercised.add(prop.name)
                    before = {a for a, b in reaches if b == held} | {held}
                    behind = {b for a, b in reaches if a == wanted} | {wanted}
                    reaches |= {(a, b) for a in before for b in behind}
            if any(a == b for a, b in reaches):
                seen.violated.setdefault(prop.name, depths[number])
                return

    def _look(self, state: State) -> None:
        """Let properties see a state."""
        rests = self._who_rests(state)
        self.driver.begin(self.ways.world(state), -1, ())
        self.driver.resting = lambda activity: rests[activity]
        self.spec.driver = self.driver
        self.spec.begin_step(-1, atomic="a property is not a step")

    def _who_rests(self, state: State) -> tuple[bool, ...]:
        return tuple([of.rests[place] for of, place in zip(self.places, state[2:], strict=True)])

    def _never_at_rest(self, before: list[list[int]]) -> list[int]:
        """The states from which some activity can never come to rest again: a deadlock as well."""
        doomed: set[int] = set()
        for activity, of in enumerate(self.places):
            can = [of.rests[state[2 + activity]] for state in self.states]
            todo = [number for number, rests in enumerate(can) if rests]
            while todo:
                for number in before[todo.pop()]:
                    if not can[number]:
                        can[number] = True
                        todo.append(number)
            doomed.update(number for number, rests in enumerate(can) if not rests)
        return sorted(doomed)

    # --- properties ----------------------------------------------------------------------------

    def _judge(self, seen: Seen, state: State) -> None:
        """A property sees data, and who is at rest; each combination is judged once."""
        rests = self._who_rests(state)
        told = (state[0], state[1], rests)
        if told in self.judged:
            return
        self.judged.add(told)
        self._look(state)
        for prop in self.always:
            exercised, violated = prop.judge(self.spec)
            if exercised:
                seen.exercised.add(prop.name)
            if violated:
                seen.violated.setdefault(prop.name, seen.depth)

    def _events(self, seen: Seen, events: tuple[str, ...]) -> None:
        for prop in self.never:
            if prop.never in events or prop.situation in events:
                seen.exercised.add(prop.name)
            if prop.never in events:
                seen.violated.setdefault(prop.name, seen.depth + 1)

    def _deadlock(self, seen: Seen, depth: int) -> None:
        for prop in self.deadlocks:
            seen.violated.setdefault(prop.name, depth)


def _split(counts: list[int | None], members: int) -> Iterator[tuple[int, ...]]:
    """The ways in which ``members`` can be of kinds of which some have a fixed number."""
    if not counts:
        if members == 0:
            yield ()
        return
    first, rest = counts[0], counts[1:]
    for number in range(members + 1) if first is None else [first]:
        if number <= members:
            for others in _split(rest, members - number):
                yield (number, *others)
