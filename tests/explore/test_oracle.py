"""What the oracle remembers, and what it must not: rare words in rare places."""

from __future__ import annotations

import pytest

from softsnp.explore import Ladder
from softsnp.explore.layout import machine
from softsnp.explore.oracle import Oracle
from softsnp.explore.search import Search
from softsnp.explore.tabulate import tabulate
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


# --- what the oracle once found wrong elsewhere ---------------------------------------------------


class PeeksAtWhatItSelects(toys.Herd):
    """The bit is known, so there is one way and not two."""

    seen = Bool(True, "what it saw")

    @activity("looks")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="looks")
            if self.herd.any(awake=True):
                self.seen = self.herd.where(awake=True).peek("awake")


class ChangesItsMind(toys.Herd):
    """All are woken, and they may be put to sleep again, or not, in the same step."""

    @activity("wakes all, or all but none")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="all at once")
            self.herd.set(awake=True)
            if self.choose(True, False):
                self.herd.set(awake=False)


class AsksTwice(Specification):
    """Not everybody rests, then everybody does, since the other was started anew in between."""

    seen = Bool(False, "nobody rested, then everybody")

    @activity("asks, starts the other anew, and asks again")
    async def first(self) -> None:
        while True:
            await self.rest(atomic="asks")
            before = self.at_rest()
            self.restart()
            self.seen = self.at_rest() and not before
            del before

    @activity("is busy")
    async def second(self) -> None:
        while True:
            await self.rest()
            await self.preempt()


class PicksByTheWord(toys.Herd):
    @activity("picks one")
    async def shepherd(self) -> None:
        while True:
            await self.rest()
            sheep = await self.pick(awake=True)
            if sheep is not None:
                sheep.release()
            del sheep


@pytest.mark.parametrize("rung", ["python", "table", "native"])
@pytest.mark.parametrize("spec", [ChangesItsMind, PeeksAtWhatItSelects, AsksTwice, PicksByTheWord])
def test_it_agrees_where_it_once_did_not(spec: type[Specification], rung: str) -> None:
    for members in (0, 1, 2, None) if spec().population() else (0,):
        tables = tabulate(spec(), {}, merge=False)
        searched = Search(machine(tables), members, [toys.DEADLOCK], [])
        found = of_tables(searched.run(ladder=Ladder(rung)))
        assert of_oracle(spec(), [toys.DEADLOCK], members) == found


class TakesASecond(toys.Herd):
    """A restart ends the others; whom one has taken oneself one still has."""

    @activity("takes one, starts the others anew, and takes another")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="takes two")
            if self.herd.take() is not None:
                self.restart()
                self.herd.take()


def test_a_second_member_is_refused_after_a_restart_too() -> None:
    with pytest.raises(SpecError, match="one picked member at a time"):
        by_tables(TakesASecond(), [], 2, merge=False)
