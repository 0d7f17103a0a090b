"""Counts saturated at none, one, many: sound for every number of members, and replayed for real."""

from __future__ import annotations

import pytest

from softsnp.explore import Limits, check
from softsnp.explore.layout import machine
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import (
    Always,
    Bit,
    Bool,
    Count,
    Kind,
    Population,
    Property,
    Specification,
    activity,
)
from softsnp.spec.designs import RmpoptV9, RmpoptV10
from softsnp.spec.properties import PROPERTIES

from . import toys

NUMBERS = range(1, 7)
HOST = ("administrator", "hotplugger")
SPECS: list[tuple[str, Specification, list[Property]]] = [
    ("herd", toys.Herd(), toys.SOMEBODY_AWAKE),
    ("v10", RmpoptV10(HOST, firmware="legacy"), PROPERTIES),
    ("v10-x86", RmpoptV10(HOST, firmware="x86-shutdown"), PROPERTIES),
    ("v9-hot-add", RmpoptV9(HOST, {"cpu-hot-add": True}, firmware="legacy"), PROPERTIES),
]


@pytest.mark.parametrize(("name", "spec", "properties"), SPECS, ids=[s[0] for s in SPECS])
def test_nothing_that_a_number_reaches_lies_outside(
    name: str, spec: Specification, properties: list[Property]
) -> None:
    shared = machine(tabulate(spec, state_judges(properties, [])))
    every = Search(shared, None, properties, []).run()
    inside = set(every.states)
    least = sum(kind.count or 0 for kind in spec.members())
    for members in NUMBERS:
        if members < least:
            continue
        exact = Search(shared, members, properties, []).run()
        image = every.layout.abstraction(exact.layout)
        assert {image(state) for state in exact.states} <= inside
        for prop in properties:
            one, all_of_them = exact.findings[prop.name], every.findings[prop.name]
            if one.steps is not None:
                assert all_of_them.steps is not None, f"{prop.name} is violated at {members}"
                assert all_of_them.steps <= one.steps
            assert not one.exercised or all_of_them.exercised or one.steps is not None


def test_a_violation_is_replayed_at_the_least_number_that_has_it() -> None:
    found = check(
        RmpoptV9(HOST, {"cpu-hot-add": True}, firmware="legacy"),
        None,
        PROPERTIES,
        [],
        traces=["guest-memory-protected"],
    )
    outcome = found.outcomes[0]
    assert (outcome.verdict, outcome.members) == ("violated", 2)
    assert outcome.trace is not None
    assert outcome.trace.members == 2
    assert len(outcome.trace.steps) == outcome.steps


NEVER_EIGHT: list[Property] = [
    Always(
        "never-eight",
        "eight are never woken",
        "",
        "eight were woken",
        when=lambda s: s.seen,
        must=lambda s: False,
    )
]


class Eight(toys.Herd):
    """Eight can wake one after the other, but not of six."""

    seen = Bool(False, "eight were woken", ghost=True)
    woken = Count(8, "how many were woken", ghost=True)

    @activity("wakes one after the other, and counts")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="one sheep at a time")
            if self.herd.where(awake=False).set_one(awake=True):
                self.woken = min(self.woken + 1, 8)
                if self.woken == 8:
                    self.seen = True


def test_a_violation_that_takes_many_members_is_followed() -> None:
    found = check(Eight(["shepherd"]), None, NEVER_EIGHT, [], traces=True).outcomes[0]
    assert (found.verdict, found.steps, found.members) == ("violated", 8, 9)
    assert found.trace is not None
    assert found.trace.members == 9  # the images go to eight awake and one asleep


class Pairs(Specification):
    """One to the left, one to the right; then one from each at a time: as many here as there."""

    sheep = Population("sheep", {"left": Bit("on the left"), "right": Bit("on the right")})

    def members(self) -> tuple[Kind, ...]:
        return (Kind({}, None),)

    @activity("divides the flock")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="two at a time")
            if self.choose("divide", "collect") == "divide":
                if self.sheep.where(left=False, right=False).set_one(left=True):
                    if not self.sheep.where(left=False, right=False).set_one(right=True):
                        self.sheep.where(left=True).set_one(left=False)
            elif self.sheep.any(left=True) and self.sheep.any(right=True):
                self.sheep.where(left=True).set_one(left=False)
                self.sheep.where(right=True).set_one(right=False)


AS_MANY: list[Property] = [
    Always(
        "as-many",
        "as many are on the left as on the right: counts that stop at many cannot tell",
        "",
        "some are left over",
        when=lambda s: s.sheep.any(left=True),
        must=lambda s: s.sheep.any(right=True),
    )
]


def test_a_violation_that_no_number_shows_is_undecided() -> None:
    found = check(Pairs(), None, AS_MANY, [], limits=Limits()).outcomes[0]
    assert (found.verdict, found.steps) == ("undecided", None)
    assert "spurious" in found.reason
