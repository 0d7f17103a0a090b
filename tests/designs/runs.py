"""The runs that are pinned, and that other tests of designs share."""

from __future__ import annotations

from softsnp.explore import Result, check
from softsnp.spec.activities import Host
from softsnp.spec.catalog import FIRMWARE, SCENARIOS
from softsnp.spec.designs import LINEAGE
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks

HOST = next(iter(SCENARIOS.values())).activities
PROFILES = tuple(FIRMWARE)
EACH = [(design, profile) for design in LINEAGE for profile in PROFILES]
NAMES = [f"{design.name}-{profile}" for design, profile in EACH]


def result(
    design: type[Host],
    profile: str,
    members: int | None,
    assume: dict[str, bool] | None = None,
    scenario: str = "thread",
    *,
    traces: bool = False,
) -> Result:
    chosen = SCENARIOS[scenario]
    spec = design(chosen.activities, chosen.assume(assume or {}), firmware=profile)
    return check(spec, members, PROPERTIES, checks(spec), traces=traces)


def verdicts(found: Result) -> dict[str, str]:
    return {o.prop.name: o.verdict for o in found.outcomes}


def label(assume: dict[str, bool]) -> str:
    return ", ".join(n if on else f"no-{n}" for n, on in assume.items()) or "defaults"
