"""What each word does, seen through a check; and what the language refuses while it runs."""

from __future__ import annotations

import random

import pytest

from softsnp.explore import check
from softsnp.lang import (
    Always,
    Assumption,
    Bit,
    Bool,
    Count,
    Kind,
    Mutex,
    Never,
    NoDeadlock,
    Parameter,
    PercpuRwsem,
    Population,
    Property,
    Sometimes,
    SpecError,
    Specification,
    activity,
)

DEADLOCK = NoDeadlock("no-deadlock", "someone can step", "", "stuck")


class Worker(Specification):
    """One activity that does ``work`` for ever, on a flag and a count."""

    flag = Bool(False, "a flag", memory="module")
    total = Count(3, "a count", memory="kernel")
    kept = Bool(False, "in no memory that anything loses")

    @activity("works")
    async def worker(self) -> None:
        while True:
            await self.rest()
            await self.work()

    async def work(self) -> None:
        await self.preempt()


def reaches(spec: Specification, *checks: Sometimes) -> dict[str, bool]:
    return check(spec, 0, [], list(checks)).reached


def sees(name: str) -> Sometimes:
    return Sometimes(name, name, event=name)


class Chooses(Worker):
    async def work(self) -> None:
        self.event(f"chose {self.choose('a', 'b', 'c', label='letter')}")
        await self.preempt()


class Faults(Worker):
    async def work(self) -> None:
        self.event("failed" if self.fault("it") else "worked")
        await self.preempt()


class Restarts(Worker):
    async def work(self) -> None:
        self.flag = True
        await self.preempt()
        self.total = 2
        await self.preempt()
        self.kept = True
        await self.preempt()
        self.restart("module")
        await self.preempt(atomic="a look at everything")
        if not self.flag and self.total == 2 and self.kept:
            self.event("only the module's memory is lost")

    @activity("waits to be ended in the middle of something")
    async def other(self) -> None:
        while True:
            await self.rest()
            await self.preempt()
            self.event("in the middle")
            await self.until(lambda: False)


def test_choose_goes_every_way() -> None:
    assert reaches(Chooses(), sees("chose a"), sees("chose c"), sees("chose d")) == {
        "chose a": True,
        "chose c": True,
        "chose d": False,
    }


def test_fault_goes_both_ways() -> None:
    assert all(reaches(Faults(), sees("failed"), sees("worked")).values())


def test_restart_loses_the_named_memories_and_ends_the_others() -> None:
    told = check(Restarts(), 0, [DEADLOCK], [sees("only the module's memory is lost")])
    assert told.reached["only the module's memory is lost"]
    assert told.outcomes[0].verdict == "holds", "who waits for ever is ended by the restart"


class WaitsForEver(Worker):
    async def work(self) -> None:
        await self.until(lambda: False, "for nothing")


def test_a_wait_that_never_ends_is_a_deadlock_and_no_step() -> None:
    told = check(WaitsForEver(), 0, [DEADLOCK], [])
    assert (told.states, told.transitions) == (2, 1)
    assert told.outcomes[0].verdict == "violated"
    assert told.outcomes[0].steps == 1


class RestsForEver(Worker):
    @activity("rests until it is told")
    async def worker(self) -> None:
        while True:
            await self.rest(lambda: self.flag)
            await self.preempt()


def test_everybody_at_rest_is_no_deadlock() -> None:
    assert check(RestsForEver(), 0, [DEADLOCK], []).outcomes[0].verdict == "holds"


class ReleasesWhatItHasNot(Worker):
    lock = Mutex("of nobody")

    async def work(self) -> None:
        await self.preempt()
        self.mutex_unlock(ReleasesWhatItHasNot.lock)


class Ends(Worker):
    @activity("ends")
    async def worker(self) -> None:
        await self.rest()


class TouchesBeforeItsFirstAwait(Worker):
    @activity("hurries")
    async def worker(self) -> None:
        self.flag = True
        while True:
            await self.rest()


class Raises(Worker):
    async def work(self) -> None:
        await self.preempt()
        raise KeyError("a mistake")


class Assigns(Worker):
    async def work(self) -> None:
        self.total = "many"  # type: ignore[assignment]
        await self.preempt()


class TakesTwo(Worker):
    herd = Population("sheep", {"awake": Bit("it is awake")})

    def members(self) -> tuple[Kind, ...]:
        return (Kind({}, 3),)

    async def work(self) -> None:
        first = self.herd.where(awake=False).take()
        await self.preempt()
        second = self.herd.where(awake=False).take()
        await self.preempt()
        if first and second:
            first.release()
            second.release()


@pytest.mark.parametrize(
    ("spec", "members", "said"),
    [
        (ReleasesWhatItHasNot, 0, "lock is released by a task that does not hold it"),
        (Ends, 0, "the activity worker ended"),
        (TouchesBeforeItsFirstAwait, 0, "touches state before its first await"),
        (Raises, 0, "KeyError: 'a mistake'"),
        (Assigns, 0, r"total = 'many' is outside its domain \(0, 1, 2, 3\)"),
        (TakesTwo, 3, "one picked member at a time"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_mistake_is_one_message(spec: type[Specification], members: int, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        check(spec(), members, [], [])


class Dices(Worker):
    async def work(self) -> None:
        if random.random() < 0.5:
            self.flag = True
            self.choose(1, 2)
        else:
            self.total = self.choose(1, 2, 3)
        await self.preempt()


def test_a_step_that_differs_when_run_again_is_refused() -> None:
    random.seed(1)
    with pytest.raises(SpecError, match="deterministic"):
        for _ in range(20):
            check(Dices(), 0, [], [])


def test_unknown_activities_assumptions_and_parameters_are_refused() -> None:
    for wrong in ({"activities": ["nobody"]}, {"assume": {"nothing": True}}, {"colour": "red"}):
        with pytest.raises(SpecError, match="no "):
            Worker(**wrong)


class Assumes(Worker):
    lucky = Assumption(True, "Nothing fails.", "[asm] a test")
    colour = Parameter({"red": "stop", "green": "go"}, "of the light")

    async def work(self) -> None:
        await self.preempt()
        if self.lucky and self.colour == "green":
            self.event("goes")


def test_assumptions_and_parameters_are_constants_of_a_run() -> None:
    assert reaches(Assumes(colour="green"), sees("goes"))["goes"]
    assert not reaches(Assumes(), sees("goes"))["goes"]
    assert not reaches(Assumes(assume={"lucky": False}, colour="green"), sees("goes"))["goes"]
    with pytest.raises(AttributeError, match="fixed for the whole run"):
        Assumes().lucky = False


class Locks(Worker):
    """A mutex, tried and waited for by two."""

    lock = Mutex("of both")
    inside = Count(2, "how many are inside", ghost=True)

    async def enter(self) -> None:
        self.inside += 1
        await self.preempt()
        self.inside -= 1
        self.mutex_unlock(Locks.lock)

    async def work(self) -> None:
        await self.mutex_lock(Locks.lock)
        await self.enter()

    @activity("tries, and goes away")
    async def other(self) -> None:
        while True:
            await self.rest()
            if await self.mutex_trylock(Locks.lock):
                await self.enter()
            else:
                self.event("turned away")


ALONE: list[Property] = [
    Always(
        "alone",
        "one is inside",
        "",
        "",
        when=lambda s: s.inside > 0,
        must=lambda s: s.inside < 2,
    ),
    Never("never-turned-away", "nobody is", "", "", never="turned away", situation="turned away"),
]


def test_a_mutex_excludes_and_a_trylock_is_turned_away() -> None:
    alone, never = check(Locks(), 0, ALONE, []).outcomes
    assert (alone.verdict, alone.exercised) == ("holds", True)
    assert never.verdict == "violated"
    only = check(Locks(["worker"]), 0, ALONE, []).outcomes[1]
    assert (only.verdict, only.exercised) == ("holds", False)


def test_locks_populations_and_constants_cannot_be_assigned() -> None:
    class All(Locks):
        door = PercpuRwsem("a door")
        herd = Population("sheep", {"awake": Bit("it is awake")})

    for name in ("lock", "door", "herd"):
        with pytest.raises(AttributeError):
            setattr(All(), name, True)
