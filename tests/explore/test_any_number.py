"""Counts saturated at none, one, many: sound for every number of members, and replayed for real."""

from __future__ import annotations

import pytest

from softsnp.explore import Limits, check
from softsnp.explore.layout import machine
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import Always, Bool, Count, Property, Specification, activity
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
        "eight were never asleep: counts that stop at many cannot tell",
        "",
        "eight were asleep",
        when=lambda s: s.seen,
        must=lambda s: False,
    )
]


class Spurious(toys.Herd):
    """Many less one may be many again: eight can wake one after the other, but not of six."""

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


def test_a_violation_that_no_small_number_shows_is_undecided() -> None:
    found = check(Spurious(["shepherd"]), None, NEVER_EIGHT, [], limits=Limits()).outcomes[0]
    assert (found.verdict, found.steps) == ("undecided", None)
    assert "spurious" in found.reason
