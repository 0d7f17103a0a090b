"""Everything that has a name: designs, properties, assumptions, scenarios, firmware, ioctl eras.

Names are stable identifiers in kebab-case.
"""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.lang import Assumption, Parameter, Property, declared
from softsnp.spec.activities import Host
from softsnp.spec.designs import LINEAGE
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import (
    SevIoctls,
    SevIoctlsBracket,
    SevIoctlsDirect,
)
from softsnp.spec.properties import PROPERTIES


@dataclass(frozen=True)
class Scenario:
    """Which activities run concurrently."""

    name: str
    sentence: str
    activities: tuple[str, ...]


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "administration",
            "an administrator, and somebody who takes CPUs offline and online",
            ("administrator", "hotplugger"),
        ),
        Scenario(
            "two-ioctls",
            "as administration, with another process that does SNP ioctls, which a kexec may end",
            ("administrator", "hotplugger", "ioctl-user"),
        ),
        Scenario(
            "host-writes",
            "as administration, with a host task that writes to all of memory",
            ("administrator", "hotplugger", "host-writer"),
        ),
    )
}
SURVEY: tuple[dict[str, bool], ...] = ({}, {"cpu-hot-add": True}, {"init-sipi-keeps-syscfg": False})
"""The sets of assumptions that a survey goes through, as changes to the defaults."""

DESIGNS: dict[str, type[Host]] = {design.name: design for design in LINEAGE}
BY_NAME: dict[str, Property] = {prop.name: prop for prop in PROPERTIES}
ASSUMPTIONS: dict[str, Assumption] = {a.name: a for a in declared(Host, Assumption).values()}
FIRMWARE: dict[str, str] = declared(Host, Parameter)["firmware"].values
ACTIVITIES: dict[str, str] = Host.declared_activities()
IOCTLS: dict[str, type[SevIoctls]] = {
    era.ioctls: era for era in (SevIoctlsBracket, SevIoctlsDirect)
}


def with_ioctls(design: type[Host], era: str) -> type[Host]:
    """The design with the ioctls of another era."""
    if design.ioctls == era:
        return design
    own = {"name": design.name, "__doc__": design.__doc__}
    made: type[Host] = type(design.__name__, (IOCTLS[era], design), own)
    return made


def sentence(design: type[Host]) -> str:
    """The first line of a design's docstring."""
    return (design.__doc__ or "").strip().partition("\n")[0]
