"""What was learnt from a first trial of tabulating coroutines, a test each."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from softsnp.explore import check
from softsnp.explore.layout import machine
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import Bool, Count, Mutex, SpecError, Specification, activity
from softsnp.lang.source_rules import check_class

from . import toys
from .explorers import by_tables, of_oracle, of_tables


class OneActivity(Specification):
    """Derived from below: an activity that does ``work`` for ever."""

    flag = Bool(False, "a flag")
    total = Count(2, "a count")

    @activity("works")
    async def worker(self) -> None:
        while True:
            await self.rest()
            await self.work()

    async def work(self) -> None:
        await self.preempt()


# 1. The value stack is invisible.


class LoopOverThree(OneActivity):
    async def work(self) -> None:
        for name in ("a", "b", "a"):
            self.flag = name == "a"
            await self.preempt()


def test_1_places_that_only_the_value_stack_tells_apart_collide_and_are_refused() -> None:
    tables = tabulate(LoopOverThree(), {}, merge=False)
    places = {local.position for local in tables.activities[0]}
    assert len(places) == 3, "the first and the third round look alike: 4 places, 3 positions"
    with pytest.raises(SpecError, match="for loop"):
        check_class(LoopOverThree)


# 2. One leaf awaitable; sealed objects; locals of listed types.


class AwaitsAFuture(OneActivity):
    async def work(self) -> None:
        await asyncio.sleep(0)


class UndeclaredState(OneActivity):
    async def work(self) -> None:
        self.hidden = 1
        await self.preempt()


class ListAcrossAwait(OneActivity):
    async def work(self) -> None:
        values = [1, 2]
        await self.preempt()
        values.append(3)


class GrowsALocal(OneActivity):
    async def work(self) -> None:
        count = 0
        while self.total < 2:
            await self.preempt()
            count += 1


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (GrowsALocal, "does a local grow without end"),
        (AwaitsAFuture, "awaits a NoneType"),
        (UndeclaredState, "self.hidden is not declared state"),
        (ListAcrossAwait, "the local 'values' of .* is a list"),
    ],
)
def test_2_what_a_position_cannot_see_is_refused(spec: type[Specification], said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        check(spec(), 0, [], [])
    assert "\n  wrote: " in str(caught.value)
    assert __file__ in str(caught.value)


# 3. A picked member is still a member.


@pytest.mark.parametrize("members", [1, 2, 3, 4, 5])
def test_3_a_picked_member_still_counts(members: int) -> None:
    tables = of_tables(by_tables(toys.Herd(), toys.SOMEBODY_AWAKE, members, merge=False))
    oracle = of_oracle(toys.Herd(), toys.SOMEBODY_AWAKE, members)
    assert (tables.states, tables.transitions) == (oracle.states, oracle.transitions)


# 4. Values that never occur together raise no errors.


class NeverOverflows(OneActivity):
    async def work(self) -> None:
        if self.total < 2:
            self.total += 1
        await self.preempt()


class AssertsWhatHolds(OneActivity):
    async def work(self) -> None:
        self.total = 1
        await self.preempt()
        assert self.total != 0, "tabulated with every value, reached with 1 only"


class Overflows(OneActivity):
    async def work(self) -> None:
        self.total += 1
        await self.preempt()


@pytest.mark.parametrize("spec", [NeverOverflows, AssertsWhatHolds])
def test_4_an_error_that_no_reachable_state_meets_is_not_reported(
    spec: type[Specification],
) -> None:
    assert check(spec(), 0, [], []).complete


def test_4_an_error_that_a_reachable_state_meets_is_reported_with_its_place() -> None:
    with pytest.raises(SpecError, match=r"total = 3 is outside its domain") as caught:
        check(Overflows(), 0, [], [])
    assert f"{__file__}:" in str(caught.value)


# 5. One shared thing a step.


class TwoThings(OneActivity):
    lock = Mutex("guards nothing")

    async def work(self) -> None:
        self.flag = self.total == 1
        await self.preempt()


class TwoThingsWithAReason(OneActivity):
    async def work(self) -> None:
        await self.preempt(atomic="a test wants it")
        self.flag = self.total == 1
        await self.preempt()


class Guarded(OneActivity):
    lock = Mutex("guards both")
    first = Bool(False, "one", guard="lock")
    second = Bool(False, "two", guard="lock")

    async def work(self) -> None:
        await self.mutex_lock(Guarded.lock)
        self.first = not self.second
        self.second = self.first
        self.mutex_unlock(Guarded.lock)


class GuardNotHeld(Guarded):
    async def work(self) -> None:
        await self.preempt()
        self.first = not self.second


@pytest.mark.parametrize("spec", [TwoThings, GuardNotHeld])
def test_5_two_unprotected_things_in_a_step_are_refused(spec: type[Specification]) -> None:
    with pytest.raises(SpecError, match="one step touches two shared things") as caught:
        check(spec(), 0, [], [])
    assert caught.value.where.startswith(f"{__file__}:")


@pytest.mark.parametrize("spec", [TwoThingsWithAReason, Guarded])
def test_5_with_a_reason_or_under_the_lock_they_may_be(spec: type[Specification]) -> None:
    assert check(spec(), 0, [], []).complete


# 6. No arrays are handed to numeric code state by state: there is no numeric stack in a check.


def test_6_a_check_loads_no_numeric_stack() -> None:
    code = (
        "import sys; from softsnp.cli.main import main; "
        "main(['check', 'linux-7.3', '--firmware', 'legacy', '--cpus', '1']); "
        "sys.exit(sorted({'numpy', 'numba'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# 7. Tables do not depend on N, and the order within a step is free.


def test_7_one_tabulation_serves_every_number_of_members() -> None:
    tables = tabulate(toys.Herd(), state_judges(toys.SOMEBODY_AWAKE, []), merge=False)
    shared = machine(tables)
    for members in (1, 2, 3, None):
        again = by_tables(toys.Herd(), toys.SOMEBODY_AWAKE, members, merge=False)
        one = Search(shared, members, toys.SOMEBODY_AWAKE, []).run()
        assert (len(one.states), one.transitions) == (len(again.states), again.transitions)


class ReadsItsOwnWrite(OneActivity):
    async def work(self) -> None:
        self.total = 0
        self.total = self.total + 1
        self.total = self.total + 1
        await self.preempt()


def test_7_a_step_reads_what_it_wrote() -> None:
    spec = ReadsItsOwnWrite()
    tables = of_tables(by_tables(spec, [], 0, merge=False))
    assert (tables.states, tables.transitions) == (3, 3)  # total is 0 once, and 2 from then on
    assert of_oracle(ReadsItsOwnWrite(), [], 0).states == 3


# 8. A lock that is taken in one step hides a deadlock.


def test_8_nested_readers_deadlock_only_with_a_writer_of_two_steps() -> None:
    nested = check(toys.NestedReader(), 0, [toys.DEADLOCK], [])
    one_step = check(toys.OneStepWriter(), 0, [toys.DEADLOCK], [])
    assert [nested.outcomes[0].verdict, one_step.outcomes[0].verdict] == ["violated", "holds"]


# 9. A retry loop can hide a deadlock.


class Retries(Specification):
    """Two that take two locks in opposite order, one of them by trying for ever."""

    left = Mutex("one")
    right = Mutex("the other")

    @activity("takes left, then tries for right until it comes")
    async def patient(self) -> None:
        while True:
            await self.rest()
            await self.mutex_lock(Retries.left)
            while not await self.mutex_trylock(Retries.right):
                await self.preempt()
            self.mutex_unlock(Retries.right)
            self.mutex_unlock(Retries.left)

    @activity("takes right, then left")
    async def plain(self) -> None:
        while True:
            await self.rest()
            await self.mutex_lock(Retries.right)
            await self.mutex_lock(Retries.left)
            self.mutex_unlock(Retries.left)
            self.mutex_unlock(Retries.right)


def test_9_a_retry_loop_does_not_hide_a_deadlock() -> None:
    found = check(Retries(), 0, [toys.DEADLOCK], [], traces=True).outcomes[0]
    assert found.verdict == "violated"
    assert found.trace is not None
    stuck = {s.activity: s.waits_for for s in found.trace.standing}
    assert stuck["plain"] == "for left"


# 10. Saturated search starts from one and from many, and taking one from many forks.


def starts(members: int | None) -> set[int]:
    found = by_tables(toys.Herd(), [], members, merge=False)
    return {sum(found.layout.decode(s).free.values()) for s in found.layout.initial_states()}


def test_10_any_number_starts_from_none_from_one_and_from_many() -> None:
    assert starts(1) == {1}
    assert starts(None) == {1, 2, 3}  # the one that is awake, and none, one or many asleep


class TakesOne(toys.Herd):
    @activity("wakes one")
    async def shepherd(self) -> None:
        await self.rest(atomic="one sheep at a time")
        self.herd.where(awake=False).set_one(awake=True)
        while True:
            await self.rest()

    @activity("does nothing")
    async def dog(self) -> None:
        while True:
            await self.rest()


def test_10_taking_one_from_many_leaves_many_or_one() -> None:
    found = by_tables(TakesOne(["shepherd"]), [], None, merge=False)
    asleep: dict[int, set[int]] = {}
    for state in found.states:
        shown: Any = found.layout.decode(state)
        asleep.setdefault(shown.at[0], set()).add(shown.free.get(0, 0))
    before, after = asleep.values()
    assert before == {0, 1, 2}
    assert after == {0, 1, 2}, "none of none, none of one, one of many, many of many"
