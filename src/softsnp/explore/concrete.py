"""A driver that tries every way that a step leaves open. The oracle and replay use it.

It is a second, independent meaning of every word: it knows no tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from softsnp.lang import Change, Cube, Driver, Field, Impossible, SpecError, Specification, Step
from softsnp.lang.position import Position, advance, position
from softsnp.lang.world import InWorld, World

from .recreate import Said, Trail, recreate

T = TypeVar("T")


class Concrete(InWorld):
    """Answers from a World; forks are decided by a script, and the rest by trying all.

    ``numbered`` makes every member a way of its own; else one member stands for its whole class.
    """

    def __init__(self, spec: Specification, numbered: bool = False) -> None:
        super().__init__(spec)
        self.numbered = numbered
        self.resting: Callable[[int], bool] = lambda _: False

    def begin(self, world: World, activity: int, script: tuple[int, ...]) -> None:
        self.world = world
        self.activity = activity
        self.script = script
        self.forks: list[int] = []
        """The number of ways at each fork."""
        self.ways: list[int] = []
        self.decided: list[int] = []
        """The member or the alternative that each way stands for."""
        self.said: list[int] = []
        self.events: list[str] = []
        self.notes: list[str] = []
        self.restarted = False

    def _fork(self, ways: int) -> int:
        number = len(self.forks)
        way = self.script[number] if number < len(self.script) else 0
        self.forks.append(ways)
        self.ways.append(way)
        return way

    def _say(self, value: int) -> int:
        self.said.append(value)
        return value

    def read(self, field: Field[Any]) -> int:
        return self._say(super().read(field))

    def any(self, cube: Cube) -> bool:
        return self._say(super().any(cube)) == 1

    def any_free(self, cube: Cube) -> bool:
        return self._say(super().any_free(cube)) == 1

    def update_one(self, cube: Cube, change: Change) -> None:
        """One way for every class of free members, then one for every picked member."""
        members = self.world.members
        candidates = self._candidates(cube)
        picked = sorted(self.world.picked.items())
        candidates += [m for _, m in picked if cube.holds(members[m])]
        chosen = candidates[self._fork(len(candidates))]
        self.decided.append(chosen)
        members[chosen] = change(members[chosen])

    def _candidates(self, cube: Cube) -> list[int]:
        """Free members of the cube: all of them, or the first of each class."""
        if self.numbered:
            return [m for m in self.world.free() if cube.holds(self.world.members[m])]
        first: dict[int, int] = {}
        for member in self.world.free():
            first.setdefault(self.world.members[member], member)
        return [m for cls, m in sorted(first.items()) if cube.holds(cls)]

    def peek(self, cube: Cube, bit: int) -> bool:
        seen = [(c >> bit & 1, m) for m, c in enumerate(self.world.members) if cube.holds(c)]
        first = dict(reversed(seen))
        value = sorted(first)[self._fork(len(first))]
        self.decided.append(first[value])
        return self._say(value) == 1

    def pick(self, cube: Cube) -> None:
        candidates = self._candidates(cube)
        chosen = candidates[self._fork(len(candidates))]
        self.decided.append(chosen)
        self.world.picked[self.activity] = chosen

    def member_bit(self, bit: int) -> bool:
        return self._say(super().member_bit(bit)) == 1

    def choose(self, count: int, label: str) -> int:
        chosen = self._fork(count)
        self.decided.append(chosen)
        return self._say(chosen)

    def at_rest(self, activity: int) -> bool:
        return self._say(self.resting(activity)) == 1

    def restart(self) -> None:
        super().restart()
        self.restarted = True

    def herd(self, world: World) -> tuple[Any, ...]:
        """The members and who has picked whom, as a value that tells apart what differs."""
        if self.numbered:
            return tuple(world.members), tuple(sorted(world.picked.items()))
        free = tuple(sorted([world.members[m] for m in world.free()]))
        return free, tuple(sorted([(a, world.members[m]) for a, m in world.picked.items()]))

    def taken_to(self, where: Position, step: Step) -> Taken:
        """The step that has just been run, which ended there."""
        return Taken(
            self.world,
            where,
            step.resting,
            step.lock,
            tuple(self.said),
            tuple(self.forks),
            tuple(self.ways),
            tuple(self.decided),
            tuple(self.events),
            tuple(self.notes),
            self.restarted,
        )


@dataclass(frozen=True)
class Taken:
    """One step that was taken: the world after it, and everything about it."""

    world: World
    position: Position
    resting: bool
    lock: str
    """The lock that the activity waits for there, or an empty string."""
    said: Said
    forks: tuple[int, ...]
    """The number of ways at each fork."""
    ways: tuple[int, ...]
    """Which way it went at each."""
    decided: tuple[int, ...]
    """The number of the member, or of the alternative, that each way stands for."""
    events: tuple[str, ...]
    notes: tuple[str, ...]
    restarted: bool


def steps(driver: Concrete, activity: int, trail: Trail, world: World) -> Iterator[Taken]:
    """Every step that an activity can take from here, each run on the specification itself.

    Raises SpecError when the specification fails in one of them.
    """
    for taken in every_way(driver, lambda s: take(driver, driver, activity, trail, world, s)):
        if taken is not None:
            yield taken


def every_way(driver: Concrete, run: Callable[[tuple[int, ...]], T]) -> Iterator[T]:
    """What a step comes to along every way through its forks; ``run`` is given one, as a script."""
    pending: list[tuple[int, ...]] = [()]
    while pending:
        script = pending.pop()
        came_to = run(script)
        for depth in range(len(script), len(driver.forks)):
            head = tuple(driver.ways[:depth])
            pending += [(*head, way) for way in range(1, driver.forks[depth])]
        yield came_to


def take(
    driver: Concrete,
    heard_by: Driver,
    activity: int,
    trail: Trail,
    world: World,
    script: tuple[int, ...],
) -> Taken | None:
    """One step along one way; None when the step cannot be taken. ``world`` stays as it is.

    ``heard_by`` is what the specification talks to: the driver, or something that listens in.
    """
    spec = driver.spec
    driver.begin(world.copy(), activity, ())
    spec.driver = driver
    coroutine, step = recreate(spec, activity, trail)
    driver.begin(world.copy(), activity, script)
    spec.driver = heard_by
    spec.begin_step(activity, step.atomic)
    try:
        if step.guard is not None and not step.guard():
            return None
        step = advance(coroutine)
        where = position(coroutine, step, spec.held(activity))
    except SpecError:
        raise
    except (Impossible, Exception) as error:
        raise SpecError(str(error)) from error
    finally:
        coroutine.close()
    return driver.taken_to(where, step)
