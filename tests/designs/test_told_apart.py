"""With CPUs told apart, every design comes to what it comes to with CPUs counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from softsnp.explore.layout import machine
from softsnp.explore.search import Explored, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.spec.activities import Host
from softsnp.spec.catalog import DESIGNS, SCENARIOS
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks
from tests.explore.told_apart import transitions

from .runs import EACH, NAMES, PROFILES
from .spin import differences, missing, of_design


def explored(
    design: type[Host], profile: str, members: int, scenario: str = "thread", **assume: bool
) -> tuple[Explored, Explored]:
    """(with CPUs counted, and told apart)."""
    chosen = SCENARIOS[scenario]
    assumed = chosen.assume({name.replace("_", "-"): on for name, on in assume.items()})
    spec = design(chosen.activities, assumed, firmware=profile)
    asked = checks(spec)
    tables = tabulate(spec, state_judges(PROPERTIES, asked))
    counted, apart = (
        Search(machine(tables, apart), members, PROPERTIES, asked).run() for apart in (False, True)
    )
    return counted, apart


def agree(counted: Explored, apart: Explored) -> None:
    assert len(apart.states) == apart.concrete_states() == counted.concrete_states()
    assert apart.transitions == transitions(counted)
    assert apart.depth == counted.depth
    assert apart.reached == counted.reached
    assert {n: (f.exercised, f.steps) for n, f in apart.findings.items()} == {
        n: (f.exercised, f.steps) for n, f in counted.findings.items()
    }


@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_every_design_with_2_cpus(design: type[Host], profile: str) -> None:
    agree(*explored(design, profile, 2))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("design", ["linux-6.12", "linux-7.3", "rmpopt-v9", "rmpopt-v10"])
def test_some_with_3_cpus_of_which_one_is_added(design: str, profile: str) -> None:
    agree(*explored(DESIGNS[design], profile, 3, cpu_hot_add=True))


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != "thread"])
def test_every_scenario(scenario: str) -> None:
    agree(*explored(DESIGNS["rmpopt-v10"], "legacy", 2, scenario))


@pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} missing")
@pytest.mark.parametrize("profile", PROFILES)
def test_spin_counts_the_same(profile: str) -> None:
    _, apart = explored(DESIGNS["rmpopt-v10"], profile, 3)
    model = of_design("rmpopt-v10", profile, 3)
    ours = replace(model.ours, states=len(apart.states), transitions=apart.transitions)
    assert differences(replace(model, ours=ours)) == []
