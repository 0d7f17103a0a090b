"""A scenario can be made smaller: whatever is left out, the specification keeps its rules."""

from __future__ import annotations

import pytest

from softsnp.explore.search import state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.spec.activities import Host
from softsnp.spec.catalog import SCENARIOS
from softsnp.spec.designs import Linux73, ProposalHotplugCore
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks


@pytest.mark.parametrize("design", [Linux73, ProposalHotplugCore], ids=lambda d: d.name)
@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if SCENARIOS[s].details])
def test_without_its_details(scenario: str, design: type[Host]) -> None:
    """As ``softsnp why`` explores it. Raises SpecError for a step that breaks a rule."""
    chosen = SCENARIOS[scenario]
    without = dict.fromkeys(chosen.details, False)
    for assume in (without, *({**without, name: True} for name in chosen.details)):
        spec = design(chosen.activities, chosen.assume(assume), firmware="x86-shutdown")
        assert tabulate(spec, state_judges(PROPERTIES, checks(spec)))
