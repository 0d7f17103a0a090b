"""What we export of a model that is also written in Promela by hand is the same to Spin."""

from __future__ import annotations

import pytest

from bench.models import MODELS
from tests.designs.spin import differences, export, missing


@pytest.mark.skipif(bool(missing()), reason=f"{' and '.join(missing())} missing")
@pytest.mark.parametrize("cpus", [1, 2, 3])
def test_an_export_counts_what_the_model_by_hand_does(cpus: int) -> None:
    model = MODELS["hotplug"]
    exported = export(model.specification(cpus), cpus, model.properties)
    counts = model.counts[cpus]
    assert (exported.ours.states, exported.ours.transitions) == (counts.states, counts.transitions)
    assert differences(exported) == []
