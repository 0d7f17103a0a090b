"""A program as arrays, for the table engine; see kernel.py for what they mean."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from softsnp.explore.layout import WORD
from softsnp.explore.lower import (
    Apply,
    ApplyEach,
    Each,
    End,
    Fail,
    Nothing,
    Op,
    Program,
    Switch,
    Test,
    Verdict,
)

from . import kernel
from .gather import Field, Gather, gather, outcomes, together

Ints = npt.NDArray[np.int64]
WORD_MASK = (1 << WORD) - 1
ASK_AT_ONCE = 4096
MOST_EVENTS = 63


class Tables(NamedTuple):
    """What the kernel reads."""

    ops: Ints
    """head, x, y, z of one operation after the other."""
    kids: npt.NDArray[np.int32]
    more: Ints
    """Kept and set bits of the second word, and events by bits, and so on."""
    roots: npt.NDArray[np.int32]
    rests: npt.NDArray[np.bool_]
    places: Ints
    """word, shift, mask, place in ``roots`` and ``rests`` of one activity after the other."""
    answers: Ints
    """Words of 64 answers of one population after the other."""
    one: npt.NDArray[np.int32]
    """(populations, effects)."""
    each: npt.NDArray[np.int32]
    """(populations, forks)."""
    lists: npt.NDArray[np.int32]
    missing: Ints
    """(ASK_AT_ONCE, 2): population, effect or effects + fork."""
    hits: Ints
    """(MOST_EVENTS, 3): number of the state, the words of the one after it."""
    stack: Ints
    asked: Ints
    """The words that questions are about, while one is being answered."""


def signed(word: int) -> int:
    """A 64-bit pattern as numpy's int64 has it."""
    word &= WORD_MASK
    return word - (1 << WORD) if word >> (WORD - 1) else word


class _Writer:
    """Writes operations one after the other; equal ones are written once."""

    def __init__(self, program: Program) -> None:
        self.number_at = program.layout.number_at
        self.ops: list[int] = []
        self.kids: list[int] = []
        self.more = [0] * 3
        """Nothing has the first three."""
        self.known: dict[Op, int] = {}
        self.seen: dict[int, int] = {}
        self.gathers: dict[tuple[Field, ...], Gather] = {}

    def op(self, op: Op) -> int:
        """Where the operation is."""
        if id(op) not in self.seen:
            if op not in self.known:
                row = self.row(op)
                self.known[op] = len(self.ops)
                self.ops += row
            self.seen[id(op)] = self.known[op]
        return self.seen[id(op)]

    def row(self, op: Op) -> tuple[int, int, int, int]:
        if isinstance(op, End):
            return self.end(op)
        if isinstance(op, Switch | Test):
            return self.ask(op)
        if isinstance(op, Each):
            rows = [self.op(kid) for kid in op.kids]
            self.kids += rows
            return kernel.EACH, len(rows), len(self.kids) - len(rows), 0
        if isinstance(op, Apply):
            return kernel.APPLY, op.effect, self.op(op.then), 0
        if isinstance(op, ApplyEach):
            return kernel.FORK, op.fork, self.op(op.then), 0
        if isinstance(op, Fail):
            return kernel.FAIL, op.message, 0, 0
        if isinstance(op, Verdict):
            return kernel.VERDICT, int(op.exercised) | int(op.violated) << 1, 0, 0
        assert isinstance(op, Nothing)
        return kernel.NOTHING, 0, 0, 0

    def ask(self, op: Switch | Test) -> tuple[int, int, int, int]:
        word, fields = together(op)
        key = tuple(fields)
        made = self.gathers.get(key)
        if made is None:
            made = self.gathers[key] = gather(fields)
        rows = [0] * made.size
        for value, end in outcomes(op, fields):
            rows[made(value)] = self.op(end)
        self.kids += rows
        head = kernel.ASK | made.shift << 4 | word << 12
        return head, signed(made.mask), signed(made.factor), len(self.kids) - len(rows)

    def end(self, end: End) -> tuple[int, int, int, int]:
        kept = ((1 << self.number_at) - 1) & ~end.clear
        events = sum(1 << event for event in end.events)
        self.more += [signed(kept >> WORD), signed(end.value >> WORD), events]
        head = kernel.END | int(events != 0) << 4
        return head, signed(kept), signed(end.value), len(self.more) - 3


def words(program: Program) -> int:
    """How many 64-bit words a state of the program takes, its population's number included."""
    return program.layout.number_at // WORD + 1


def question_words(program: Program) -> int:
    """How many words the answers about one population take."""
    return -(-len(program.layout.populations.questions) // WORD)


def tables(program: Program) -> tuple[Tables, dict[str, int]]:
    """(the program as arrays, with no population in them yet; each property's root)."""
    writer = _Writer(program)
    layout = program.layout
    roots: list[int] = []
    rests: list[bool] = []
    places = []
    for steps, resting, (shift, mask) in zip(
        program.steps, layout.machine.resting, layout.at, strict=True
    ):
        places.append((shift // WORD, shift % WORD, mask, len(roots)))
        roots += [writer.op(op) for op in steps]
        rests += resting
    judges = {name: writer.op(op) for name, op in program.judges.items()}
    questions = question_words(program)
    return (
        Tables(
            np.array(writer.ops, np.int64),
            np.array(writer.kids or [0], np.int32),
            np.array(writer.more, np.int64),
            np.array(roots, np.int32),
            np.array(rests, np.bool_),
            np.array(places, np.int64).reshape(-1),
            np.zeros(questions, np.int64),
            np.full((1, max(1, len(program.effects))), kernel.UNKNOWN, np.int32),
            np.full((1, max(1, len(program.forks))), kernel.UNKNOWN, np.int32),
            np.zeros(1, np.int32),
            np.zeros((ASK_AT_ONCE, 2), np.int64),
            np.zeros((MOST_EVENTS, 3), np.int64),
            np.zeros(kernel.STACK, np.int64),
            np.zeros(2 + questions, np.int64),
        ),
        judges,
    )


def grown(array: npt.NDArray[Any], rows: int, fill: int) -> npt.NDArray[Any]:
    """A copy with at least so many rows; the new ones are filled."""
    if rows <= len(array):
        return array
    more = np.full((max(rows, 2 * len(array)), *array.shape[1:]), fill, array.dtype)
    more[: len(array)] = array
    return more


class PopulationTables:
    """Keeps the arrays that have a row a population in step with the numbered populations."""

    def __init__(self, program: Program, tables: Tables) -> None:
        self.program = program
        self.populations = program.layout.populations
        self.tables = tables
        self.listed = 0
        self.known = 0
        self.catch_up()

    def catch_up(self) -> None:
        """Rows for the populations that have been numbered since."""
        end = len(self.populations)
        made = self.tables
        words = question_words(self.program)
        answers = grown(made.answers, end * words, 0)
        new = self.populations.answers[self.known : end]
        for word in range(words):
            answers[self.known * words + word : end * words : words] = [
                signed(answer >> word * WORD) for answer in new
            ]
        self.known = end
        self.tables = made._replace(
            answers=answers,
            one=grown(made.one, end, kernel.UNKNOWN),
            each=grown(made.each, end, kernel.UNKNOWN),
        )

    def supply(self, count: int) -> None:
        """Work out the first ``count`` entries of ``missing``."""
        packed, number_of = self.populations.packed, self.populations.number
        one, each, effects, forks = (
            self.tables.one,
            self.tables.each,
            self.program.effects,
            self.program.forks,
        )
        listed: list[int] = []
        for number, which in self.tables.missing[:count].tolist():
            if which < one.shape[1]:
                one[number, which] = number_of(effects[which](packed[number]))
            else:
                fork = which - one.shape[1]
                found = [number_of(p) for p in forks[fork](packed[number])]
                each[number, fork] = self.listed + len(listed)
                listed += [len(found), *found]
        lists = grown(self.tables.lists, self.listed + len(listed), 0)
        lists[self.listed : self.listed + len(listed)] = listed
        self.listed += len(listed)
        self.tables = self.tables._replace(lists=lists)
        self.catch_up()
