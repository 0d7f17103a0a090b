"""What can always still be reached, and what can no longer."""

from __future__ import annotations

import pytest

from softsnp.explore import Ladder, Limits, check
from softsnp.explore.oracle import Oracle
from softsnp.lang import (
    AlwaysPossible,
    Bit,
    Bool,
    Kind,
    Population,
    Property,
    Specification,
    activity,
)

RUNGS = ("python", "table", "native")


def open_again(**more: bool) -> AlwaysPossible:
    return AlwaysPossible(
        "open-again",
        "a closed door can be opened",
        "somebody is inside",
        "the door can never be opened again",
        when=lambda s: s.closed,
        goal=lambda s: not s.closed,
        goal_sentence="the door is open",
        **more,
    )


class Door(Specification):
    """It opens and closes, and its key may be lost."""

    closed = Bool(False, "the door is closed")
    lost = Bool(False, "the key is lost")

    @activity("opens and closes the door")
    async def doorman(self) -> None:
        while True:
            await self.rest(atomic="one look at the door and its key")
            if not self.closed:
                self.closed = True
            elif not self.lost:
                self.closed = False

    @activity("loses the key")
    async def loser(self) -> None:
        while True:
            await self.rest()
            self.lost = True


class OpenDoor(Door):
    """Nobody loses anything."""


@pytest.mark.parametrize("rung", RUNGS)
def test_a_state_of_no_return_is_found_with_the_shortest_way_to_it(rung: str) -> None:
    found = check(Door(), 0, [open_again()], [], ladder=Ladder(rung), traces=True).outcomes[0]
    assert (found.verdict, found.exercised, found.steps) == ("violated", True, 2)
    assert found.trace is not None
    assert found.trace.state == {"closed": "1", "lost": "1"}
    assert Oracle(Door(), [open_again()]).explore(0).violated == {"open-again": 2}


@pytest.mark.parametrize("rung", RUNGS)
def test_it_is_possible_for_ever_when_nobody_takes_it_away(rung: str) -> None:
    found = check(OpenDoor(["doorman"]), 0, [open_again()], [], ladder=Ladder(rung)).outcomes[0]
    assert (found.verdict, found.exercised) == ("holds", True)


def test_what_never_arises_is_not_exercised() -> None:
    found = check(OpenDoor(["loser"]), 0, [open_again()], []).outcomes[0]
    assert (found.verdict, found.exercised) == ("holds", False)


def test_a_bound_leaves_it_undecided() -> None:
    found = check(Door(), 0, [open_again()], [], limits=Limits(states=2)).outcomes[0]
    assert found.verdict == "undecided"


ALL_AWAKE: list[Property] = [
    AlwaysPossible(
        "all-awake-again",
        "all sheep can wake again",
        "",
        "some sheep sleeps for ever",
        when=lambda s: s.sheep.any(asleep=True),
        goal=lambda s: s.sheep.all(asleep=False),
        goal_sentence="all are awake",
    )
]


class Sheep(Specification):
    """Any sheep falls asleep; a pair of them is woken, and the last one never is."""

    sheep = Population("sheep", {"asleep": Bit("it is asleep")})
    pair = Bool(False, "one of a pair has been woken")

    def members(self) -> tuple[Kind, ...]:
        return (Kind({"asleep": True}, None),)

    @activity("wakes two sheep, or none")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="two at once")
            if self.sheep.where(asleep=True).set_one(asleep=False):
                one_left = self.sheep.any(asleep=True)
                if one_left:
                    self.sheep.where(asleep=True).set_one(asleep=False)
                else:
                    self.sheep.where(asleep=False).set_one(asleep=True)


def test_for_any_number_it_is_looked_at_exactly_as_well() -> None:
    """With many sheep asleep the images may always become two, which an odd number never does."""
    odd = check(Sheep(), 1, ALL_AWAKE, []).outcomes[0]
    assert odd.verdict == "violated"
    found = check(Sheep(), None, ALL_AWAKE, []).outcomes[0]
    assert (found.verdict, found.members) == ("violated", 1)
