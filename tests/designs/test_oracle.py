"""Tables and the oracle, which runs the coroutines themselves, agree on every design."""

from __future__ import annotations

import pytest

from softsnp.explore.oracle import Oracle
from softsnp.spec.activities import Host
from softsnp.spec.designs import RmpoptV8, RmpoptV10
from softsnp.spec.properties import PROPERTIES
from tests.explore.explorers import by_tables, of_oracle, of_tables

from .runs import EACH, HOST, NAMES


@pytest.mark.parametrize("members", [2, 3])
@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_exact_counts_verdicts_and_lengths_agree(
    design: type[Host], profile: str, members: int
) -> None:
    spec = design(HOST, firmware=profile)
    tables = of_tables(by_tables(spec, PROPERTIES, members, merge=False))
    oracle = of_oracle(design(HOST, firmware=profile), PROPERTIES, members)
    assert oracle == tables


@pytest.mark.parametrize("assume", [{"cpu-hot-add": True}, {"one-ipi-a-step": False}])
def test_they_agree_under_other_assumptions(assume: dict[str, bool]) -> None:
    spec = RmpoptV8(HOST, assume, firmware="legacy")
    tables = of_tables(by_tables(spec, PROPERTIES, 3, merge=False))
    assert of_oracle(RmpoptV8(HOST, assume, firmware="legacy"), PROPERTIES, 3) == tables


@pytest.mark.parametrize("members", [2, 3])
def test_concrete_states_are_those_of_numbered_cpus(members: int) -> None:
    explored = by_tables(RmpoptV10(HOST, firmware="legacy"), PROPERTIES, members, merge=False)
    numbered = Oracle(RmpoptV10(HOST, firmware="legacy"), [], numbered=True).explore(members)
    assert explored.concrete_states() == numbered.states


def test_what_the_oracle_remembers_changes_nothing() -> None:
    fresh = of_oracle(RmpoptV10(HOST, firmware="legacy"), PROPERTIES, 2, remember=False)
    assert fresh == of_oracle(RmpoptV10(HOST, firmware="legacy"), PROPERTIES, 2)


@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_merging_changes_no_verdict_and_no_length(design: type[Host], profile: str) -> None:
    spec = design(HOST, firmware=profile)
    plain = of_tables(by_tables(spec, PROPERTIES, 2, merge=False))
    merged = of_tables(by_tables(spec, PROPERTIES, 2, merge=True))
    assert (merged.violated, merged.exercised) == (plain.violated, plain.exercised)
    assert merged.states <= plain.states
