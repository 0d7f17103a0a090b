"""What the oracle is asked beyond the survey (``test_agreement.py``)."""

from __future__ import annotations

import pytest

from softsnp.explore.oracle import Oracle
from softsnp.spec.designs import Linux73, RmpoptV10
from softsnp.spec.properties import PROPERTIES
from tests.explore.explorers import by_tables, of_oracle, of_tables

from .runs import HOST


def test_they_agree_with_broadcasts_of_one_step() -> None:
    assume = {"one-ipi-a-step": False}
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
