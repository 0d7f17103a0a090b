"""Spin agrees on specifications that nobody thought of, and a model says what it is a model of."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, note, settings

from softsnp.explore.export import promela
from softsnp.explore.layout import machine
from softsnp.explore.search import Limits, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import (
    Always,
    Bool,
    Count,
    Never,
    NoDeadlock,
    Property,
    Specification,
    activity,
)
from tests.designs.spin import differences, export, missing

from .random_specs import loaded, sources
from .toys import Herd

needs_spin = pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} missing")
STATES = range(10, 3000)
"""How large a random specification is to be."""


@needs_spin
@given(sources())
@settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_spin_agrees_on_random_specifications(source: str) -> None:
    note(source)
    made, properties = loaded(source)
    members = 2 + len(source) % 2
    merged = machine(tabulate(made(), state_judges(properties, [])))
    explored = Search(merged, members, properties, []).run(Limits(states=STATES.stop))
    if len(explored.states) in STATES:
        assert differences(export(made(), members, properties)) == []


class Stuck(Specification):
    """Two activities that may each wait for the other; nobody is a member of anything."""

    first = Bool(False, "the first is under way", ghost=True)
    second = Bool(False, "the second is under way", ghost=True)
    byte = Count(2, "named as Promela names a type", ghost=True)

    @activity("goes when the second does not")
    async def one(self) -> None:
        while True:
            await self.rest()
            self.first = True
            self.event("off")
            await self.until(lambda: not self.second, "for the second")
            self.first = False
            self.byte = min(self.byte + 1, 2)

    @activity("goes when the first does not")
    async def other(self) -> None:
        while True:
            await self.rest()
            self.second = True
            await self.until(lambda: not self.first, "for the first")
            self.second = False


STUCK: list[Property] = [
    Always("alone", "", "", "", when=lambda s: s.first, must=lambda s: not s.second),
    Always("bounded", "", "", "", when=lambda s: True, must=lambda s: s.byte < 3),
    Never("off-never", "", "", "", never="off", situation="off"),
    NoDeadlock("no-deadlock", "", "", ""),
]


@needs_spin
def test_spin_finds_a_deadlock_and_what_else_is_wrong() -> None:
    model = export(Stuck(), 0, STUCK)
    assert model.ours.violated == {"alone", "off-never", "no-deadlock"}
    assert differences(model) == []


@needs_spin
@pytest.mark.parametrize("members", [1, 2, 3, 4])
def test_spin_agrees_on_a_herd(members: int) -> None:
    assert differences(export(Herd(), members, [])) == []


def test_a_model_has_the_names_of_its_specification() -> None:
    text = promela(Stuck(), 0, STUCK, "Two who may wait for each other.")
    assert text.startswith("/* Two who may wait for each other. */\n")
    assert "active proctype one() {" in text
    assert "/* one: goes when the second does not. */" in text
    assert "; waits for the second */" in text
    assert "bit first;" in text and "/* the first is under way */" in text
    assert "byte byte_2;" in text, "a reserved word gets a number"
    assert "/* bounded: nothing here could violate it */" in text


def test_without_properties_nothing_is_looked_at() -> None:
    text = promela(Stuck(), 0, [])
    assert "assert" not in text and "proctype properties" not in text
