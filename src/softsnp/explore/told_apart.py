"""Populations whose members are told apart, each from every other: no symmetry is made use of.

What counts do is checked with it, and engines that know no counts are given the same work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, product

from .populations import Populations


class ToldApart(Populations):
    """A lane has a mask of its members, bit ``i`` for member ``i``; a slot one of a single member.

    Of members that identity bits tell apart, each group has numbers of its own.
    """

    def __init__(
        self,
        classes: Sequence[int],
        canonical: Mapping[int, int],
        pickers: Sequence[int],
        class_bits: int,
        identity: int,
        members: int,
    ) -> None:
        width = max(1, members)
        super().__init__(classes, canonical, pickers, class_bits, identity, width, width)
        self.low = sum(self.lane_mask >> 1 << at for at in self.lanes.values())
        self.high = sum(1 << at + width - 1 for at in self.lanes.values())
        slot = self.slot_valid | self.class_mask
        self.told = self.high | sum(slot << at for at in self.slots.values())

    def prepare(self) -> None:
        """What is answered depends on which lanes are empty, and so is asked but once for those."""
        super().prepare()
        self._answer = _remembering(self._answer, self.low, self.told)

    def ways(self, free: dict[int, int], picked: dict[int, int]) -> Iterator[int]:
        groups: dict[int, list[int]] = {}
        for cls, count in free.items():
            groups.setdefault(cls & self.identity, []).extend([self.lanes[cls]] * count)
        for activity, cls in picked.items():
            slot = self.slots[activity] + self.who_at
            groups.setdefault(cls & self.identity, []).append(slot)
        held = self._picked(picked)
        for placed in product(*(tuple(orders(groups[group])) for group in sorted(groups))):
            yield held | sum(1 << at + i for i, at in enumerate(chain.from_iterable(placed)))

    def orbit(self, number: int) -> int:
        return 1

    def _count(self, members: int) -> int:
        return members.bit_count()

    def _give(self, packed: int, lane: int, members: int) -> int:
        return packed | members << lane

    def _take(self, packed: int, lane: int) -> list[tuple[int, int]]:
        members = self._in(packed, lane)
        found = []
        while members:
            member = members & -members
            found.append((packed - (member << lane), member))
            members -= member
        return found

    def _put(self, packed: int, at: int, cls: int, member: int) -> int:
        return packed | (member << self.who_at | self.slot_valid | cls) << at

    def _who(self, packed: int, at: int) -> int:
        return packed >> at + self.who_at & self.lane_mask


def _remembering(answer: Callable[[int], int], low: int, told: int) -> Callable[[int], int]:
    """The same answers; ``low``: every bit of a lane but its highest, which says all of it then."""
    known: dict[int, int] = {}

    def remembered(packed: int) -> int:
        # Any of a lane's lower bits carries into its highest, and none beyond it.
        key = ((packed & low) + low | packed) & told
        found = known.get(key)
        if found is None:
            found = known[key] = answer(key)
        return found

    return remembered


def orders(line: list[int]) -> Iterator[tuple[int, ...]]:
    """Every order of these, each once."""
    if not line:
        yield ()
    for first in sorted(set(line)):
        rest = list(line)
        rest.remove(first)
        for others in orders(rest):
            yield (first, *others)
