"""The buffers in which one thread expands a batch of states."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import kernel
from .arrays import Ints, Tables
from .llvm import FRAME


class Batch(NamedTuple):
    """Buffers for a batch of states and its successors."""

    out0: Ints
    """The first words of successors as they are made, and shuffled."""
    mixed: npt.NDArray[np.uint64]
    key0: Ints
    """The first words of those to look for, and where to look for what."""
    where: npt.NDArray[np.uint64]
    wants: npt.NDArray[np.uint64]
    fresh: npt.NDArray[np.uint8]
    """Which of those are new, and which have to be looked for in a second line."""
    late: Ints
    todo: Ints
    """The numbers of the states, and where the successors of each of them end."""
    ends: Ints
    recent: Ints
    """The successors that were made a moment ago, by hash."""
    frame: Ints
    """What emitted code is given; see llvm.py."""


class Second(NamedTuple):
    """What more there is where a state is two words."""

    out1: Ints
    key1: Ints
    recent: Ints


def buffers(size: int, words: int) -> tuple[Batch, Second | None]:
    """For ``size`` successors at most."""

    def some(count: int = size) -> Ints:
        return np.zeros(count, np.int64)

    def unsigned(count: int) -> npt.NDArray[np.uint64]:
        return np.zeros(count, np.uint64)

    def recent() -> Ints:
        return np.full(kernel.RECENT, -1, np.int64)

    batch = Batch(
        out0=some(),
        mixed=unsigned(size),
        key0=some(2 * size),
        where=unsigned(2 * size),
        wants=unsigned(2 * size),
        fresh=np.zeros(2 * size, np.uint8),
        late=some(),
        todo=some(kernel.BATCH),
        ends=some(kernel.BATCH),
        recent=recent(),
        frame=some(len(FRAME)),
    )
    return batch, Second(some(), some(2 * size), recent()) if words == 2 else None


def point(batch: Batch, second: Second | None, tables: Tables, states: Ints) -> None:
    """Tell emitted code where arrays are now."""
    arrays = (
        batch.todo,
        states,
        batch.out0,
        batch.out0 if second is None else second.out1,
        batch.ends,
        tables.answers,
        tables.one,
        tables.each,
        tables.lists,
    )
    batch.frame[: len(arrays)] = [array.ctypes.data for array in arrays]
    batch.frame[-1] = len(batch.out0)
