"""What the oracle remembers, and what it must not: rare words in rare places."""

from __future__ import annotations

import pytest

from softsnp.explore.oracle import Oracle
from softsnp.lang import Bool, Count, SpecError, Specification, activity

from . import toys
from .explorers import by_tables, of_oracle, of_tables

REMEMBER = pytest.mark.parametrize("remember", [True, False], ids=["remembering", "forgetful"])


class AsksWhoRests(Specification):
    """Both activities ask whether everybody rests, one of them after it started the other anew."""

    seen = Count(3, "what was seen")
    quiet = Bool(False, "nobody was busy")

    @activity("starts the other anew")
    async def first(self) -> None:
        while True:
            await self.rest(atomic="asks")
            self.quiet = self.at_rest()
            await self.preempt(atomic="asks")
            self.restart()
            self.seen = 1 if self.at_rest() else 2

    @activity("is busy, and asks")
    async def second(self) -> None:
        while True:
            await self.rest(atomic="asks")
            self.seen = 3 if self.at_rest() else self.seen
            await self.preempt()


class WaitsOneWay(Specification):
    """A wait that may be over and may not: some of its ways are no steps."""

    seen = Count(2, "how often it was over")

    @activity("waits")
    async def waiter(self) -> None:
        while True:
            await self.rest()
            await self.until(lambda: self.choose("no", "yes", "no", "yes") == "yes")
            self.seen = min(self.seen + 1, 2)


@REMEMBER
@pytest.mark.parametrize("spec", [AsksWhoRests, WaitsOneWay])
def test_it_agrees_with_the_tables(spec: type[Specification], remember: bool) -> None:
    tables = of_tables(by_tables(spec(), [toys.DEADLOCK], 0, merge=False))
    assert of_oracle(spec(), [toys.DEADLOCK], 0, remember=remember) == tables


def test_a_step_that_asks_who_rests_is_heard_out_each_time() -> None:
    oracle = Oracle(AsksWhoRests(), [])
    oracle.explore()
    asks = [place for place, rests in enumerate(oracle.places[1].rests) if rests]
    assert asks
    assert not [key for key in oracle.ways.known[1] if key[0] in asks]


class Divides(Specification):
    total = Count(2, "counts down")

    @activity("fails")
    async def worker(self) -> None:
        while True:
            await self.rest()
            self.total = 1 // (2 - self.total)
            await self.preempt()
            self.total = self.total + 1


class Ends(Specification):
    @activity("ends")
    async def worker(self) -> None:
        await self.rest()


@REMEMBER
@pytest.mark.parametrize("spec", [Divides, Ends])
def test_what_fails_is_wrong_in_the_specification(
    spec: type[Specification], remember: bool
) -> None:
    with pytest.raises(SpecError):
        by_tables(spec(), [], 0, merge=False)
    with pytest.raises(SpecError):
        of_oracle(spec(), [], 0, remember=remember)
