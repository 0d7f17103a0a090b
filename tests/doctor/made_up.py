"""Observations of hosts that do not exist."""

from __future__ import annotations

import random
from collections.abc import Iterator

from softsnp.abi import msr
from softsnp.doctor.facts import REGISTERS, Fact, Known, Observation, Reading, Unknown, Value

AT = 1764172800.0
"""2025-11-26 16:00:00 UTC."""
MSR = "/dev/cpu/*/msr"
KMSG = "/dev/kmsg"
SYSFS = "/sys/devices/system/cpu"
SEV = "/dev/sev, SEV_PLATFORM_STATUS"
SNP = "/dev/sev, SNP_PLATFORM_STATUS"
GUARDED = msr.SYSCFG_SNP_EN | msr.SYSCFG_VMPL_EN | msr.SYSCFG_MFDM
SOURCES = {
    "/proc/cpuinfo": ("vendor", "family", "model", "brand", "cpu-has-snp"),
    "/proc/sys/kernel/osrelease": ("release",),
    "/proc/cmdline": ("command-line",),
    f"{SYSFS}/possible": ("possible",),
    f"{SYSFS}/present": ("present",),
    f"{SYSFS}/online": ("online",),
    f"{SYSFS}/cpu*/topology/thread_siblings_list": ("second-threads",),
    f"{SYSFS}/smt/control": ("smt-control",),
    "/sys/module/ccp": ("ccp-loaded",),
    "/sys/module/kvm_amd": ("kvm-amd-loaded",),
    "/sys/module/kvm_amd/parameters/sev": ("kvm-amd-sev",),
    "/sys/module/kvm_amd/parameters/sev_snp": ("kvm-amd-sev-snp",),
    "/sys/module/ccp/parameters/psp_init_on_probe": ("psp-init-on-probe",),
    SEV: ("sev-api", "sev-state"),
    SNP: (
        "snp-api",
        "snp-state",
        "snp-rmp-initialized",
        "snp-guests",
        "snp-tcb",
        "snp-tcb-reported",
    ),
    KMSG: ("log-psp-timeout", "log-hotplug-unbalanced"),
}
SOURCE = {name: source for source, names in SOURCES.items() for name in names}


def values(cpus: int) -> dict[str, Value]:
    """Of a host on which SNP is up and nothing is wrong."""
    everyone = (1 << cpus) - 1
    return {
        "vendor": "AuthenticAMD",
        "family": 25,
        "model": 17,
        "brand": "AMD EPYC 9354 32-Core Processor",
        "cpu-has-snp": True,
        "release": "6.12.41-amd64",
        "command-line": "BOOT_IMAGE=/vmlinuz ro",
        "possible": everyone,
        "present": everyone,
        "online": everyone,
        "second-threads": everyone ^ ((1 << (cpus + 1) // 2) - 1),
        "smt-control": "on",
        "ccp-loaded": True,
        "kvm-amd-loaded": True,
        "kvm-amd-sev": True,
        "kvm-amd-sev-snp": True,
        "psp-init-on-probe": True,
        "sev-api": "1.55",
        "sev-state": 1,
        "snp-api": "1.55.39",
        "snp-state": 1,
        "snp-rmp-initialized": True,
        "snp-guests": 3,
        "snp-tcb": "d61800000000000a",
        "snp-tcb-reported": "d61800000000000a",
        "log-psp-timeout": False,
        "log-hotplug-unbalanced": False,
    }


def host(name: str = "node1", cpus: int = 8, **changes: Value | Fact) -> Observation:
    """``changes``: facts by name, with ``_`` for ``-``: a value, or a whole fact."""
    found: dict[str, Fact] = {}
    changed = {key.replace("_", "-"): value for key, value in changes.items()}
    for fact, value in {**values(cpus), **changed}.items():
        known = not isinstance(value, tuple)
        found[fact] = Known(value, SOURCE[fact], AT) if known else value  # type: ignore[assignment,arg-type]
    everyone = (1 << cpus) - 1
    registers = {
        "syscfg": same(everyone, GUARDED),
        "vm-hsave-pa": [of(1 << cpu, 0x10_0000_0000 + cpu * 0x1000) for cpu in range(cpus)],
        "rmp-base": same(everyone, 0x7F_8000_0000),
        "rmp-end": same(everyone, 0x7F_FFFF_FFFF),
        "efer": same(everyone, msr.EFER_SVME),
        "rmpopt-base": [Reading(everyone, Unknown("the CPU has no such register", MSR))],
    }
    assert set(registers) == set(REGISTERS)
    return Observation(name, AT, ("interfaces",), found, registers)


def of(cpus: int, value: int) -> Reading:
    """What a register holds on some CPUs, a set by bits."""
    return Reading(cpus, Known(value, MSR, AT))


def same(cpus: int, value: int) -> list[Reading]:
    return [of(cpus, value)]


def without(
    observation: Observation, *names: str, because: str = "permission denied: run as root"
) -> Observation:
    """Where nobody could read these facts and registers."""
    for name in names:
        if name in REGISTERS:
            online = observation.cpus("online") or 0
            observation.registers[name] = [Reading(online, Unknown(because, MSR))]
        else:
            observation.facts[name] = Unknown(because, SOURCE[name])
    return observation


def unguarded(observation: Observation, cpus: int) -> Observation:
    """Where some CPUs, a set by bits, lack SNP_EN."""
    online = observation.cpus("online") or 0
    observation.registers["syscfg"] = [of(online & ~cpus, GUARDED), of(cpus, msr.SYSCFG_MFDM)]
    return observation


RELEASES = ("6.11.0-rc7", "6.12.41-amd64", "6.15.2", "6.18.1", "7.2.13", "7.3.0")
APIS = ("1.55.37", "1.55.39", "1.58.2")


def fleet(hosts: int, cpus: int = 128, seed: int = 1) -> Iterator[Observation]:
    """Hosts of some kernels and firmwares, of which a few have each of some faults. Each host has
    addresses of its own, so that no two are the same.
    """
    chance = random.Random(seed)
    for number in range(hosts):
        made = host(
            f"rack{number // 40:03}-node{number % 40:02}.example.org",
            cpus,
            release=chance.choice(RELEASES),
            snp_api=chance.choice(APIS),
            snp_guests=chance.randrange(500),
        )
        base = chance.randrange(1, 1 << 30) << 12
        hsave = [of(1 << cpu, base + cpu * 0x1000) for cpu in range(cpus)]
        made.registers["vm-hsave-pa"] = hsave
        odd = chance.random()
        if odd < 0.02:
            unguarded(made, 1 << chance.randrange(cpus))
        elif odd < 0.05:
            without(made, *REGISTERS, "snp-state", "snp-api")
        elif odd < 0.06:
            made = host(made.host, cpus, vendor="GenuineIntel", cpu_has_snp=False)
        yield made
