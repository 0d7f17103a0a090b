"""Everything that has a name: designs, properties, assumptions, scenarios, firmware, ioctl eras.

Names are stable identifiers in kebab-case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from softsnp.lang import Assumption, Detail, Parameter, Property, declared
from softsnp.spec.activities import Host
from softsnp.spec.designs import LINEAGE
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import (
    SevIoctls,
    SevIoctlsBracket,
    SevIoctlsDirect,
    SevIoctlsRequire,
)
from softsnp.spec.properties import PROPERTIES


@dataclass(frozen=True)
class Scenario:
    """Which activities run concurrently, and which details are in."""

    name: str
    sentence: str
    activities: tuple[str, ...]
    details: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    """Assumptions that are off, to keep it small."""

    def assume(self, changes: Mapping[str, bool]) -> dict[str, bool]:
        """What the scenario chooses, and changes to that and to the assumptions."""
        return {**dict.fromkeys(self.details, True), **dict.fromkeys(self.off, False), **changes}

    def leaves_out(self) -> list[str]:
        """The activities and details that other scenarios have and this one has not."""
        there = (*self.activities, *self.details)
        return [name for name in (*ACTIVITIES, *DETAILS) if name not in there]


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "thread",
            "what the thread is about: an administrator, and somebody who takes CPUs offline and "
            "online",
            ("administrator", "hotplugger"),
        ),
        Scenario(
            "two-ioctls",
            "as thread, with another process that does SNP ioctls, which a kexec may end",
            ("administrator", "hotplugger", "ioctl-user"),
        ),
        Scenario(
            "host-writes",
            "as thread, with a host task that writes to all of memory",
            ("administrator", "hotplugger", "host-writer"),
        ),
        Scenario(
            "module-reload",
            "modules come and go, and kvm-amd stays when SEV does not come up",
            ("module-loader", "hotplugger"),
            ("kvm-without-sev",),
        ),
        Scenario(
            "firmware",
            "modules come and go, and the firmware fails in the middle of what it does",
            ("module-loader", "hotplugger"),
            ("firmware-steps",),
        ),
        Scenario(
            "sysfs",
            "CPUs are taken offline and online while PCI devices are looked at, with sysfs's locks "
            "and its attempts",
            ("virtualizer", "hotplugger", "pci-prober"),
            ("device-locks",),
        ),
        Scenario(
            "kexec",
            "kernels follow each other, with CPUs left out by command lines; panic and reboot",
            ("rebooter", "hotplugger"),
            ("command-lines", "reboot-steps"),
        ),
        Scenario(
            "suspend",
            "the host is suspended, hibernated, or tested for it",
            ("virtualizer", "hotplugger", "suspender"),
        ),
        Scenario(
            "smt",
            "somebody writes to smt/control, on a kernel that may have been booted with nosmt",
            ("virtualizer", "smt-user"),
            ("device-locks", "smt", "command-lines"),
        ),
        Scenario(
            "nosmt-kexec",
            "kernels follow each other, some booted with nosmt, whose initcalls wake second "
            "threads; broadcasts in one step",
            ("rebooter",),
            ("smt", "command-lines", "reboot-steps"),
            ("one-ipi-a-step",),
        ),
        Scenario(
            "vms",
            "guests come and go, ASIDs with them, and the firmware wants caches written back",
            ("virtualizer", "hotplugger"),
            ("firmware-caches", "kvm-without-sev"),
        ),
        Scenario(
            "legacy-sev",
            "somebody does legacy SEV's ioctls: a factory reset, keys, the status of SNP",
            ("virtualizer", "sev-user"),
            ("kvm-without-sev",),
        ),
        Scenario(
            "rmpopt",
            "guests come and go, modules too, and RMPOPT's worker follows",
            ("administrator", "hotplugger", "rmpopt-worker"),
            ("rmpopt",),
        ),
        Scenario(
            "rmpopt-suspend",
            "guests come and go, the host sleeps, and RMPOPT's worker follows",
            ("virtualizer", "suspender", "rmpopt-worker"),
            ("rmpopt",),
        ),
        Scenario(
            "everything-small",
            "as thread, with suspend; nothing fails, and broadcasts take one step",
            ("administrator", "hotplugger", "suspender"),
            (),
            ("one-ipi-a-step", "commands-may-fail", "allocations-may-fail"),
        ),
    )
}
FORMER = {"administration": "thread"}
"""Names that scenarios had once, and that still work."""
SURVEY: tuple[dict[str, bool], ...] = ({}, {"cpu-hot-add": True}, {"init-sipi-keeps-syscfg": False})
"""The sets of assumptions that a survey goes through, as changes to the defaults."""

DESIGNS: dict[str, type[Host]] = {design.name: design for design in LINEAGE}
BY_NAME: dict[str, Property] = {prop.name: prop for prop in PROPERTIES}
DETAILS: dict[str, Detail] = {d.name: d for d in declared(Host, Detail).values()}
ASSUMPTIONS: dict[str, Assumption] = {
    a.name: a for a in declared(Host, Assumption).values() if a.name not in DETAILS
}
FIRMWARE: dict[str, str] = declared(Host, Parameter)["firmware"].values
ACTIVITIES: dict[str, str] = Host.declared_activities()
IOCTLS: dict[str, type[SevIoctls]] = {
    era.ioctls: era for era in (SevIoctlsRequire, SevIoctlsBracket, SevIoctlsDirect)
}


def with_ioctls(design: type[Host], era: str) -> type[Host]:
    """The design with the ioctls of another era."""
    if design.ioctls == era:
        return design
    ioctls = {name: vars(IOCTLS[era])[name] for name in vars(IOCTLS[era]) if name[:2] != "__"}
    own = {"name": design.name, "__doc__": design.__doc__}
    made: type[Host] = type(design.__name__, (design,), {**ioctls, **own})
    return made


def sentence(design: type[Host]) -> str:
    """The first line of a design's docstring."""
    return (design.__doc__ or "").strip().partition("\n")[0]
