"""Tables and the oracle, which runs the coroutines themselves, agree on every design."""

from __future__ import annotations

import pytest

from softsnp.explore.layout import machine
from softsnp.explore.oracle import Oracle
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.spec.activities import Host
from softsnp.spec.designs import Linux73, RmpoptV10
from softsnp.spec.properties import PROPERTIES
from tests.explore.explorers import by_tables, numbers, of_oracle, of_tables

from .runs import EACH, HOST, NAMES


def tried(design: type[Host], profile: str) -> list[int]:
    """On x86 firmware three CPUs take the oracle long: two designs stand for all there."""
    return [2, 3] if profile == "legacy" or design in (Linux73, RmpoptV10) else [2]


@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_exact_counts_verdicts_and_lengths_agree(design: type[Host], profile: str) -> None:
    tables = tabulate(design(HOST, firmware=profile), state_judges(PROPERTIES, []))
    machines = [machine(tables, merge) for merge in (False, True)]
    oracle = Oracle(design(HOST, firmware=profile), PROPERTIES)
    for members in tried(design, profile):
        plain, merged = (
            of_tables(Search(each, members, PROPERTIES, []).run()) for each in machines
        )
        assert numbers(oracle.explore(members)) == plain
        assert (merged.violated, merged.exercised) == (plain.violated, plain.exercised)
        assert merged.states <= plain.states


@pytest.mark.parametrize("assume", [{"cpu-hot-add": True}, {"one-ipi-a-step": False}])
def test_they_agree_under_other_assumptions(assume: dict[str, bool]) -> None:
    spec = Linux73(HOST, assume, firmware="legacy")
    tables = of_tables(by_tables(spec, PROPERTIES, 2, merge=False))
    assert of_oracle(Linux73(HOST, assume, firmware="legacy"), PROPERTIES, 2) == tables


@pytest.mark.parametrize("members", [2, 3])
def test_concrete_states_are_those_of_numbered_cpus(members: int) -> None:
    explored = by_tables(RmpoptV10(HOST, firmware="legacy"), PROPERTIES, members, merge=False)
    numbered = Oracle(RmpoptV10(HOST, firmware="legacy"), [], numbered=True).explore(members)
    assert explored.concrete_states() == numbered.states


def test_what_the_oracle_remembers_changes_nothing() -> None:
    fresh = of_oracle(RmpoptV10(HOST, firmware="legacy"), PROPERTIES, 2, remember=False)
    assert fresh == of_oracle(RmpoptV10(HOST, firmware="legacy"), PROPERTIES, 2)
