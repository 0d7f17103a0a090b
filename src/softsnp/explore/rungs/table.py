"""The second rung: the table engine. Takes over a search from the first one, or begins one."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from softsnp.explore.layout import WORD
from softsnp.explore.lower import Program
from softsnp.explore.memory_use import available, resident

from . import kernel
from .arrays import MOST_EVENTS, Ints, PopulationTables, question_words, signed, tables, words
from .python import PythonRung
from .rung import OutOfRoom, depth, failed

AT_ONCE = 1 << 18  # states expanded between two looks at the clock and the memory
FIRST_SLOTS = 1 << 20
LOAD, FULL = 0.75, 0.92
"""The part of the hash set that is used before it grows, and where it cannot, at the most."""
GROWTH = (8.0, 3.0, 2.0, 1.5)
"""By how much it grows: filling it anew costs time, empty slots cost memory."""
FEW_SLOTS = 1 << 20
MOST_STATES = (1 << 32) - 1
MOST_ACTIVITIES = 16


class Batch(NamedTuple):
    """Buffers for a batch of states and its successors."""

    out0: Ints
    """The first words of the successors; where each came from, and its hash."""
    sources: Ints
    hashes: Ints
    todo: Ints
    recent: Ints
    """The successors that were made a moment ago, by hash."""


class Second(NamedTuple):
    """What more there is where a state is two words."""

    out1: Ints
    recent: Ints


def buffers(size: int, words: int) -> tuple[Batch, Second | None]:
    def some() -> Ints:
        return np.zeros(size, np.int64)

    def recent() -> Ints:
        return np.full(kernel.RECENT, -1, np.int64)

    batch = Batch(some(), some(), some(), np.zeros(kernel.BATCH, np.int64), recent())
    return batch, Second(some(), recent()) if words == 2 else None


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
        self.batch, self.second = buffers(1 << 13, self.words)
        self.most = self._most_states()
        self.stored: Ints = reserve(self.most * self.words, np.int64, huge=True)
        self._parents: npt.NDArray[np.uint32] = reserve(self.most, np.uint32, huge=True)
        self.slots: npt.NDArray[np.uint32] = reserve(FIRST_SLOTS, np.uint32, huge=True)
        self.level_starts = np.zeros(1, np.int64)
        self.control = np.zeros(kernel.CONTROLS, np.int64)
        self.control[kernel.C_DEADLOCK] = -1
        self.control[kernel.C_LEVELS] = 1
        self.control[kernel.C_WORDS] = self.words
        self.control[kernel.C_NUMBER_AT] = self.layout.number_at % WORD
        self.control[kernel.C_QUESTIONS] = question_words(program)

    @classmethod
    def taking_over(cls, other: PythonRung, memory: int | None) -> TableRung:
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
        kernel.enter(rung.stored, 0, known, rung.words, rung.slots, rung.bits)
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
    def beginning(cls, program: Program, at_rest: set[str], memory: int | None) -> TableRung:
        return cls.taking_over(PythonRung(program, at_rest), memory)

    # --- memory ----------------------------------------------------------------------------------

    def _limit(self) -> int:
        """The most bytes that this process may have: what it is allowed, or what there is."""
        there = resident() + available()
        return there if self.memory is None else min(self.memory, there)

    @property
    def bits(self) -> int:
        """The bits of a slot that hold a number."""
        return len(self.slots).bit_length()

    def _most_states(self) -> int:
        """Virtual memory is reserved for as many states as could ever fit."""
        each = 8 * self.words + 4 + 4
        return min(MOST_STATES, max(1 << 16, self._limit() // each))

    def _make_room(self, count: int) -> None:
        """Let the hash set have room for so many states. Raises OutOfRoom when it cannot."""
        if count > self.most:
            raise OutOfRoom(self._full(count))
        if count <= LOAD * len(self.slots):
            return
        left = self._limit() - resident()
        for growth in GROWTH[len(self.slots) > FEW_SLOTS :]:
            size = int(growth * max(len(self.slots), count))
            fits = 4 * (size - len(self.slots)) + count * (8 * self.words + 4) // 8 <= left
            if fits and size.bit_length() <= 32:
                del self.slots  # the states are all in ``stored``: the old set is not needed
                self.slots = reserve(size, np.uint32, huge=True)
                known = int(self.control[kernel.C_KNOWN])
                kernel.enter(self.stored, 0, known, self.words, self.slots, self.bits)
                return
        if count > FULL * len(self.slots):
            raise OutOfRoom(self._full(count))

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
        self.advance(1)
        for name in self.roots:
            self.judge(name)
        kernel.back(
            self.control,
            self.populations.tables,
            self.batch,
            self.second,
            self.stored,
            self.slots,
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
        if code == kernel.LOST:
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
        need = int(control[kernel.C_KNOWN]) + len(self.batch.out0)
        self._make_room(need)
        room = LOAD if need <= LOAD * len(self.slots) else FULL
        control[kernel.C_ROOM] = min(int(room * len(self.slots)), self.most)
        control[kernel.C_BITS] = self.bits
        if control[kernel.C_LEVELS] + 2 >= len(self.level_starts):
            self.level_starts = np.resize(self.level_starts, 2 * len(self.level_starts))

    def _check_numbers(self) -> None:
        most = 1 << (WORD - 1 - self.layout.number_at % WORD)
        if len(self.layout.populations) > most:
            raise OutOfRoom(f"more than {most:,} different populations")

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
        control = self.control
        control[kernel.C_OPEN], control[kernel.C_EVERY] = len(still), every
        while control[kernel.C_OPEN]:
            control[kernel.C_AT] = control[kernel.C_LEFT] = control[kernel.C_OPEN]
            control[kernel.C_CHANGED] = 0
            while True:
                code = kernel.back(
                    control,
                    self.populations.tables,
                    self.batch,
                    self.second,
                    self.stored,
                    self.slots,
                    can,
                    still,
                )
                if code == kernel.DONE:
                    break
                self._mend(code)
            if not control[kernel.C_CHANGED]:
                return int(still[0]) if control[kernel.C_OPEN] else None
        return None

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
