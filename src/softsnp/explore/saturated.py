"""A concrete driver for any number of members: of each class none, one or many are free.

Two free members of a class stand for many of them, whatever the number. So one that is taken out
of many leaves many or leaves one: two ways, where a world of real members has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

from softsnp.lang import Change, Cube
from softsnp.lang.world import World

from .concrete import Concrete

MANY = 2


def starts(counts: list[int | None]) -> Iterator[tuple[int, ...]]:
    """How many there can be of each kind at the start, of which some have a fixed number."""
    return product(*(range(MANY + 1) if count is None else [count] for count in counts))


def cap(world: World) -> None:
    """Leave no more than MANY free members of a class. The numbers of members change."""
    picked = sorted(world.picked.items())
    free = Counter(world.members[m] for m in world.free())
    world.members[:] = [world.members[m] for _, m in picked]
    for cls, count in sorted(free.items()):
        world.members += [cls] * min(count, MANY)
    world.picked = {activity: number for number, (activity, _) in enumerate(picked)}


class Saturated(Concrete):
    """As Concrete, with no more than MANY free members of a class after each change."""

    def update(self, cube: Cube, change: Change) -> None:
        super().update(cube, change)
        cap(self.world)

    def update_one(self, cube: Cube, change: Change) -> None:
        members = self.world.members
        ways = []
        for member, many_left in self._taken(cube):
            # Nobody is taken out of a class by a change that changes nothing.
            if not many_left or change(members[member]) != members[member]:
                ways.append((member, many_left))
        for _, member in sorted(self.world.picked.items()):
            if cube.holds(members[member]):
                ways.append((member, False))
        member = self._one_of(ways)
        members[member] = change(members[member])
        cap(self.world)

    def pick(self, cube: Cube) -> None:
        self.world.picked[self.activity] = self._one_of(self._taken(cube))

    def member_release(self) -> None:
        super().member_release()
        cap(self.world)

    def restart(self) -> None:
        super().restart()
        cap(self.world)

    def _taken(self, cube: Cube) -> list[tuple[int, bool]]:
        """(a free member of the cube, whether many are left without it), for each way."""
        members = self.world.members
        count = Counter(members[m] for m in self.world.free())
        ways = []
        for member in self._candidates(cube):
            ways.append((member, False))
            if count[members[member]] == MANY:
                ways.append((member, True))
        return ways

    def _one_of(self, ways: list[tuple[int, bool]]) -> int:
        member, many_left = ways[self._fork(len(ways))]
        if many_left:
            self.world.members.append(self.world.members[member])
        return member
