"""Several fields of a word as one small number, by one multiplication.

A tree asks about one field after the other, and each answer has to come before the next question.
Asked together they are one look into a table: mask the word, multiply so that the bits of the
fields come together at the top, shift them down. Multipliers are found by trying.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from softsnp.explore.lower import Op, Switch, Test

WORD = 64
MOST_BITS = 6
"""A table of what several fields say together has room for so many bits of them, and two more."""
SPARE = 2
TRIES = 200
Field = tuple[int, int]
"""(shift, mask) within a word."""


@dataclass(frozen=True)
class Gather:
    """``(word & mask) * factor >> shift`` (modulo 2**64) is another number for each value."""

    mask: int
    factor: int
    shift: int

    def __call__(self, word: int) -> int:
        return ((word & self.mask) * self.factor & (1 << WORD) - 1) >> self.shift

    @property
    def size(self) -> int:
        return 1 << WORD - self.shift


def asked(op: Op) -> tuple[int, Field] | None:
    """(word, field) that an operation asks about; the words after the state's are answers."""
    if isinstance(op, Switch):
        return op.shift // WORD, (op.shift % WORD, op.mask)
    if isinstance(op, Test):
        return 2 + op.bit // WORD, (op.bit % WORD, 1)
    return None


def kid(op: Op, value: int) -> Op:
    """Where a question leads to for a value of its field."""
    if isinstance(op, Switch):
        return op.kids[value]
    assert isinstance(op, Test)
    return op.yes if value else op.no


def together(op: Op) -> tuple[int, list[Field]]:
    """(word, fields) that a question and those that follow it ask about, as many as may be."""
    first = asked(op)
    assert first is not None
    word, fields = first[0], [first[1]]
    level = [op]
    while level:
        following: dict[int, Op] = {}
        for one in level:
            for further in one.kids if isinstance(one, Switch) else (one.yes, one.no):  # type: ignore[union-attr]
                found = asked(further)
                if found is None or found[0] != word:
                    continue
                more = fields if found[1] in fields else [*fields, found[1]]
                if sum(mask.bit_length() for _, mask in more) <= MOST_BITS:
                    fields = more
                    following[id(further)] = further
        level = list(following.values())
    return word, fields


def outcomes(op: Op, fields: list[Field]) -> Iterator[tuple[int, Op]]:
    """(word with these fields set, where the questions about them lead to) for all values."""
    width = sum(mask.bit_length() for _, mask in fields)
    for code in range(1 << width):
        word, left = 0, code
        for shift, mask in fields:
            word |= (left & mask) << shift
            left >>= mask.bit_length()
        end = op
        while True:
            question = asked(end)
            if question is None or question[1] not in fields or not _same_word(op, end):
                break
            shift, mask = question[1]
            end = kid(end, word >> shift & mask)
        yield word, end


def _same_word(first: Op, second: Op) -> bool:
    one, other = asked(first), asked(second)
    return one is not None and other is not None and one[0] == other[0]


def gather(fields: list[Field]) -> Gather:
    """Brings the fields together; the same each time."""
    bits = [shift + i for shift, mask in fields for i in range(mask.bit_length())]
    mask = sum(1 << bit for bit in bits)
    values = [0]
    for bit in bits:
        values += [value | 1 << bit for value in values]
    for factor, width in _candidates(sorted(bits)):
        found = Gather(mask, factor, WORD - width)
        if len({found(value) for value in values}) == len(values):
            return found
    raise AssertionError(f"no factor brings the bits {bits} together")


def _candidates(bits: list[int]) -> Iterator[tuple[int, int]]:
    """(factor, width of the result): each bit sent to a place of its own, then by chance."""
    width = len(bits)
    yield sum({1 << WORD - width + place - bit for place, bit in enumerate(bits)}), width
    chance = random.Random(0)
    for spare in range(SPARE + 1):
        for _ in range(TRIES):
            yield chance.getrandbits(WORD) & chance.getrandbits(WORD), width + spare
    low, high = bits[0], bits[-1]
    yield 1 << WORD - 1 - high, high - low + 1  # all that lies between them too
