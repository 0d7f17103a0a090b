"""What every rung of the ladder is: a breadth-first search that can be stopped, and asked.

States are numbered in the order in which they are found, and every rung finds them in the same
order: so the answers do not depend on the rung, down to which of several shortest ways is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Protocol

from softsnp.explore.lower import Program
from softsnp.lang import SpecError

MOST_GOALS = 16
"""How many can be looked for at once, one bit each."""
SURE, ASKS = 1, 2
"""A state's marks: that a goal is sure to be reached from it, and that somebody asks for that."""


class OutOfRoom(Exception):
    """The search cannot go on: which bound was met."""


FAR = (1 << 16) - 1
"""More steps than anything takes."""
Need = Callable[[int], None]
"""Told of bytes that will be taken, or of 0 while they are; raises OutOfRoom."""


class Backwards(Protocol):
    """The steps of a program among the states of a search, gone from their ends."""

    def number(self, state: int) -> int:
        """The number of a state of the search."""

    def spread(self, marks: bytearray, begin: Sequence[int] | None = None) -> None:
        """Mark as SURE the states with numbers in ``begin``, and what leads to them by steps: or
        what leads to those that are marked, if None.
        """

    def distances(self, marks: bytearray) -> Sequence[int]:
        """For each state the least steps to one that is SURE; FAR where there is no way."""


class Rung(Protocol):
    """One search."""

    name: str
    program: Program

    @property
    def levels(self) -> list[int]:
        """The number of the first state of each depth."""

    @property
    def done(self) -> int:
        """How many of the states have been expanded."""

    @property
    def transitions(self) -> int:
        """Steps from expanded states, those to states already known included."""

    @property
    def deadlock(self) -> int:
        """The first state in which nobody can step and somebody is not at rest, or -1."""

    @property
    def hits(self) -> dict[int, tuple[int, int]]:
        """Event to the first step in which it happens: (number of a state, the state after it)."""

    @property
    def states(self) -> Sequence[int]:
        """Every state found, in order."""

    def parent(self, number: int) -> int:
        """The number of the state from which a state was found; of initial ones it is no matter."""

    def advance(self) -> None:
        """Expand some more states.

        Raises SpecError when the specification fails in one, OutOfRoom when there is no memory.
        """

    def judge(self, name: str) -> tuple[bool, int | None]:
        """(whether the property's situation arises, the first state that violates it)."""

    def no_return(self) -> int | None:
        """The first state from which some activity can never come to rest again."""

    def no_ways(self, asked: Sequence[tuple[str, str]]) -> list[tuple[bool, int | None]]:
        """For each pair of properties, MOST_GOALS at most: (whether the one is ever exercised, the
        first state in which it is and from which none that exercises the other can be reached).
        """

    def marks(self, situation: str | None, goal: str | int) -> bytearray:
        """For each state, SURE where a property named ``goal`` is exercised, or an activity of that
        number rests; and ASKS where the property ``situation`` is exercised: everywhere, if None.
        """

    def backwards(self, program: Program, need: Need) -> Backwards:
        """A program's steps, by which no states can be reached but those of the search."""

    def first_at(self) -> list[dict[int, int]]:
        """For each activity, each of its places to the first state in which it stands there."""

    def orbits(self) -> int:
        """The number of states with members told apart."""


def depth(levels: list[int], number: int) -> int:
    return bisect_right(levels, number) - 1


def failed(message: str, steps: int) -> SpecError:
    """What the specification did wrong in a state that is reached after so many steps."""
    return SpecError(f"{message}\n  reached after {steps} steps, so it can happen")
