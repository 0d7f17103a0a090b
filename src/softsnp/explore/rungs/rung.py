"""What every rung of the ladder is: a breadth-first search that can be stopped, and asked.

States are numbered in the order in which they are found, and every rung finds them in the same
order: so the answers do not depend on the rung, down to which of several shortest ways is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from softsnp.explore.lower import Program
from softsnp.lang import SpecError

MOST_GOALS = 16
"""How many can be looked for at once, one bit each."""


class OutOfRoom(Exception):
    """The search cannot go on: which bound was met."""


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

    def first_at(self) -> list[dict[int, int]]:
        """For each activity, each of its places to the first state in which it stands there."""

    def orbits(self) -> int:
        """The number of states with members told apart."""


def depth(levels: list[int], number: int) -> int:
    return bisect_right(levels, number) - 1


def failed(message: str, steps: int) -> SpecError:
    """What the specification did wrong in a state that is reached after so many steps."""
    return SpecError(f"{message}\n  reached after {steps} steps, so it can happen")
