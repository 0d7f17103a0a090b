"""What we export of a model that is also written in Promela by hand is the same to Spin."""

from __future__ import annotations

import pytest

from bench.exported import exported
from bench.models import MODELS
from softsnp.spec.properties import PROPERTIES
from tests.designs.spin import differences, export, missing


@pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} missing")
@pytest.mark.parametrize("cpus", [1, 2, 3])
def test_an_export_counts_what_the_model_by_hand_does(cpus: int) -> None:
    model = MODELS["hotplug"]
    mine = export(model.specification(cpus), cpus, model.properties)
    counts = model.counts[cpus]
    assert (mine.ours.states, mine.ours.transitions) == (counts.states, counts.transitions)
    assert differences(mine) == []


def test_a_design_can_be_given_to_spin_with_a_choice_of_properties() -> None:
    plain, judged = exported("rmpopt-v10", 3), exported("rmpopt-v10", 3, PROPERTIES[:2])
    assert "#define N 3" in plain and "VIOLATES" not in plain
    assert "VIOLATES(guest_memory_protected_known)" in judged
