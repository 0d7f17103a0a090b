"""The oracle at any number of members: its own meaning of none, one and many."""

from __future__ import annotations

import pytest

from softsnp.explore.concrete import steps
from softsnp.explore.oracle import Oracle
from softsnp.explore.saturated import Saturated, cap
from softsnp.lang import Kind, Specification, activity
from softsnp.lang.world import World

from . import toys
from .explorers import by_tables, of_oracle, of_tables

ASLEEP, AWAKE = 0, 1


class TwoFlocks(toys.Herd):
    """Two kinds of any number, of which one may be changed into the other."""

    def members(self) -> tuple[Kind, ...]:
        return (Kind({"awake": True}, None), Kind({}, None), Kind({"awake": True}, 1))

    @activity("puts all to sleep, or starts the dog anew")
    async def farmer(self) -> None:
        while True:
            await self.rest(atomic="all at once")
            if self.choose("sleep", "anew") == "sleep":
                self.herd.set(awake=False)
            else:
                self.restart()


@pytest.mark.parametrize("remember", [True, False], ids=["remembering", "forgetful"])
@pytest.mark.parametrize("members", [None, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("spec", [toys.Herd, TwoFlocks])
def test_it_agrees_with_the_tables(
    spec: type[Specification], members: int | None, remember: bool
) -> None:
    tables = of_tables(by_tables(spec(), toys.SOMEBODY_AWAKE, members, merge=False))
    assert of_oracle(spec(), toys.SOMEBODY_AWAKE, members, remember=remember) == tables


def test_one_oracle_serves_any_number_and_exact_ones() -> None:
    oracle = Oracle(TwoFlocks(), toys.SOMEBODY_AWAKE)
    for members in (None, 2, None, 3):
        fresh = Oracle(TwoFlocks(), toys.SOMEBODY_AWAKE).explore(members)
        assert oracle.explore(members) == fresh


def ways(members: list[int], picked: dict[int, int]) -> list[tuple[list[int], dict[int, int]]]:
    """The free members, and what is picked, after each step in which a dog takes one awake."""
    spec = toys.Herd(["dog"])
    found = []
    for taken in steps(Saturated(spec), 0, (), World({}, members, picked)):
        world = taken.world
        free = sorted(world.members[m] for m in world.free())
        found.append((free, {a: world.members[m] for a, m in world.picked.items()}))
    return found


def test_one_of_many_leaves_one_or_many() -> None:
    assert ways([ASLEEP], {}) == [([ASLEEP], {})]
    assert ways([AWAKE], {}) == [([], {0: AWAKE})]
    assert ways([AWAKE, AWAKE], {}) == [([AWAKE], {0: AWAKE}), ([AWAKE, AWAKE], {0: AWAKE})]


def test_many_and_one_are_many_and_those_picked_are_not_counted() -> None:
    world = World({}, [AWAKE, ASLEEP, AWAKE, AWAKE, ASLEEP], {1: 3, 0: 1})
    cap(world)
    assert [world.members[m] for m in world.free()] == [ASLEEP, AWAKE, AWAKE]
    assert {a: world.members[m] for a, m in world.picked.items()} == {0: ASLEEP, 1: AWAKE}
    world = World({}, [AWAKE] * 3, {1: 0})
    cap(world)
    assert sorted(world.members) == [AWAKE] * 3, "many are free, and one is picked"
