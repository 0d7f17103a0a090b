"""Populations whose members are counted: those that nothing tells apart are one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import factorial

from .populations import Populations

MANY = 2
"""What a saturated count says of two and more."""
ONE = 1
"""A member that is taken out of a lane, whichever it is."""


class Counted(Populations):
    """A lane has the number of its members; with counts saturated 0, 1 or MANY (two or more).

    ``members`` is None for any number of members: then counts are saturated.
    """

    def __init__(
        self,
        classes: Sequence[int],
        canonical: Mapping[int, int],
        pickers: Sequence[int],
        class_bits: int,
        identity: int,
        members: int | None,
    ) -> None:
        self.saturated = members is None
        lane_bits = 2 if members is None else max(1, members.bit_length())
        super().__init__(classes, canonical, pickers, class_bits, identity, lane_bits)

    def ways(self, free: dict[int, int], picked: dict[int, int]) -> Iterator[int]:
        lanes = sum(self.cap(count) << self.lanes[cls] for cls, count in free.items())
        yield lanes | self._picked(picked)

    def cap(self, count: int) -> int:
        return min(count, MANY) if self.saturated else count

    def orbit(self, number: int) -> int:
        """N!/∏counts! within each group that identity bits tell apart; picked ones count once."""
        free, picked = self.unpack(self.packed[number])
        groups: dict[int, list[int]] = {}
        for cls, count in free.items():
            groups.setdefault(cls & self.identity, []).append(count)
        for cls in picked.values():
            groups.setdefault(cls & self.identity, []).append(1)
        ways = 1
        for counts in groups.values():
            ways *= factorial(sum(counts))
            for count in counts:
                ways //= factorial(count)
        return ways

    def _count(self, members: int) -> int:
        return members

    def _give(self, packed: int, lane: int, members: int) -> int:
        before = self._in(packed, lane)
        return packed + ((self.cap(before + members) - before) << lane)

    def _take(self, packed: int, lane: int) -> list[tuple[int, int]]:
        """Two ways when many may become one or stay many."""
        fewer = packed - (ONE << lane)
        many = self.saturated and self._in(packed, lane) == MANY
        return [(fewer, ONE), (packed, ONE)] if many else [(fewer, ONE)]

    def _move_one(self, packed: int, lane: int, to: int) -> list[int]:
        return [packed] if lane == to else super()._move_one(packed, lane, to)

    def _put(self, packed: int, at: int, cls: int, member: int) -> int:
        return packed | (self.slot_valid | cls) << at

    def _who(self, packed: int, at: int) -> int:
        return ONE
