"""Models of designs as Spin's input, exported from what we explore ourselves."""

from __future__ import annotations

from collections.abc import Sequence

from softsnp.explore.export import promela
from softsnp.lang import Property
from softsnp.spec.activities import Host
from softsnp.spec.catalog import DESIGNS, SCENARIOS


def specification(design: str, scenario: str = "thread", firmware: str = "legacy") -> Host:
    chosen = SCENARIOS[scenario]
    return DESIGNS[design](chosen.activities, chosen.assume({}), firmware=firmware)


def exported(
    design: str,
    cpus: int,
    properties: Sequence[Property] = (),
    *,
    scenario: str = "thread",
    firmware: str = "legacy",
) -> str:
    """The model of a design in Promela, with every CPU told apart.

    For ``spin -DFIRST -o2 -a``: without -o2 Spin has fewer states than we, and without -DFIRST it
    cannot search a model with properties breadth-first.
    """
    return promela(specification(design, scenario, firmware), cpus, properties)
