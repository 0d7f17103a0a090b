"""Verdicts, shortest lengths and exact counts of the lineage are the pinned ones.

If a change of the specification is meant: ``make pins``, and read the difference.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from softsnp.spec.activities import Host
from softsnp.spec.designs import LINEAGE

from .regenerate import EXACT, PINS, pin, runs
from .runs import PROFILES


def pinned(design: type[Host]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PINS / f"{design.name}.json").read_text())
    return content


def test_there_are_pins_for_the_whole_lineage_and_nothing_else() -> None:
    assert {path.stem for path in PINS.glob("*.json")} == {design.name for design in LINEAGE}
    for design in LINEAGE:
        assert list(pinned(design)) == runs(design)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("design", LINEAGE, ids=lambda d: d.name)
def test_three_cpus_show_all_that_any_number_shows(design: type[Host], profile: str) -> None:
    """What images are said to exercise and to reach is no trick of the images."""
    found = pinned(design)
    images, exact = (found[f"{profile}, {cpus} CPUs, defaults"] for cpus in ("any", EXACT))
    assert images["never"] == exact["never"]
    kinds = [
        {name: verdict.partition(" in ")[0] for name, verdict in one["verdicts"].items()}
        for one in (images, exact)
    ]
    assert kinds[0] == kinds[1]


PINNED = {f"{d.name}, {run}": (d, run) for d in LINEAGE for run in runs(d)}


@pytest.mark.parametrize(("design", "run"), PINNED.values(), ids=PINNED)
def test_nothing_has_changed(design: type[Host], run: str) -> None:
    assert pin(design, run) == pinned(design)[run]
