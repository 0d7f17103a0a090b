"""Spin counts the same states and transitions as we do on every design, and finds the same wrong.

With 3 CPUs: ``python -m tests.designs.spin --cpus 3``.
"""

from __future__ import annotations

import pytest

from softsnp.spec.activities import Host
from softsnp.spec.catalog import SCENARIOS, SURVEY

from .runs import EACH, NAMES, label
from .spin import differences, missing, of_design

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} missing")


@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_spin_agrees(design: type[Host], profile: str) -> None:
    assert differences(of_design(design.name, profile, 2)) == []


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "thread"])
def test_spin_agrees_in_every_scenario(scenario: str) -> None:
    assert differences(of_design("rmpopt-v10", "legacy", 2, scenario)) == []


@pytest.mark.parametrize("assume", SURVEY[1:], ids=label)
def test_spin_agrees_under_every_assumption_of_the_survey(assume: dict[str, bool]) -> None:
    assert differences(of_design("rmpopt-v10", "legacy", 3, assume=assume)) == []
