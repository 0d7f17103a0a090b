"""Where a search by tables keeps its states: in order, and as the set of those seen."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from softsnp.explore.layout import WORD, Layout
from softsnp.explore.memory_use import available, resident

from . import judging, kernel, seen
from .arrays import Ints
from .rung import OutOfRoom
from .seen import LINE

FIRST_SLOTS = 1 << 17
LOAD, FULL = 0.75, 0.9
"""The part of the set that is used before it grows, and where it cannot, at the most."""
INDEX_LOAD = 0.75
"""The same of the index of all states."""
GROWTH = (4.0, 3.0, 1.6, 1.15)
"""By how much it grows: moving states costs time, empty slots cost memory."""
FEW_SLOTS, MANY_SLOTS = 1 << 23, 1 << 24
FURTHER_BITS = 3
"""Bits of a slot for how many lines it is further than the first, at the least."""
MOST_STATES = (1 << 32) - 1
T = TypeVar("T")


def reserve(count: int, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """An array of zeros that takes memory only as it is written to."""
    size = max(1, count) * np.dtype(dtype).itemsize
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    block = mmap.mmap(-1, size, flags=flags)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(block, dtype, count)


class Store:
    """The states found, and the set of them.

    ``control`` is the kernel's: how the set is laid out is in it. ``memory`` bounds the whole
    process, in bytes. The set has a part each for so many threads, a power of two.
    """

    def __init__(
        self, layout: Layout, words: int, control: Ints, memory: int | None, parts: int
    ) -> None:
        self.layout = layout
        self.words = words
        self.control = control
        self.memory = memory
        self.parts = parts
        each = 8 * words + 8 * words
        self.most = min(MOST_STATES, max(1 << 16, self._limit() // each))
        """So many states could ever fit; virtual memory is reserved for them."""
        self.states: Ints = reserve(self.most * words, np.int64)
        self.origins: npt.NDArray[np.uint32] = reserve(2 * self.most, np.uint32).reshape(-1, 2)
        """(first state of a batch, states known before those that come of it)."""
        if words == 1:
            self.stride = int(self.most / FULL) // (LINE // 6) // parts + FIRST_SLOTS
            self.slots: npt.NDArray[Any] = reserve(parts * self.stride * LINE, np.uint8)
        else:
            self.stride = int(self.most / FULL) // parts + FIRST_SLOTS
            self.slots = reserve(2 * parts * self.stride, np.int64)
        control[kernel.C_PARTS] = parts
        control[kernel.C_STRIDE] = self.stride
        self._shape(FIRST_SLOTS // parts)

    @property
    def known(self) -> int:
        return int(self.control[kernel.C_KNOWN])

    def each_part(self, work: Callable[[int], T]) -> list[T]:
        """What the work makes of each part."""
        return [work(part) for part in range(self.parts)]

    @property
    def slot_bytes(self) -> int:
        return 16 if self.words == 2 else int(self.control[kernel.C_WIDTH])

    @property
    def size(self) -> int:
        """The slots that there are."""
        lines = int(self.control[kernel.C_SIZE]) * self.parts
        return lines if self.words == 2 else lines * (LINE // self.slot_bytes)

    def room(self, need: int) -> int:
        """How many states the set takes; it was made for as many as are needed."""
        load = LOAD if need <= LOAD * self.size else FULL
        return min(int(load * self.size), self.most)

    # --- growing ---------------------------------------------------------------------------------

    def _limit(self) -> int:
        """The most bytes that this process may have: what it is allowed, or what there is."""
        there = resident() + available()
        return there if self.memory is None else min(self.memory, there)

    def make_room(self, count: int, crowded: bool = False) -> None:
        """Let the set have room for so many states. Raises OutOfRoom when it cannot."""
        if count > self.most:
            raise OutOfRoom(self._full(count))
        if count <= LOAD * self.size and not crowded:
            return
        most = self.stride * self.parts * (1 if self.words == 2 else LINE // self.slot_bytes)
        left = self._limit() - resident()
        first = 0 if self.size < FEW_SLOTS else 1 if self.size < MANY_SLOTS else 2
        for growth in GROWTH[first:]:
            size = min(most, int(growth * max(self.size, count)))
            more = self.slot_bytes * (size - self.size)
            if size > self.size and more + count * self.words <= left:
                self.grow(size)
                return
        if count > FULL * self.size or crowded:
            raise OutOfRoom(self._full(count))

    def _full(self, count: int) -> str:
        if self.memory is not None and self.memory <= self._limit():
            return f"--max-memory {self.memory >> 20} MiB reached"
        return f"no memory for more than {count:,} states on this machine"

    def _shape(self, slots: int) -> None:
        """How a part of so many slots, or some more, is laid out."""
        control = self.control
        if self.words == 2:
            control[kernel.C_SIZE], control[kernel.C_WIDTH] = slots, 8
            return
        control[kernel.C_USED] = used = self._used()
        for width in (5, 6):
            lines = max(-(-slots // (LINE // width)), int(control[kernel.C_SIZE]))
            most = 8 * width - FURTHER_BITS - (used - 32)  # bits for the home's part
            if most >= 20:
                break
        while _spread(lines) > most:
            lines *= 2
        control[kernel.C_SIZE], control[kernel.C_WIDTH] = lines, width
        control[kernel.C_REST] = max(32, used - 32 + _spread(lines))

    def _used(self) -> int:
        """How many bits of a state are used, or will soon be."""
        layout = self.layout
        many = len(layout.populations)
        bits = (4 * many).bit_length() if many > 1 else 0
        return min(max(33, layout.number_at + bits), WORD - 1)

    def grow(self, slots: int) -> None:
        """Have so many slots, or some more, with all that there is."""
        control, was = self.control, self.control.copy()
        self._shape(-(-slots // self.parts))
        before, size = int(was[kernel.C_SIZE]), int(control[kernel.C_SIZE])
        same = [kernel.C_USED, kernel.C_WIDTH]
        used, width, rest = (int(control[c]) for c in (*same, kernel.C_REST))
        old_rest = int(was[kernel.C_REST])

        def part(number: int) -> bool:
            if self.words == 2:
                return bool(seen.grow_pairs(self.slots, number, self.stride, before, size))
            return bool(
                seen.grow(
                    self.slots, width, used, number, self.stride, before, old_rest, size, rest
                )
            )

        if (was[same] != control[same]).any() or not all(self.each_part(part)):
            self.fill(max(before, size))

    def fill(self, dirty: int) -> None:
        """Fill the set anew with all states known; what is ``dirty`` of each part is emptied."""
        control, unit = self.control, 2 if self.words == 2 else LINE
        size = int(control[kernel.C_SIZE])
        shape = (kernel.C_WIDTH, kernel.C_USED, kernel.C_REST)
        width, used, rest = (int(control[c]) for c in shape)

        def part(number: int) -> bool:
            begin = number * self.stride * unit
            self.slots[begin : begin + dirty * unit] = 0
            of = (number, self.parts, self.stride, size)
            if self.words == 2:
                seen.remember_pairs(self.states, self.known, self.slots, *of)
                return True
            return bool(seen.remember(self.states, self.known, self.slots, width, used, rest, *of))

        if not all(self.each_part(part)):
            self._shape(size * (LINE // self.slot_bytes) * 5 // 4)
            self.fill(int(control[kernel.C_SIZE]))

    def check_numbers(self) -> None:
        """Populations were numbered. Raises OutOfRoom when a state cannot hold so many."""
        at, many = self.layout.number_at, len(self.layout.populations)
        most = 1 << (WORD - 1 - at % WORD)
        if many > most:
            raise OutOfRoom(f"more than {most:,} different populations")
        if self.words == 1 and many > 1 << self.control[kernel.C_USED] - at:
            self.grow(self.size)

    @cached_property
    def index(self) -> npt.NDArray[np.uint32]:
        """All states by their numbers, in place of the set of them: no more are found then."""
        self.slots = np.zeros(0, np.int64)
        index: npt.NDArray[np.uint32] = reserve(int(self.known / INDEX_LOAD) + 64, np.uint32)
        bits = len(index).bit_length()
        self.control[kernel.C_BITS] = bits
        judging.enter(self.states, self.known, self.words, index, bits)
        return index


def _spread(lines: int) -> int:
    """Bits that tell apart the homes that lead to one line."""
    return int(-(-(1 << 32) // lines) - 1).bit_length()
