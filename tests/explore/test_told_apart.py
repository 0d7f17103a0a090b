"""Populations with members told apart: each of a counted one's ways, and no other."""

from __future__ import annotations

import pytest

from softsnp.explore.counted import Counted
from softsnp.explore.layout import Layout, machine
from softsnp.explore.tabulate import tabulate
from softsnp.explore.told_apart import ToldApart, orders
from softsnp.lang import Change, Cube

from .toys import Herd

BOOT, ONLINE, ENABLED = 1, 2, 4
CLASSES = [0, BOOT, ONLINE, BOOT | ONLINE, ENABLED, ONLINE | ENABLED, BOOT | ONLINE | ENABLED]
PICKERS = [3, 5]
SAME = {cls: cls for cls in range(8)}
POPULATIONS = [
    ({}, {}),
    ({ONLINE: 3}, {}),
    ({BOOT | ONLINE: 1, ONLINE: 2, 0: 2}, {}),
    ({BOOT | ONLINE: 1, ONLINE: 1, ENABLED: 1}, {3: ONLINE}),
    ({ONLINE: 2, ENABLED: 1}, {3: BOOT | ONLINE, 5: ONLINE}),
]


def apart(members: int) -> ToldApart:
    return ToldApart(CLASSES, SAME, PICKERS, 3, BOOT, members)


def counted(members: int) -> Counted:
    return Counted(CLASSES, SAME, PICKERS, 3, BOOT, members)


@pytest.mark.parametrize(("free", "picked"), POPULATIONS)
def test_there_are_as_many_ways_as_an_orbit_has(
    free: dict[int, int], picked: dict[int, int]
) -> None:
    members = sum(free.values()) + len(picked)
    told, counts = apart(members), counted(members)
    ways = list(told.ways(free, picked))
    assert len(set(ways)) == len(ways) == counts.orbit(counts.number(counts.pack(free, picked)))
    assert all(told.unpack(way) == (free, picked) for way in ways)
    assert told.pack(free, picked) == ways[0]


@pytest.mark.parametrize(("free", "picked"), POPULATIONS)
def test_every_question_has_the_answer_of_the_counts(
    free: dict[int, int], picked: dict[int, int]
) -> None:
    members = sum(free.values()) + len(picked)
    cubes = [Cube(mask, value) for mask in range(8) for value in range(8) if not value & ~mask]
    answers = []
    for populations in (apart(members), counted(members)):
        for cube in cubes:
            for only_free in (True, False):
                populations.ask(populations.any(cube, only_free))
        for activity in PICKERS:
            populations.ask(populations.member_bit(activity, 1))
        populations.prepare()
        numbers = [populations.number(way) for way in populations.ways(free, picked)]
        answers += [populations.answers[number] for number in numbers]
    assert len(set(answers)) == 1


def test_a_member_goes_where_it_is_sent_and_no_other_does() -> None:
    told = apart(3)
    (packed,) = told.ways({ONLINE: 3}, {})
    picked = told.pick(3, Cube(ONLINE, ONLINE))(packed)
    assert len(set(picked)) == 3
    again = [told.release(3)(told.member_update(3, Change(ENABLED, ENABLED))(p)) for p in picked]
    assert set(again) == set(told.update_one(Cube(0, 0), Change(ENABLED, ENABLED))(packed))
    assert set(again) == set(told.ways({ONLINE: 2, ONLINE | ENABLED: 1}, {}))
    assert told.update(Cube(0, 0), Change(0b110, 0))(packed) == told.pack({0: 3}, {})
    assert told.update_one(Cube(0, 0), Change(ONLINE, ONLINE))(packed) == [packed] * 3
    assert [told.restart(5)(p) for p in picked] == [packed] * 3


def test_every_order_comes_once() -> None:
    assert list(orders([2, 1, 2])) == [(1, 2, 2), (2, 1, 2), (2, 2, 1)]


def test_any_number_of_members_cannot_be_told_apart() -> None:
    made = machine(tabulate(Herd(), {}), apart=True)
    with pytest.raises(ValueError, match="have a number; got any number of them"):
        Layout(made, None)
