"""What is observed of a host: facts, each known with its source, unknown, or contradictory.

A fact has a name, one of FACTS, or, where each CPU has its own, one of REGISTERS. Sets of CPUs are
texts in documents (``0,2-3``) and ints with a bit for each CPU here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from softsnp.abi import msr

Value = int | bool | str


class Known(NamedTuple):
    value: Value
    source: str
    """The file, the device and command, or the tool."""
    at: float
    """When it was read: seconds since 1970."""


class Unknown(NamedTuple):
    because: str
    source: str


class Contradictory(NamedTuple):
    values: tuple[Value, ...]
    because: str
    source: str


Fact = Known | Unknown | Contradictory


@dataclass(frozen=True)
class Kind:
    """``type`` is int, bool, str, or ``cpus`` for a set of CPUs.

    ``level`` is where it is seen: ``interfaces``, which every host has, or ``kernel``, its memory.
    Where a ``required`` one is unknown, nobody may call the host healthy.
    """

    sentence: str
    type: str
    level: str = "interfaces"
    required: bool = False


def _kernel(sentence: str, kind: str) -> Kind:
    return Kind(sentence, kind, "kernel")


FACTS: dict[str, Kind] = {
    "vendor": Kind("the processor's vendor", "str"),
    "family": Kind("the processor's family", "int"),
    "model": Kind("the processor's model", "int"),
    "brand": Kind("the processor's brand string", "str"),
    "cpu-has-snp": Kind("the kernel names sev_snp among the CPU's features", "bool"),
    "release": Kind("the kernel's release", "str"),
    "command-line": Kind("the kernel's command line", "str"),
    "possible": Kind("cpu_possible_mask", "cpus"),
    "present": Kind("cpu_present_mask", "cpus", required=True),
    "online": Kind("cpu_online_mask", "cpus", required=True),
    "second-threads": Kind("the online CPUs that are the second thread of their core", "cpus"),
    "smt-control": Kind("what smt/control says", "str"),
    "ccp-loaded": Kind("the ccp module is there", "bool", required=True),
    "kvm-amd-loaded": Kind("the kvm-amd module is there", "bool", required=True),
    "kvm-amd-sev": Kind("kvm-amd offers SEV guests", "bool"),
    "kvm-amd-sev-snp": Kind("kvm-amd offers SNP guests", "bool", required=True),
    "psp-init-on-probe": Kind("ccp initializes legacy SEV when kvm-amd is loaded", "bool"),
    "sev-api": Kind("the API version of the SEV firmware", "str"),
    "sev-state": Kind("legacy SEV: 0 UNINIT, 1 INIT, 2 WORKING", "int"),
    "snp-api": Kind("the API version of the SNP firmware, and its build", "str"),
    "snp-state": Kind("SNP: 0 UNINIT, 1 INIT", "int", required=True),
    "snp-rmp-initialized": Kind("the firmware has filled the RMP", "bool"),
    "snp-guests": Kind("how many SNP guests the firmware knows", "int"),
    "snp-tcb": Kind("the TCB of the platform that runs, in hexadecimal", "str"),
    "snp-tcb-reported": Kind("the TCB that is reported to guests, in hexadecimal", "str"),
    "log-psp-timeout": Kind("the kernel's log says that ccp has given the PSP up", "bool"),
    "log-hotplug-unbalanced": Kind("the log has an unbalanced cpu_hotplug_enable()", "bool"),
    "cpu_hotplug_disabled": _kernel("how often CPU hotplug is disabled", "int"),
    "cpu_hotplug_offline_disabled": _kernel("no CPU may be taken offline", "bool"),
    "cpu_smt_num_threads": _kernel("how many threads of each core may run", "int"),
    "snp_initialized": _kernel("struct sev_device: SNP is up, says the driver", "bool"),
    "sev_plat_state": _kernel("struct sev_device: the cached state of legacy SEV", "int"),
    "psp_dead": _kernel("ccp has given the PSP up", "bool"),
    "x86_snp_shutdown": _kernel("the firmware clears SNP_EN at SNP_SHUTDOWN_EX", "bool"),
    "sev_cmd_mutex_held": _kernel("a SEV command sequence is under way", "bool"),
    "cpu_add_remove_lock_held": _kernel("a CPU hotplug operation is under way", "bool"),
    "cpu_hotplug_writer": _kernel("cpu_hotplug_lock is taken, or waited for, for writing", "bool"),
    "busy": _kernel("an operation of the specification is under way", "bool"),
    "design": _kernel("the design of a virtual host", "str"),
}


@dataclass(frozen=True)
class Register:
    """A model-specific register of each CPU."""

    number: int
    sentence: str
    required: bool = True
    """Of every CPU that is online."""


REGISTERS: dict[str, Register] = {
    "syscfg": Register(msr.SYSCFG, "SYSCFG: SNP_EN, VMPL_EN, MFDM"),
    "vm-hsave-pa": Register(msr.VM_HSAVE_PA, "VM_HSAVE_PA: where KVM saves the host's state"),
    "rmp-base": Register(msr.RMP_BASE, "RMP_BASE: where the RMP begins"),
    "rmp-end": Register(msr.RMP_END, "RMP_END: where the RMP ends"),
    "efer": Register(msr.EFER, "EFER: SVME", required=False),
    "rmpopt-base": Register(msr.RMPOPT_BASE, "RMPOPT_BASE: RMPOPT is enabled", required=False),
}
LEVELS = ("interfaces", "kernel")


class Reading(NamedTuple):
    """One fact about a register of several CPUs, a set by bits."""

    cpus: int
    fact: Fact


@dataclass
class Observation:
    """All that was seen of one host in one look. ``at``: seconds since 1970."""

    host: str
    at: float
    levels: tuple[str, ...] = ("interfaces",)
    facts: dict[str, Fact] = field(default_factory=dict)
    registers: dict[str, list[Reading]] = field(default_factory=dict)

    def fact(self, name: str) -> Fact:
        """Unknown where nobody has looked."""
        found = self.facts.get(name)
        if found is not None:
            return found
        level = FACTS[name].level
        if level not in self.levels:
            return Unknown(f"nobody has looked into the {level}", level)
        return Unknown("nobody has looked", level)

    def value(self, name: str) -> Value | None:
        """What is known; None for the rest."""
        found = self.fact(name)
        return found.value if isinstance(found, Known) else None

    def cpus(self, name: str) -> int | None:
        """A set of CPUs, by bits."""
        value = self.value(name)
        return value if isinstance(value, int) else None

    def register(self, name: str, cpu: int) -> Fact:
        for reading in self.registers.get(name, ()):
            if reading.cpus >> cpu & 1:
                return reading.fact
        return Unknown("nobody has looked", name)
