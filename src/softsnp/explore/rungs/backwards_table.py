"""Steps gone from their ends, by tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from softsnp.explore.layout import WORD
from softsnp.explore.lower import Program

from . import edges, kernel
from .arrays import Ints, signed
from .rung import FAR, SURE, Need

if TYPE_CHECKING:
    from .table import TableRung

STATE_BYTES = 60
"""What is kept of each state, about, and taken while it is made."""
STEPS = 4
"""Room for so many steps of each state, at first."""
Numbers = npt.NDArray[np.uint32]


class TableBackwards:
    """Those of ``program`` among the states of a search."""

    def __init__(self, rung: TableRung, program: Program, need: Need) -> None:
        known = rung.store.known
        need(STATE_BYTES * known)
        self.states, self.index, self.words = rung.store.states, rung.store.index, rung.words
        self.bits = int(rung.control[kernel.C_BITS])
        self.todo: Numbers = np.empty(known, np.uint32)
        ends, targets = self._steps(rung.sibling(program), known)
        need(0)
        self.begins: Ints = np.zeros(known + 1, np.int64)
        self.sources: Numbers = np.empty(int(ends[-1]), np.uint32)
        edges.turn(ends, targets, self.begins, self.sources)

    def _steps(self, rung: TableRung, known: int) -> tuple[Ints, Numbers]:
        """(where those of each state end, where each leads to)."""
        control, room = rung.control, len(rung.batch.out0)
        control[kernel.C_AT], control[kernel.C_LEVEL_END] = 0, known
        ends, targets = np.zeros(known, np.int64), np.empty(STEPS * known + room, np.uint32)
        while True:
            code = edges.lead(
                control,
                rung.populations.tables,
                rung.batch,
                rung.second,
                self.states,
                self.index,
                ends,
                targets,
            )
            if code == kernel.DONE:
                return ends, targets
            rung.mend(code)
            if len(targets) < int(ends[control[kernel.C_AT] - 1]) + len(rung.batch.out0):
                targets = np.resize(targets, 2 * len(targets))

    def number(self, state: int) -> int:
        low, high = signed(state), signed(state >> WORD)
        return int(edges.find(self.states, self.index, self.bits, self.words, low, high))

    def spread(self, marks: bytearray, begin: Sequence[int] | None = None) -> None:
        view = np.frombuffer(marks, np.uint8)
        where = np.flatnonzero(view & SURE) if begin is None else np.array(begin, np.uint32)
        view[where] |= SURE
        self.todo[: len(where)] = where
        edges.spread(self.begins, self.sources, view, self.todo, len(where), SURE)

    def distances(self, marks: bytearray) -> Sequence[int]:
        where = np.flatnonzero(np.frombuffer(marks, np.uint8) & SURE)
        found = np.full(len(marks), FAR, np.uint16)
        found[where] = 0
        self.todo[: len(where)] = where
        edges.distances(self.begins, self.sources, found, self.todo, len(where), FAR)
        return found.data
