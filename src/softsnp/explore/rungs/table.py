"""The second rung: the table engine. Takes over a search from the first one, or begins one."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from softsnp.explore.layout import WORD
from softsnp.explore.lower import Program
from softsnp.explore.memory_use import available, resident

from . import kernel, seen
from .arrays import MOST_EVENTS, Ints, PopulationTables, question_words, signed, tables, words
from .llvm import FRAME
from .python import PythonRung
from .rung import OutOfRoom, depth, failed
from .seen import LINE

AT_ONCE = 1 << 18  # states expanded between two looks at the clock and the memory
FIRST_SLOTS = 1 << 17
LOAD, FULL = 0.75, 0.9
"""The part of the hash set that is used before it grows, and where it cannot, at the most."""
GROWTH = (4.0, 3.0, 1.6, 1.15)
"""By how much it grows: moving states costs time, empty slots cost memory."""
FEW_SLOTS, MANY_SLOTS = 1 << 23, 1 << 24
INDEX_LOAD = 0.75
FURTHER_BITS = 3
"""Bits of a slot for how many lines it is further than the first, at the least."""
MOST_STATES = (1 << 32) - 1
MOST_ACTIVITIES = 16


class Batch(NamedTuple):
    """Buffers for a batch of states and its successors."""

    out0: Ints
    """The first words of successors as they are made, and shuffled."""
    mixed: npt.NDArray[np.uint64]
    key0: Ints
    """The first words of those to look for; where each came from, and where to look for what."""
    sources: Ints
    where: npt.NDArray[np.uint64]
    wants: npt.NDArray[np.uint64]
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
        sources=some(2 * size),
        where=unsigned(2 * size),
        wants=unsigned(2 * size),
        todo=some(kernel.BATCH),
        ends=some(kernel.BATCH),
        recent=recent(),
        frame=some(len(FRAME)),
    )
    return batch, Second(some(), some(2 * size), recent()) if words == 2 else None


def reserve(count: int, dtype: type[np.generic], huge: bool = False) -> npt.NDArray[Any]:
    """An array of zeros that takes memory only as it is written to."""
    size = max(1, count) * np.dtype(dtype).itemsize
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    block = mmap.mmap(-1, size, flags=flags)
    if huge and hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(block, dtype, count)


class Numbers(Sequence[int]):
    """The first ``count`` elements of an array, as Python's integers."""

    def __init__(self, array: npt.NDArray[Any], count: int) -> None:
        self.array = array[:count]

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: Any) -> Any:
        return self.array[at].tolist()


class States(Sequence[int]):
    """The states found, as Python has them: one integer each."""

    def __init__(self, rung: TableRung) -> None:
        self.rung = rung

    def __len__(self) -> int:
        return int(self.rung.control[kernel.C_KNOWN])

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        width, found = self.rung.words, 0
        for word in range(width):
            found |= (int(self.rung.stored[number * width + word]) & (1 << WORD) - 1) << word * WORD
        return found

    def __iter__(self) -> Iterator[int]:
        return (self[number] for number in range(len(self)))


class TableRung:
    """A search by tables. ``memory`` bounds the whole process, in bytes."""

    name = "table"

    def __init__(self, program: Program, at_rest: set[str], memory: int | None) -> None:
        self.program = program
        self.layout = program.layout
        self.at_rest = at_rest
        self.memory = memory
        self.words = words(program)
        if (
            self.words > 2
            or len(program.events) > MOST_EVENTS
            or len(program.steps) > MOST_ACTIVITIES
        ):
            raise OutOfRoom(too_wide(program))
        made, self.roots = tables(program)
        self.populations = PopulationTables(program, made)
        self.batch, self.second = buffers(1 << 12, self.words)
        self.most = self._most_states()
        self.stored: Ints = reserve(self.most * self.words, np.int64, huge=True)
        self._parents: npt.NDArray[np.uint32] = reserve(self.most, np.uint32, huge=True)
        if self.words == 1:
            self.stride = int(self.most / FULL) // (LINE // 6) + FIRST_SLOTS
            self.slots: npt.NDArray[Any] = reserve(self.stride * LINE, np.uint8, huge=True)
        else:
            self.stride = int(self.most / FULL) + FIRST_SLOTS
            self.slots = reserve(2 * self.stride, np.int64, huge=True)
        self.level_starts = np.zeros(1, np.int64)
        self.control = np.zeros(kernel.CONTROLS, np.int64)
        self.control[kernel.C_DEADLOCK] = -1
        self.control[kernel.C_LEVELS] = 1
        self.control[kernel.C_WORDS] = self.words
        self.control[kernel.C_NUMBER_AT] = self.layout.number_at % WORD
        self.control[kernel.C_QUESTIONS] = question_words(program)
        self.control[kernel.C_PARTS] = 1
        self.control[kernel.C_STRIDE] = self.stride
        self._shape(FIRST_SLOTS)

    @classmethod
    def taking_over(cls, other: PythonRung, memory: int | None) -> Self:
        """A rung that goes on where another one has come to."""
        rung = cls(other.program, other.at_rest, memory)
        known = len(other.states)
        rung._make_room(known)
        if rung.words == 1:
            rung.stored[:known] = other.states
        else:
            for word in range(2):
                rung.stored[word : 2 * known : 2] = [signed(s >> word * WORD) for s in other.states]
        rung._parents[:known] = np.maximum(np.frombuffer(other.parents, np.int64), 0)
        rung.control[kernel.C_KNOWN] = known
        rung._remember()
        rung.level_starts = np.zeros(2 * len(other.levels) + 4096, np.int64)
        rung.level_starts[: len(other.levels)] = other.levels
        control = rung.control
        control[kernel.C_LEVELS] = len(other.levels)
        control[kernel.C_LEVEL_END] = other.level_end
        control[kernel.C_DONE], control[kernel.C_KNOWN] = other.done, known
        control[kernel.C_TRANSITIONS] = other.transitions
        control[kernel.C_DEADLOCK] = other.deadlock
        for event, (number, state) in other.hits.items():
            control[kernel.C_EVENTS] |= 1 << event
            halves = [signed(state), signed(state >> WORD)]
            rung.populations.tables.hits[event] = [number, *halves]
        return rung

    @classmethod
    def beginning(cls, program: Program, at_rest: set[str], memory: int | None) -> Self:
        return cls.taking_over(PythonRung(program, at_rest), memory)

    # --- memory ----------------------------------------------------------------------------------

    def _limit(self) -> int:
        """The most bytes that this process may have: what it is allowed, or what there is."""
        there = resident() + available()
        return there if self.memory is None else min(self.memory, there)

    def _most_states(self) -> int:
        """Virtual memory is reserved for as many states as could ever fit."""
        each = 8 * self.words + 4 + 8 * self.words
        return min(MOST_STATES, max(1 << 16, self._limit() // each))

    @property
    def slot_bytes(self) -> int:
        return 16 if self.words == 2 else int(self.control[kernel.C_WIDTH])

    @property
    def size(self) -> int:
        """The slots that there are."""
        lines = int(self.control[kernel.C_SIZE])
        return lines if self.words == 2 else lines * (LINE // self.slot_bytes)

    def _make_room(self, count: int, crowded: bool = False) -> None:
        """Let the hash set have room for so many states. Raises OutOfRoom when it cannot."""
        if count > self.most:
            raise OutOfRoom(self._full(count))
        if count <= LOAD * self.size and not crowded:
            return
        most = self.stride * (1 if self.words == 2 else LINE // self.slot_bytes)
        left = self._limit() - resident()
        first = 0 if self.size < FEW_SLOTS else 1 if self.size < MANY_SLOTS else 2
        for growth in GROWTH[first:]:
            size = min(most, int(growth * max(self.size, count)))
            more = self.slot_bytes * (size - self.size)
            if size > self.size and more + count * (8 * self.words + 4) // 8 <= left:
                self._grow(size)
                return
        if count > FULL * self.size or crowded:
            raise OutOfRoom(self._full(count))

    def _shape(self, slots: int) -> None:
        """How a set of so many slots, or some more, is laid out."""
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

    def _grow(self, slots: int) -> None:
        """Have so many slots, or some more, with all that there is."""
        control, was = self.control, self.control.copy()
        self._shape(slots)
        before, size = int(was[kernel.C_SIZE]), int(control[kernel.C_SIZE])
        if self.words == 2:
            if not seen.grow_pairs(self.slots, before, size):
                self.slots[: 2 * size] = 0
                self._remember()
            return
        same = [kernel.C_USED, kernel.C_WIDTH]
        used, width, rest = (int(control[c]) for c in (*same, kernel.C_REST))
        if (was[same] != control[same]).any() or not seen.grow(
            self.slots, width, used, 0, self.stride, before, int(was[kernel.C_REST]), size, rest
        ):
            self.slots[: max(before, size) * LINE] = 0
            self._remember()

    def _remember(self) -> None:
        """Fill the set, which is empty, with all states that are known."""
        control, known = self.control, int(self.control[kernel.C_KNOWN])
        size = int(control[kernel.C_SIZE])
        if self.words == 2:
            seen.remember_pairs(self.stored, known, self.slots, size)
            return
        shape = (kernel.C_WIDTH, kernel.C_USED, kernel.C_REST)
        width, used, rest = (int(control[c]) for c in shape)
        if not seen.remember(
            self.stored, known, self.slots, width, used, rest, 0, 1, self.stride, size
        ):
            self.slots[: size * LINE] = 0
            self._shape(self.size * 5 // 4)
            self._remember()

    def _full(self, count: int) -> str:
        if self.memory is not None and self.memory <= self._limit():
            return f"--max-memory {self.memory >> 20} MiB reached"
        return f"no memory for more than {count:,} states on this machine"

    # --- the search ------------------------------------------------------------------------------

    @property
    def states(self) -> States:
        return States(self)

    @property
    def parents(self) -> Numbers:
        return Numbers(self._parents, len(self.states))

    @property
    def levels(self) -> list[int]:
        found: list[int] = self.level_starts[: self.control[kernel.C_LEVELS]].tolist()
        return found

    @property
    def done(self) -> int:
        return int(self.control[kernel.C_DONE])

    @property
    def transitions(self) -> int:
        return int(self.control[kernel.C_TRANSITIONS])

    @property
    def deadlock(self) -> int:
        return int(self.control[kernel.C_DEADLOCK])

    @property
    def hits(self) -> dict[int, tuple[int, int]]:
        found = {}
        for event, (number, low, high) in enumerate(self.populations.tables.hits.tolist()):
            if int(self.control[kernel.C_EVENTS]) >> event & 1:
                mask = (1 << WORD) - 1
                found[event] = (number, low & mask | (high & mask) << WORD)
        return found

    def try_all(self) -> None:
        """Call every function of the kernel, so that each is compiled."""
        self._grow(2 * self.size)
        self.advance(1)
        self._frame()
        for name in self.roots:
            self.judge(name)
        kernel.back(
            self.control,
            self.populations.tables,
            self.batch,
            self.second,
            self.stored,
            self._index(),
            np.zeros(1, np.uint16),
            np.zeros(1, np.uint32),
        )

    def advance(self, states: int = AT_ONCE) -> None:
        """Expand some more states. Raises OutOfRoom when there is no memory for what comes."""
        control = self.control
        control[kernel.C_STOP] = control[kernel.C_DONE] + states
        while True:
            self._prepare()
            code = kernel.explore(
                control,
                self.populations.tables,
                self.batch,
                self.second,
                self.stored,
                self._parents,
                self.slots,
                self.level_starts,
            )
            if code == kernel.DONE:
                return
            self._mend(code)

    def _mend(self, code: int) -> None:
        """Give the kernel what it returned for."""
        control = self.control
        if code == kernel.CROWDED:
            self._make_room(int(control[kernel.C_KNOWN]), crowded=True)
        elif code == kernel.LOST:
            raise AssertionError("a successor of an explored state is not among the states")
        if code == kernel.FAILED:
            message = self.program.failures[control[kernel.C_ARGUMENT]]
            raise failed(message, depth(self.levels, self.done))
        if code == kernel.MISSING:
            self.populations.supply(int(control[kernel.C_MISSING]))
            control[kernel.C_MISSING] = 0
            self._check_numbers()
        elif code == kernel.SMALL:
            self.batch, self.second = buffers(2 * len(self.batch.out0), self.words)
            stack = np.zeros(2 * len(self.populations.tables.stack), np.int64)
            self.populations.tables = self.populations.tables._replace(stack=stack)

    def _prepare(self) -> None:
        """Room for at least one more batch."""
        control = self.control
        need = int(control[kernel.C_KNOWN]) + len(self.batch.key0)
        self._make_room(need)
        room = LOAD if need <= LOAD * self.size else FULL
        control[kernel.C_ROOM] = min(int(room * self.size), self.most)
        self._frame()
        if control[kernel.C_LEVELS] + 2 >= len(self.level_starts):
            self.level_starts = np.resize(self.level_starts, 2 * len(self.level_starts))

    def _frame(self) -> None:
        """Where arrays are now, for emitted code."""
        batch, tables, out1 = self.batch, self.populations.tables, self.second
        arrays = (
            batch.todo,
            self.stored,
            batch.out0,
            batch.out0 if out1 is None else out1.out1,
            batch.ends,
            tables.answers,
            tables.one,
            tables.each,
            tables.lists,
        )
        batch.frame[: len(arrays)] = [array.ctypes.data for array in arrays]
        batch.frame[-1] = len(batch.out0)

    def _check_numbers(self) -> None:
        most = 1 << (WORD - 1 - self.layout.number_at % WORD)
        many = len(self.layout.populations)
        if many > most:
            raise OutOfRoom(f"more than {most:,} different populations")
        if self.words == 1 and many > 1 << self.control[kernel.C_USED] - self.layout.number_at:
            self._grow(self.size)

    # --- what was found --------------------------------------------------------------------------

    def judge(self, name: str) -> tuple[bool, int | None]:
        exercised, end = kernel.judge(
            self.control,
            self.populations.tables,
            self.stored,
            self.roots[name],
            name in self.at_rest,
        )
        if end < -1:
            message = self.program.failures[self.control[kernel.C_ARGUMENT]]
            raise failed(message, depth(self.levels, -2 - end))
        return bool(exercised), None if end < 0 else int(end)

    def no_return(self) -> int | None:
        return self._settle(self._who_rests(len(self.states)), (1 << len(self.layout.at)) - 1)

    def no_ways(self, asked: Sequence[tuple[str, str]]) -> list[tuple[bool, int | None]]:
        known = len(self.states)
        situations, can = np.zeros(known, np.uint16), np.zeros(known, np.uint16)
        for bit, (when, _) in enumerate(asked):
            self._mark(when, situations, bit)
        every = int(np.bitwise_or.reduce(situations))
        for bit, (_, goal) in enumerate(asked):
            if every >> bit & 1:
                self._mark(goal, can, bit)
        self._settle(can, every)
        lost = situations & ~can
        found = []
        for bit in range(len(asked)):
            which = np.flatnonzero(lost & np.uint16(1 << bit))
            found.append((bool(every >> bit & 1), int(which[0]) if len(which) else None))
        return found

    def _mark(self, name: str, marks: npt.NDArray[np.uint16], bit: int) -> None:
        tables, at_rest = self.populations.tables, name in self.at_rest
        failing = kernel.mark(
            self.control,
            tables,
            self.stored,
            self.roots[name],
            at_rest,
            marks,
            np.uint16(1 << bit),
        )
        if failing >= 0:
            message = self.program.failures[self.control[kernel.C_ARGUMENT]]
            raise failed(message, depth(self.levels, failing))

    def _settle(self, can: npt.NDArray[np.uint16], every: int) -> int | None:
        """Give each state the bits of those it leads to. The first that lacks one in the end."""
        still = np.flatnonzero(can != every).astype(np.uint32)
        control, index = self.control, self._index() if len(still) else None
        control[kernel.C_OPEN], control[kernel.C_EVERY] = len(still), every
        while control[kernel.C_OPEN]:
            control[kernel.C_AT] = control[kernel.C_LEFT] = control[kernel.C_OPEN]
            control[kernel.C_CHANGED] = 0
            while True:
                self._frame()
                code = kernel.back(
                    control,
                    self.populations.tables,
                    self.batch,
                    self.second,
                    self.stored,
                    index,
                    can,
                    still,
                )
                if code == kernel.DONE:
                    break
                self._mend(code)
            if not control[kernel.C_CHANGED]:
                return int(still[0]) if control[kernel.C_OPEN] else None
        return None

    def _index(self) -> npt.NDArray[np.uint32]:
        """An index of all states by their numbers. No more are found from now on."""
        known = int(self.control[kernel.C_KNOWN])
        self.slots = np.zeros(0, np.int64)
        index: npt.NDArray[np.uint32] = reserve(int(known / INDEX_LOAD) + 64, np.uint32, huge=True)
        bits = len(index).bit_length()
        self.control[kernel.C_BITS] = bits
        kernel.enter(self.stored, known, self.words, index, bits)
        return index

    def first_at(self) -> list[dict[int, int]]:
        found = []
        for word, shift, mask, _ in self.populations.tables.places.reshape(-1, 4):
            known = len(self.states) * self.words
            places = self.stored[word : known : self.words] >> shift & mask
            which, first = np.unique(places, return_index=True)
            found.append(dict(zip(which.tolist(), first.tolist(), strict=True)))
        return found

    def _who_rests(self, known: int) -> npt.NDArray[np.uint16]:
        """For each state the set (by bits) of the activities that rest there."""
        found = np.zeros(known, np.uint16)
        resting = self.populations.tables.rests
        for activity, (word, shift, mask, base) in enumerate(
            self.populations.tables.places.reshape(-1, 4)
        ):
            place = self.stored[word : known * self.words : self.words] >> shift & mask
            found |= resting[base + place].astype(np.uint16) << activity
        return found

    def orbits(self) -> int:
        known, last = len(self.states), self.words - 1
        numbers = self.stored[last : known * self.words : self.words] >> (
            self.layout.number_at % WORD
        )
        counts = np.bincount(numbers, minlength=len(self.layout.populations)).tolist()
        return sum(self.layout.populations.orbit(n) * count for n, count in enumerate(counts))


def _spread(lines: int) -> int:
    """Bits that tell apart the homes that lead to one line."""
    return int(-(-(1 << 32) // lines) - 1).bit_length()


def too_wide(program: Program) -> str:
    """What takes the room when a state does not fit two words."""
    if len(program.events) > MOST_EVENTS:
        return f"more than {MOST_EVENTS} different events"
    if len(program.steps) > MOST_ACTIVITIES:
        return f"more than {MOST_ACTIVITIES} activities"
    widths = {name: mask.bit_length() for name, (_, mask) in program.layout.scalars.items()}
    widest = sorted(widths, key=lambda name: -widths[name])[:3]
    told = ", ".join(f"{name} ({widths[name]} bits)" for name in widest)
    return f"a state takes {program.layout.number_at} bits and more; the widest fields: {told}"
