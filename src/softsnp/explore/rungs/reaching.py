"""What can still be reached from each state of a search by tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from softsnp.explore.lower import Program

from . import judging, kernel
from .backwards_table import TableBackwards
from .rung import ASKS, Need

if TYPE_CHECKING:
    from .table import TableRung


class Reaching:
    """Asks it of the states of a rung. No more are found from then on."""

    def __init__(self, rung: TableRung) -> None:
        self.rung = rung
        self.store = rung.store
        self.known = rung.store.known

    def no_return(self) -> int | None:
        return self._settle(self._who_rests(), (1 << len(self.rung.layout.at)) - 1)

    def no_ways(self, asked: Sequence[tuple[str, str]]) -> list[tuple[bool, int | None]]:
        situations, can = np.zeros(self.known, np.uint16), np.zeros(self.known, np.uint16)
        for bit, (when, _) in enumerate(asked):
            self.rung.mark(when, situations, bit)
        every = int(np.bitwise_or.reduce(situations))
        for bit, (_, goal) in enumerate(asked):
            if every >> bit & 1:
                self.rung.mark(goal, can, bit)
        self._settle(can, every)
        lost = situations & ~can
        found = []
        for bit in range(len(asked)):
            which = np.flatnonzero(lost & np.uint16(1 << bit))
            found.append((bool(every >> bit & 1), int(which[0]) if len(which) else None))
        return found

    def _settle(self, can: npt.NDArray[np.uint16], every: int) -> int | None:
        """Give each state the bits of those it leads to. The first that lacks one in the end."""
        still = np.flatnonzero(can != every).astype(np.uint32)
        control = self.rung.control
        control[kernel.C_OPEN], control[kernel.C_EVERY] = len(still), every
        while control[kernel.C_OPEN]:
            control[kernel.C_AT] = control[kernel.C_LEFT] = control[kernel.C_OPEN]
            control[kernel.C_CHANGED] = 0
            self._pass(can, still)
            if not control[kernel.C_CHANGED]:
                return int(still[0]) if control[kernel.C_OPEN] else None
        return None

    def _pass(self, can: npt.NDArray[np.uint16], still: npt.NDArray[np.uint32]) -> None:
        rung, index = self.rung, self.store.index
        while True:
            rung.point()
            code = judging.back(
                rung.control,
                rung.populations.tables,
                rung.batch,
                rung.second,
                self.store.states,
                index,
                can,
                still,
            )
            if code == kernel.DONE:
                return
            rung.mend(code)

    def _who_rests(self) -> npt.NDArray[np.uint16]:
        """For each state the set (by bits) of the activities that rest there."""
        found = np.zeros(self.known, np.uint16)
        words, tables = self.store.words, self.rung.populations.tables
        for activity, (word, shift, mask, base) in enumerate(tables.places.reshape(-1, 4)):
            place = self.store.states[word : self.known * words : words] >> shift & mask
            found |= tables.rests[base + place].astype(np.uint16) << activity
        return found

    def marks(self, situation: str | None, goal: str | int) -> bytearray:
        made = np.zeros(self.known, np.uint16)
        if isinstance(goal, str):
            self.rung.mark(goal, made, 0)
        else:
            made |= self._who_rests() >> goal & 1
        if situation is None:
            made |= ASKS
        else:
            self.rung.mark(situation, made, 1)
        return bytearray(made.astype(np.uint8).tobytes())

    def backwards(self, program: Program, need: Need) -> TableBackwards:
        return TableBackwards(self.rung, program, need)

    def try_all(self) -> None:
        """Call every function once."""
        self._pass(np.zeros(1, np.uint16), np.zeros(1, np.uint32))
        backwards = self.backwards(self.rung.program, lambda _: None)
        marks = self.marks(None, 0)
        backwards.spread(marks, [backwards.number(self.rung.states[0])])
        backwards.distances(marks)
