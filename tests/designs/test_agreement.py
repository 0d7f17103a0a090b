"""Everybody who can explore comes to the same numbers, on the whole survey.

The oracle's numbers are pinned. If a change of the specification is meant: ``make agree``, which
also compares what is too much for every day, and read the difference.
"""

from __future__ import annotations

import pytest

from softsnp.spec.catalog import SURVEY
from softsnp.spec.designs import LINEAGE

from .agreement import (
    COMBINATIONS,
    ENGINES,
    PINNED,
    Combination,
    affordable,
    by_oracle,
    by_rung,
    differences,
    pinned,
    to_text,
)
from .runs import PROFILES

TABLES = affordable(2_500_000)
LIVE = affordable(1_000_000)


def test_there_are_numbers_for_the_whole_survey_and_nothing_else() -> None:
    assert {file.stem for file in PINNED.glob("*.json")} == {design.name for design in LINEAGE}
    for design in LINEAGE:
        mine = [c for c in COMBINATIONS if c.design is design]
        assert pinned(design).keys() == {c.run(m) for c in mine for m in c.members}


def test_the_files_are_as_they_would_be_written() -> None:
    for design in LINEAGE:
        assert (PINNED / f"{design.name}.json").read_text() == to_text(pinned(design))


@pytest.mark.parametrize("chosen", [TABLES, LIVE], ids=["tables", "live"])
def test_what_is_compared_every_day_has_some_of_everything(
    chosen: dict[Combination, dict[int | None, object]],
) -> None:
    assert {c.design for c in chosen} == set(LINEAGE)
    assert {c.profile for c in chosen} == set(PROFILES)
    assert {c.survey for c in chosen} == set(range(len(SURVEY)))
    assert {members for runs in chosen.values() for members in runs} == {None, 2}


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda c: c.name)
def test_the_table_engine_agrees_with_the_oracle(combination: Combination) -> None:
    right = pinned(combination.design)
    truth = {members: right[combination.run(members)] for members in combination.members}
    assert differences(combination, truth, {"table": ENGINES["table"]}) == []


@pytest.mark.parametrize("combination", TABLES, ids=lambda c: c.name)
def test_every_rung_agrees_with_the_oracle(combination: Combination) -> None:
    assert differences(combination, TABLES[combination]) == []


@pytest.mark.parametrize("combination", list(TABLES)[::12], ids=lambda c: c.name)
def test_emitted_code_agrees_with_tables(combination: Combination) -> None:
    """Some of them: to compile one takes seconds."""
    merged = combination.machine(merge=True)
    assert by_rung("native")(merged, 2) == by_rung("table")(merged, 2)


@pytest.mark.parametrize("combination", LIVE, ids=lambda c: c.name)
def test_the_oracle_says_what_it_said(combination: Combination) -> None:
    right = LIVE[combination]
    assert by_oracle(combination, right) == list(right.values())
