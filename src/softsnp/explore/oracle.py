"""A small explorer that runs the coroutines themselves: who checks the checker.

No tables, no merging, no packed integers. A state counts members by class unless ``numbered``
keeps every member apart. What a step did is remembered by what it heard; ``remember=False`` runs
every step of every state anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from softsnp.lang import Always, Never, NoDeadlock, Property, Specification
from softsnp.lang.position import Position, position

from .concrete import Concrete, Taken, World, every_way, steps
from .memory import Memory
from .recreate import Trail, recreate
from .saturated import Saturated, cap, starts

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
        self.deadlocks = [p for p in properties if isinstance(p, NoDeadlock)]
        self.numbered = numbered
        self.remember = remember
        self._exact = Concrete(spec, numbered)
        self.driver: Concrete = self._exact
        self.memories: dict[tuple[int, int], Memory] = {}
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

    def key(self, world: World, at: tuple[int, ...]) -> Key:
        scalars = tuple(world.scalars.values())
        if self.numbered:
            return scalars, at, tuple(world.members), tuple(sorted(world.picked.items()))
        free = tuple(sorted([world.members[m] for m in world.free()]))
        picked = tuple(sorted((a, world.members[m]) for a, m in world.picked.items()))
        return scalars, at, free, picked

    def explore(self, members: int | None = 0) -> Seen:
        """Every reachable state, with exactly so many members, or with any number (None)."""
        assert members is not None or not self.numbered, "any number of members has no numbers"
        self.driver = Saturated(self.spec) if members is None else self._exact
        seen = Seen()
        self.numbers: dict[Key, int] = {}
        self.judged: set[Key] = set()
        self.queue: list[tuple[World, tuple[int, ...], int]] = []
        before: list[list[int]] = []
        for world in self.initial(members):
            self._number(world, tuple(0 for _ in self.ids), 0)
        done = 0
        while done < len(self.queue):
            world, at, depth = self.queue[done]
            self._judge(seen, world, at, depth)
            stuck = True
            for activity in range(len(at)):
                for taken, there in self._steps(world, at, activity):
                    stuck = False
                    seen.transitions += 1
                    self._events(seen, taken, depth + 1)
                    number = self._number(taken.world, there, depth + 1)
                    before += [[] for _ in range(number + 1 - len(before))]
                    before[number].append(done)
            if stuck and not all(self.rests[a][p] for a, p in enumerate(at)):
                self._deadlock(seen, depth)
            done += 1
        seen.states = done
        seen.depth = self.queue[-1][2] if self.queue else 0
        seen.keys = set(self.numbers)
        if not any(prop.name in seen.violated for prop in self.deadlocks):
            self._return_to_rest(seen, before)
        return seen

    def _number(self, world: World, at: tuple[int, ...], depth: int) -> int:
        key = self.key(world, at)
        if key not in self.numbers:
            self.numbers[key] = len(self.queue)
            self.queue.append((world, at, depth))
        return self.numbers[key]

    def _return_to_rest(self, seen: Seen, before: list[list[int]]) -> None:
        """Every activity can come to rest again from every state; else it is a deadlock."""
        before += [[] for _ in range(len(self.queue) - len(before))]
        doomed = set()
        for activity, rests in enumerate(self.rests):
            todo = [n for n, (_, at, _) in enumerate(self.queue) if rests[at[activity]]]
            can = set(todo)
            while todo:
                for number in before[todo.pop()]:
                    if number not in can:
                        can.add(number)
                        todo.append(number)
            doomed |= set(range(len(self.queue))) - can
        if doomed:
            self._deadlock(seen, self.queue[min(doomed)][2])

    def _steps(
        self, world: World, at: tuple[int, ...], activity: int
    ) -> Iterator[tuple[Taken, tuple[int, ...]]]:
        ids = self.ids[activity]
        self.driver.resting = lambda a: self._rests(at, activity, a)
        for taken in self._taken(world, activity, at[activity]):
            if taken.position not in ids:
                ids[taken.position] = len(ids)
                trail = self.trails[activity][at[activity]]
                self.trails[activity].append((*trail, taken.said))
                self.rests[activity].append(taken.resting)
            here = ids[taken.position]
            yield (
                taken,
                tuple(
                    here if a == activity else 0 if taken.restarted else p for a, p in enumerate(at)
                ),
            )

    def _rests(self, at: tuple[int, ...], activity: int, asked: int) -> bool:
        """Whether an activity is at rest, when a step of another (or its own) asks in between."""
        again = self.driver.restarted and asked != activity
        return self.rests[asked][0 if again else at[asked]]

    def _taken(self, world: World, activity: int, local: int) -> Iterator[Taken]:
        trail = self.trails[activity][local]
        if not self.remember:
            return steps(self.driver, activity, trail, world)
        memory = self.memories.setdefault((activity, local), Memory(activity, trail))
        return every_way(lambda script: memory.take(self.driver, world, script))

    # --- properties ----------------------------------------------------------------------------

    def _judge(self, seen: Seen, world: World, at: tuple[int, ...], depth: int) -> None:
        """A property sees data, and who is at rest; each combination is judged once."""
        rests = tuple(of_all[p] for of_all, p in zip(self.rests, at, strict=True))
        told = (*world.scalars.values(), *sorted(world.members), *rests)
        if told in self.judged:
            return
        self.judged.add(told)
        self.driver.begin(world, -1, ())
        self.driver.resting = lambda a: rests[a]
        self.spec.driver = self.driver
        self.spec.begin_step(-1, atomic="a property is not a step")
        for prop in self.always:
            exercised, violated = prop.judge(self.spec)
            if exercised:
                seen.exercised.add(prop.name)
            if violated:
                seen.violated.setdefault(prop.name, depth)

    def _events(self, seen: Seen, taken: Taken, depth: int) -> None:
        for prop in self.never if taken.events else ():
            if prop.never in taken.events or prop.situation in taken.events:
                seen.exercised.add(prop.name)
            if prop.never in taken.events:
                seen.violated.setdefault(prop.name, depth)

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
