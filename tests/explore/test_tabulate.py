"""What is tabulated, and what is left out because it cannot happen or nobody reads it."""

from __future__ import annotations

import pytest

from softsnp.explore.growing import MISSED
from softsnp.explore.tabulate import tabulate
from softsnp.explore.tree import Ask, Node, Read
from softsnp.lang import Bool, Count, Specification, activity


class Loop(Specification):
    """One activity of two places, told apart by what it has once chosen."""

    total = Count(9, "a count")

    @activity("chooses and forgets")
    async def worker(self) -> None:
        while True:
            await self.rest()
            chosen = self.choose("a", "b", "c")
            if chosen == "a":
                await self.preempt()


class LoopThatRemembers(Loop):
    """What was chosen is read later."""

    @activity("chooses and remembers")
    async def worker(self) -> None:
        while True:
            await self.rest()
            chosen = self.choose("a", "b", "c")
            await self.preempt()
            self.total = len(chosen)


@pytest.mark.parametrize(("spec", "places"), [(Loop, 2), (LoopThatRemembers, 4)])
def test_what_nobody_reads_again_makes_no_local_state(
    spec: type[Specification], places: int
) -> None:
    assert len(tabulate(spec(), {}).activities[0]) == places


def test_unmerged_tables_tell_apart_what_was_chosen() -> None:
    assert len(tabulate(Loop(), {}, merge=False).activities[0]) == 5


class CatchesIt(Specification):
    """What only an exception handler reads is read all the same."""

    total = Count(9, "a count")

    @activity("fails, and remembers what it was")
    async def worker(self) -> None:
        while True:
            await self.rest()
            chosen = self.choose(3, 4)
            try:
                await self.preempt()
                raise ValueError
            except ValueError:
                self.total = chosen


def test_what_only_a_handler_reads_is_told_apart() -> None:
    assert len(tabulate(CatchesIt(), {}).activities[0]) == 3


class Alone(Specification):
    """Nobody but its activity writes the count, and it never gets past two."""

    total = Count(9, "a count", initial=0)
    flag = Bool(False, "a flag")

    @activity("counts")
    async def counter(self) -> None:
        while True:
            await self.rest()
            self.total = 0 if self.total == 2 else self.total + 1


class Together(Alone):
    """Somebody else writes it."""

    @activity("starts anew from anywhere")
    async def other(self) -> None:
        while True:
            await self.rest()
            self.total = 7


class StartedAnew(Alone):
    """Somebody else puts it back to its beginning, with the count as it is."""

    @activity("counts, with a pause")
    async def counter(self) -> None:
        await self.rest()
        start = self.total
        while True:
            await self.rest(atomic="counting")
            self.total = 0 if self.total == 2 else self.total + 1
            self.flag = start == 2

    @activity("ends the other")
    async def other(self) -> None:
        while True:
            await self.rest()
            self.restart()


def answers(node: Node) -> list[int]:
    """The values of the total for which the step was run."""
    assert isinstance(node, Ask) and node.question == Read("total")
    return [answer for answer, kid in node.kids if kid is not MISSED]


@pytest.mark.parametrize(
    ("spec", "values"), [(Alone, [0, 1, 2]), (Together, list(range(10))), (StartedAnew, [0, 1, 2])]
)
def test_only_values_that_occur_are_tabulated(spec: type[Specification], values: list[int]) -> None:
    tree = tabulate(spec(), {}).activities[0][0].tree
    assert answers(tree) == values
