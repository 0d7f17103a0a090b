"""The second rung: the table engine. Takes over a search from the first one, or begins one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from softsnp.explore.layout import WORD
from softsnp.explore.lower import Program

from . import cache, judging, kernel
from .arrays import MOST_EVENTS, Ints, PopulationTables, question_words, signed, tables, words
from .batch import buffers, point
from .python import PythonRung
from .reaching import Reaching
from .rung import Backwards, Need, OutOfRoom, depth, failed
from .store import Store

if TYPE_CHECKING:
    from .crew import Crew

AT_ONCE = 1 << 18  # states expanded between two looks at the clock and the memory
ALONE = 1 << 10  # states that one thread expands after something unusual
AT_A_TIME = 1 << 12  # states handed to Python
MOST_ACTIVITIES = 16
Marks = npt.NDArray[np.uint16]
"""Bits for each state."""


class States(Sequence[int]):
    """The states found, as Python has them: one integer each."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __len__(self) -> int:
        return self.store.known

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        number %= len(self)
        width, found = self.store.words, 0
        for word in range(width):
            one = int(self.store.states[number * width + word])
            found |= (one & (1 << WORD) - 1) << word * WORD
        return found

    def __iter__(self) -> Iterator[int]:
        """Some thousands at a time: numpy takes longer for one than for all of these."""
        width, end, mask = self.store.words, len(self), (1 << WORD) - 1
        for begin in range(0, end, AT_A_TIME):
            some = self.store.states[width * begin : width * min(begin + AT_A_TIME, end)].tolist()
            if width == 1:
                yield from some
            else:
                for low, high in zip(some[::2], some[1::2], strict=True):
                    yield low & mask | (high & mask) << WORD


class TableRung:
    """A search by tables. ``memory`` bounds the whole process, in bytes; ``cores`` are used."""

    name = "table"

    def __init__(
        self, program: Program, at_rest: set[str], memory: int | None, cores: int = 1
    ) -> None:
        self.program = program
        self.layout = program.layout
        self.at_rest = at_rest
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
        self.first_parents: list[int] = []
        """Of the states that were taken over."""
        self.level_starts = np.zeros(1, np.int64)
        self.control: Ints = np.zeros(kernel.CONTROLS, np.int64)
        self.control[kernel.C_DEADLOCK] = -1
        self.control[kernel.C_LEVELS] = 1
        self.control[kernel.C_WORDS] = self.words
        self.control[kernel.C_NUMBER_AT] = self.layout.number_at % WORD
        self.control[kernel.C_QUESTIONS] = question_words(program)
        parts = 1 << max(1, cores).bit_length() - 1
        self.store = Store(self.layout, self.words, self.control, memory, parts)
        self.crew = _crew(self.store) if parts > 1 else None

    @classmethod
    def taking_over(cls, other: PythonRung, memory: int | None, cores: int = 1) -> Self:
        """A rung that goes on where another one has come to."""
        rung = cls(other.program, other.at_rest, memory, cores)
        known, store, control = len(other.states), rung.store, rung.control
        store.make_room(known)
        for word in range(rung.words):
            store.states[word : rung.words * known : rung.words] = [
                signed(state >> word * WORD) for state in other.states
            ]
        rung.first_parents = other.parents.tolist()
        control[kernel.C_KNOWN] = known
        store.fill(0)
        rung.level_starts = np.zeros(2 * len(other.levels) + 4096, np.int64)
        rung.level_starts[: len(other.levels)] = other.levels
        control[kernel.C_LEVELS] = len(other.levels)
        control[kernel.C_LEVEL_END] = other.level_end
        control[kernel.C_DONE] = other.done
        control[kernel.C_TRANSITIONS] = other.transitions
        control[kernel.C_DEADLOCK] = other.deadlock
        for event, (number, state) in other.hits.items():
            control[kernel.C_EVENTS] |= 1 << event
            halves = [signed(state), signed(state >> WORD)]
            rung.populations.tables.hits[event] = [number, *halves]
        return rung

    @classmethod
    def beginning(
        cls, program: Program, at_rest: set[str], memory: int | None, cores: int = 1
    ) -> Self:
        return cls.taking_over(PythonRung(program, at_rest), memory, cores)

    # --- the search ------------------------------------------------------------------------------

    @property
    def states(self) -> States:
        return States(self.store)

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

    def parent(self, number: int) -> int:
        """Which batch it came of is kept, and that is expanded again."""
        if number < len(self.first_parents):
            return self.first_parents[number]
        batch, second, store = self.batch, self.second, self.store
        control, wanted = self.control.copy(), store.states[self.words * number :]
        origins = store.origins[: control[kernel.C_BATCHES]]
        row = int(np.searchsorted(origins[:, 1], number, side="right")) - 1
        for begin in range(int(origins[row, 0]), self.done, kernel.BATCH):
            count = min(kernel.BATCH, self.done - begin)
            batch.todo[:count] = np.arange(begin, begin + count)
            kernel.expand(
                control, self.populations.tables, batch, second, store.states, count, kernel.WORK
            )
            ends = batch.ends[: control[kernel.C_TAKEN]]
            found = batch.out0[: ends[-1]] == wanted[0]
            if second is not None:
                found &= second.out1[: ends[-1]] == wanted[1]
            if found.any():
                return begin + int(np.searchsorted(ends, found.argmax(), side="right"))
        raise AssertionError("a state comes of no state")

    def try_all(self) -> None:
        """Call every function of the kernel, so that each is compiled."""
        self.store.grow(2 * self.store.size)
        self.advance(1)
        self.point()
        for name in self.roots:
            self.judge(name)
        if self.crew is not None:
            self.crew.expand(self.populations.tables, len(self.batch.out0), self.done)
        Reaching(self).try_all()

    def advance(self, states: int = AT_ONCE) -> None:
        """Expand some more states. Raises OutOfRoom when there is no memory for what comes."""
        stop = self.done + states * self.store.parts
        if self.crew is None:
            self._alone(stop)
            return
        while True:
            if self._together(self.crew, stop):
                continue
            edge = self.done == self.control[kernel.C_LEVEL_END]
            self._alone(self.done if edge else min(stop, self.done + ALONE))
            if self.done in (stop, self.store.known):
                return

    def _together(self, crew: Crew, stop: int) -> bool:
        """A round by all threads, where that pays. Whether there was one, and all was as usual."""
        end = min(stop, int(self.control[kernel.C_LEVEL_END]))
        if end - self.done < crew.least:
            return False
        return crew.expand(self.populations.tables, len(self.batch.out0), end)

    def _alone(self, stop: int) -> None:
        control = self.control
        control[kernel.C_STOP] = stop
        while True:
            self._prepare()
            code = kernel.explore(
                control,
                self.populations.tables,
                self.batch,
                self.second,
                self.store.states,
                self.store.origins,
                self.store.slots,
                self.level_starts,
            )
            if code == kernel.DONE:
                return
            self.mend(code)

    def mend(self, code: int) -> None:
        """Give the kernel what it returned for."""
        control = self.control
        if code == kernel.CROWDED:
            self.store.make_room(self.store.known, crowded=True)
        elif code == kernel.LOST:
            raise AssertionError("a successor of an explored state is not among the states")
        elif code == kernel.FAILED:
            message = self.program.failures[control[kernel.C_ARGUMENT]]
            raise failed(message, depth(self.levels, self.done))
        elif code == kernel.MISSING:
            self.populations.supply(int(control[kernel.C_MISSING]))
            control[kernel.C_MISSING] = 0
            self.store.check_numbers()
        elif code == kernel.SMALL:
            self.batch, self.second = buffers(2 * len(self.batch.out0), self.words)
            stack = np.zeros(2 * len(self.populations.tables.stack), np.int64)
            self.populations.tables = self.populations.tables._replace(stack=stack)

    def _prepare(self) -> None:
        """Room for at least one more batch."""
        need = self.store.known + len(self.batch.key0)
        self.store.make_room(need)
        self.control[kernel.C_ROOM] = self.store.room(need)
        self.point()
        if self.control[kernel.C_LEVELS] + 2 >= len(self.level_starts):
            self.level_starts = np.resize(self.level_starts, 2 * len(self.level_starts))

    def point(self) -> None:
        """Where arrays are now, for emitted code."""
        point(self.batch, self.second, self.populations.tables, self.store.states)

    # --- what was found --------------------------------------------------------------------------

    def judge(self, name: str) -> tuple[bool, int | None]:
        self.point()
        return self._by_parts(name, lambda begin, end: self.judge_some(name, begin, end))

    def mark(self, name: str, marks: Marks, bit: int) -> None:
        """Set a bit of each state in which the property is exercised."""
        mark = np.uint16(1 << bit)
        self._by_parts(name, lambda begin, end: self._look(name, begin, end, marks, mark))

    def judge_some(self, name: str, begin: int, end: int) -> tuple[bool, int]:
        """As judging.judge, for the states from ``begin`` to ``end``."""
        return self._look(name, begin, end, np.zeros(0, np.uint16), np.uint16(0))

    def _by_parts(
        self, name: str, look: Callable[[int, int], tuple[bool, int]]
    ) -> tuple[bool, int | None]:
        known, parts = self.store.known, self.store.parts
        edges = [known * part // parts for part in range(parts + 1)]
        exercised = False
        for some, end in self.store.each_part(lambda part: look(edges[part], edges[part + 1])):
            if end < -1:
                self.judge_some(name, -2 - end, -1 - end)  # the last to fail may be another one
                message = self.program.failures[self.control[kernel.C_ARGUMENT]]
                raise failed(message, depth(self.levels, -2 - end))
            if end >= 0:
                return True, end
            exercised |= some
        return exercised, None

    def _look(
        self, name: str, begin: int, end: int, marks: Marks, mark: np.uint16
    ) -> tuple[bool, int]:
        exercised, found = judging.judge(
            self.control,
            self.populations.tables._replace(asked=self.populations.tables.asked.copy()),
            self.store.states,
            self.roots[name],
            name in self.at_rest,
            begin,
            end,
            marks,
            mark,
        )
        return bool(exercised), int(found)

    def no_return(self) -> int | None:
        return Reaching(self).no_return()

    def no_ways(self, asked: Sequence[tuple[str, str]]) -> list[tuple[bool, int | None]]:
        return Reaching(self).no_ways(asked)

    def marks(self, situation: str | None, goal: str | int) -> bytearray:
        return Reaching(self).marks(situation, goal)

    def backwards(self, program: Program, need: Need) -> Backwards:
        return Reaching(self).backwards(program, need)

    def sibling(self, program: Program) -> Self:
        """For the steps of another program among the same states."""
        made = copy(self)
        made.program = program
        made.populations = PopulationTables(program, tables(program)[0])
        made.batch, made.second = buffers(len(self.batch.out0), self.words)
        made.control = self.control.copy()
        made.control[kernel.C_CODE] = 0  # that is of this program
        return made

    def first_at(self) -> list[dict[int, int]]:
        found = []
        for word, shift, mask, _ in self.populations.tables.places.reshape(-1, 4):
            known = len(self.states) * self.words
            places = self.store.states[word : known : self.words] >> shift & mask
            which, first = np.unique(places, return_index=True)
            found.append(dict(zip(which.tolist(), first.tolist(), strict=True)))
        return found

    def orbits(self) -> int:
        known, last = len(self.states), self.words - 1
        numbers = self.store.states[last : known * self.words : self.words] >> (
            self.layout.number_at % WORD
        )
        counts = np.bincount(numbers, minlength=len(self.layout.populations)).tolist()
        return sum(self.layout.populations.orbit(n) * count for n, count in enumerate(counts))


def _crew(store: Store) -> Crew:
    """Imported here, for most searches have one thread and need not load it."""
    with cache.used():
        from .crew import Crew

    return Crew(store)


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
