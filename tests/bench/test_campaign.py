"""How large a campaign some machines reach: the arithmetic, and what is told of it."""

from __future__ import annotations

import pytest

from bench.campaign import CAMPAIGNS, PLACE, Figures, asked, duration, told
from bench.machine import ROOT, facts

FIGURES = Figures(
    run=[1.0, 1.0, 4.0],
    states=[10, 20, 30],
    undecided=1,
    line=2_000,
    stored=1_000,
    handed=500,
    rate=5e6,
    state=20,
    successors=3.5,
)


def test_runs_an_hour_end_where_one_file_does() -> None:
    text = told(FIGURES, 32, 128, facts())
    first = [row.split(" | ") for row in text.splitlines() if row.startswith("| 1")]
    assert [row[1] for row in first[:3]] == ["57,600", "576,000", "3,600,000"]
    assert "took 2.00 s of a core each" in text
    assert "1 of them were left undecided" in text


def test_states_that_fit_and_what_machines_would_say_to_each_other() -> None:
    text = told(FIGURES, 32, 128, facts())
    second = [row.split(" | ") for row in text.splitlines() if row.startswith("| 1")][3:]
    assert [row[1] for row in second] == ["6.9e+09", "6.9e+10", "6.9e+11"]
    assert [row[3] for row in second] == [
        "nothing |",
        "32 Gbit/s a machine |",
        "35 Gbit/s a machine |",
    ]


def test_each_campaign_has_more_runs_than_the_one_before() -> None:
    sizes = [len(asked(arguments)) for arguments in list(CAMPAIGNS.values())[:3]]
    assert sizes == sorted(set(sizes))


def test_the_page_has_a_place_for_it() -> None:
    assert PLACE.is_in(ROOT / "docs" / "campaigns.md")


@pytest.mark.parametrize(
    ("seconds", "said"), [(1, "1 s"), (150, "2 min"), (9_000, "2 h"), (864_000, "10 days")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
