"""A small explorer that runs the coroutines themselves: who checks the checker.

No tables, no merging, no packed integers. Members are numbered; a state counts them by class
unless ``numbered`` keeps every member apart. What a step does is remembered by what it asked and
heard, since a coroutine that hears the same does the same; ``remember=False`` runs every step of
every state anew.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from softsnp.lang import Always, Never, NoDeadlock, Property, Specification
from softsnp.lang.position import Position, position

from .concrete import Concrete, Taken, World, steps
from .recreate import Trail, recreate

Key = tuple[Any, ...]


@dataclass
class Seen:
    """What the oracle saw: exact numbers, and the shortest way to each violation."""

    states: int = 0
    transitions: int = 0
    depth: int = 0
    violated: dict[str, int] = field(default_factory=dict)
    exercised: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)


class Oracle:
    """Breadth-first over worlds and positions."""

    def __init__(self, spec: Specification, properties: list[Property]) -> None:
        self.spec = spec
        self.properties = properties
        self.driver = Concrete(spec)
        self.ids: list[dict[Position, int]] = []
        self.trails: list[list[Trail]] = []
        self.rests: list[list[bool]] = []
        for activity in range(len(spec.activity_names)):
            coroutine, step = recreate(spec, activity, ())
            start = position(coroutine, step, spec.held(activity))
            coroutine.close()
            self.ids.append({start: 0})
            self.trails.append([()])
            self.rests.append([step.resting])

    def initial(self, members: int, numbered: bool) -> Iterator[World]:
        scalars = {name: f.initial for name, f in self.spec.fields.items()}
        population = self.spec.population()
        kinds = self.spec.members()
        if population is None or not kinds:
            yield World(scalars, [])
            return
        classes = [population.pack(kind.bits)[1] for kind in kinds]
        for counts in _split([kind.count for kind in kinds], members):
            line = [c for c, n in zip(classes, counts, strict=True) for _ in range(n)]
            identity = population.identity_mask
            orders = sorted(set(permutations(line))) if numbered else [tuple(line)]
            for order in orders:
                if [c & identity for c in order] == [c & identity for c in line]:
                    yield World(scalars, list(order))

    def key(self, world: World, at: tuple[int, ...], numbered: bool) -> Key:
        scalars = tuple(world.scalars.values())
        if numbered:
            return scalars, at, tuple(world.members), tuple(sorted(world.picked.items()))
        free = Counter(world.members[m] for m in world.free())
        picked = tuple(sorted((a, world.members[m]) for a, m in world.picked.items()))
        return scalars, at, tuple(sorted(free.items())), picked

    def explore(self, members: int = 0, *, numbered: bool = False) -> Seen:
        """Every reachable state. ``members`` is exact."""
        seen = Seen()
        queue: deque[tuple[World, tuple[int, ...], int]] = deque()
        at = tuple(0 for _ in self.ids)
        for world in self.initial(members, numbered):
            self._add(seen, queue, world, at, 0, numbered)
        while queue:
            world, at, depth = queue.popleft()
            self._judge(seen, world, at, depth)
            stuck = True
            for activity in range(len(at)):
                for taken, there in self._steps(world, at, activity):
                    stuck = False
                    seen.transitions += 1
                    self._events(seen, taken, depth + 1)
                    self._add(seen, queue, taken.world, there, depth + 1, numbered)
            if stuck and not all(self.rests[a][p] for a, p in enumerate(at)):
                self._violate(seen, NoDeadlock, depth)
        seen.states = len(seen.keys)
        return seen

    def _add(
        self,
        seen: Seen,
        queue: deque[tuple[World, tuple[int, ...], int]],
        world: World,
        at: tuple[int, ...],
        depth: int,
        numbered: bool,
    ) -> None:
        key = self.key(world, at, numbered)
        if key not in seen.keys:
            seen.keys.add(key)
            seen.depth = depth
            queue.append((world, at, depth))

    def _steps(
        self, world: World, at: tuple[int, ...], activity: int
    ) -> Iterator[tuple[Taken, tuple[int, ...]]]:
        trail = self.trails[activity][at[activity]]
        for taken in steps(self.driver, activity, trail, world):
            ids = self.ids[activity]
            if taken.position not in ids:
                ids[taken.position] = len(ids)
                self.trails[activity].append((*trail, taken.said))
                self.rests[activity].append(taken.resting)
            here = ids[taken.position]
            yield (
                taken,
                tuple(
                    here if a == activity else 0 if taken.restarted else p for a, p in enumerate(at)
                ),
            )

    # --- properties ----------------------------------------------------------------------------

    def _judge(self, seen: Seen, world: World, at: tuple[int, ...], depth: int) -> None:
        self.driver.begin(world, -1, ())
        self.driver.resting = lambda a: self.rests[a][at[a]]
        self.spec.driver = self.driver
        for prop in self.properties:
            if isinstance(prop, Always):
                self.spec.enter(-1, atomic="a property is not a step")
                exercised, violated = prop.judge(self.spec)
                if exercised:
                    seen.exercised.add(prop.name)
                if violated:
                    seen.violated.setdefault(prop.name, depth)

    def _events(self, seen: Seen, taken: Taken, depth: int) -> None:
        for prop in self.properties:
            if isinstance(prop, Never):
                if prop.never in taken.events or prop.situation in taken.events:
                    seen.exercised.add(prop.name)
                if prop.never in taken.events:
                    seen.violated.setdefault(prop.name, depth)

    def _violate(self, seen: Seen, kind: type[Property], depth: int) -> None:
        for prop in self.properties:
            if isinstance(prop, kind):
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
