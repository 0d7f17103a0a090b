"""An observation as a state of the specification, with what is not known left open.

The CPUs are in groups that are alike in all that was seen. What no observation tells (whether the
firmware has seen a WBINVD …) is open as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from softsnp.abi import msr
from softsnp.spec.fw.psp import State
from softsnp.spec.hw.cpu import Cpus
from softsnp.spec.linux.kernel.cpu_smt import SmtControl

from . import cpuset
from .facts import FACTS, REGISTERS, Contradictory, Fact, Known, Observation, Unknown

MOST_HOLDS = 3
"""The specification's cpu_hotplug_disabled: three stands for three or more."""


@dataclass(frozen=True)
class Open:
    """Not known. ``looked``: whether somebody looked for it at a level that he had."""

    what: str
    because: str
    looked: bool = True

    def __str__(self) -> str:
        return f"{self.what}: {self.because}"


@dataclass(frozen=True)
class Group:
    """CPUs that are alike: a set by bits, and each bit of the specification, or why it is open."""

    cpus: int
    bits: dict[str, bool | Open]

    def __hash__(self) -> int:
        return hash((self.cpus, *self.bits.values()))


@dataclass(frozen=True)
class Seen:
    """Scalars of the specification by name, and the CPUs."""

    scalars: dict[str, Any]
    groups: tuple[Group, ...]
    resting: bool
    """Whether nothing is under way, as far as anybody can see."""

    def __hash__(self) -> int:
        return hash((self.groups, self.resting, *self.scalars.values()))


def seen(observation: Observation) -> Seen:
    o = observation
    scalars: dict[str, Any] = {
        "system_running": True,
        "tasks_frozen": False,
        "snp_state": _made(o, "snp-state", lambda state: State(int(state))),
        "sev_state": _made(o, "sev-state", lambda state: State(min(int(state), 1))),
        "guest_pages_assigned": _made(o, "snp-guests", lambda guests: int(guests) > 0),
        "rmp_initialized": _made(o, "snp-rmp-initialized", bool),
        "ccp_loaded": _made(o, "ccp-loaded", bool),
        "kvm_amd": _made(o, "kvm-amd-loaded", bool),
        "sev_enabled": _made(o, "kvm-amd-sev", bool),
        "sev_snp_enabled": _made(o, "kvm-amd-sev-snp", bool),
        "cpu_hotplug_disabled": _holds(o),
        "cpu_hotplug_offline_disabled": _made(o, "cpu_hotplug_offline_disabled", bool),
        "snp_initialized": _made(o, "snp_initialized", bool),
        "sev_plat_state": _made(o, "sev_plat_state", lambda state: State(min(int(state), 1))),
        "psp_dead": _psp_dead(o),
        **_smt(o),
    }
    return Seen(scalars, _groups(o), _resting(o))


def _open(o: Observation, name: str, fact: Fact) -> Open:
    if isinstance(fact, Contradictory):
        return Open(name, f"{fact.because}: {told_values(name, fact)}")
    assert isinstance(fact, Unknown)
    return Open(name, fact.because, FACTS[name].level in o.levels if name in FACTS else True)


def told_values(name: str, fact: Contradictory) -> str:
    """As one tells them: sets of CPUs as lists, registers in hexadecimal."""
    if name in REGISTERS:
        told = [f"{value:#x}" for value in fact.values]
    elif FACTS[name].type == "cpus":
        told = [cpuset.show(int(value)) or "none" for value in fact.values]
    else:
        told = list(map(str, fact.values))
    return " and ".join(told)


def _made(o: Observation, name: str, make: Any) -> Any:
    fact = o.fact(name)
    if not isinstance(fact, Known):
        return _open(o, name, fact)
    try:
        return make(fact.value)
    except ValueError:  # a state that has no name
        return Open(name, f"it is {fact.value}")


def _holds(o: Observation) -> Any:
    """SNP's part of the count: all of it, unless somebody is at work, who may have a part."""
    count = _made(o, "cpu_hotplug_disabled", lambda count: min(int(count), MOST_HOLDS))
    if isinstance(count, int) and count and not _resting(o):
        return Open("cpu_hotplug_disabled", "somebody is at work, and may hold a part of it")
    return count


def _psp_dead(o: Observation) -> Any:
    """The log is as good as the variable, where it says that it is so."""
    dead = _made(o, "psp_dead", bool)
    if isinstance(dead, Open) and o.value("log-psp-timeout") is True:
        return True
    return dead


def _smt(o: Observation) -> dict[str, Any]:
    """What smt/control says is one of two fields, or both: see store_smt_control()."""
    fact = o.fact("smt-control")
    if not isinstance(fact, Known):
        why = _open(o, "smt-control", fact)
        return {"cpu_smt_control": why, "cpu_smt_num_threads": why}
    says = str(fact.value)
    controls = {
        "on": (SmtControl.ENABLED, 2),
        "1": (SmtControl.ENABLED, 1),
        "off": (SmtControl.DISABLED, 1),
        "forceoff": (SmtControl.FORCE_DISABLED, 1),
        "notsupported": (SmtControl.ENABLED, 2),
        "notimplemented": (SmtControl.ENABLED, 2),
    }
    if says not in controls:
        why = Open("smt-control", f"it says {says[:40]!r}")
        return {"cpu_smt_control": why, "cpu_smt_num_threads": why}
    control, threads = controls[says]
    known = o.value("cpu_smt_num_threads")
    if isinstance(known, int) and says not in ("notsupported", "notimplemented"):
        threads = min(known, 2)
    return {"cpu_smt_control": control, "cpu_smt_num_threads": threads}


def _resting(o: Observation) -> bool:
    """Two looks have seen the same; more than that only the kernel's memory tells."""
    signs = ("busy", "sev_cmd_mutex_held", "cpu_add_remove_lock_held", "cpu_hotplug_writer")
    return not any(o.value(name) is True for name in signs)


# --- CPUs ----------------------------------------------------------------------------------------

FROM_REGISTERS = {
    "snp_en": ("syscfg", msr.SYSCFG_SNP_EN),
    "vmpl_en": ("syscfg", msr.SYSCFG_VMPL_EN),
    "mfdm": ("syscfg", msr.SYSCFG_MFDM),
    "hsave": ("vm-hsave-pa", -1),
    "svme": ("efer", msr.EFER_SVME),
    "rmpopt_base": ("rmpopt-base", 1),
}
"""Bit of the specification to (register, which of its bits: any of them)."""
LACKING = "the CPU has no such register"
MOST_REASONS = 4
"""Why a register is open is told with so many reasons."""


@dataclass(frozen=True)
class _Alike:
    """CPUs of whose register the same is known: bits of the specification, or why it is open."""

    cpus: int
    bits: dict[str, bool]
    because: str = ""


NOBODY_LOOKED = _Alike(0, {}, "nobody has looked")


def _groups(o: Observation) -> tuple[Group, ...]:
    """Alike by which masks they are in, and in the bits that their registers gave."""
    possible = o.cpus("possible")
    present, online = o.cpus("present"), o.cpus("online")
    if present is None or online is None:
        return ()
    everyone = present | online | (possible or 0)
    registers = {name: _alike(o, name) for name in dict(FROM_REGISTERS.values())}
    parts = [everyone]
    cuts = [present, online, 1, o.cpus("second-threads") or 0]
    cuts += [alike.cpus for told in registers.values() for alike in told]
    for cut in cuts:
        parts = [piece for part in parts for piece in (part & cut, part & ~cut) if piece]
    return tuple(
        _group(o, part, bool(part & present), bool(part & online), registers)
        for part in sorted(parts)
    )


def _alike(o: Observation, register: str) -> list[_Alike]:
    """Those of which nothing is known are together, whatever the reasons, so that there are never
    more groups than the bits can tell apart.
    """
    masks = {bit: mask for bit, (name, mask) in FROM_REGISTERS.items() if name == register}
    known: dict[tuple[bool, ...], int] = {}
    opened, reasons = 0, dict[str, None]()
    for cpus, fact in o.registers.get(register, ()):
        if isinstance(fact, Known) or (isinstance(fact, Unknown) and fact.because == LACKING):
            value = int(fact.value) if isinstance(fact, Known) else 0
            bits = tuple(bool(value & mask) for mask in masks.values())
            known[bits] = known.get(bits, 0) | cpus
        else:
            opened |= cpus
            if len(reasons) < MOST_REASONS:
                reasons[_open(o, register, fact).because] = None
    told = [_Alike(cpus, dict(zip(masks, bits, strict=True))) for bits, cpus in known.items()]
    return [*told, _Alike(opened, {}, "; ".join(reasons))] if opened else told


def _group(
    o: Observation, cpus: int, present: bool, online: bool, registers: dict[str, list[_Alike]]
) -> Group:
    some = next(cpuset.each(cpus))
    who = cpuset.told(cpus)
    bits: dict[str, bool | Open] = {
        "boot": some == 0,
        "present": present,
        "online": online,
        "frozen": False,
        "fused": True if present else Open(f"fused of {who}", "the CPU is not present", False),
        "listed": True if present else Open(f"listed of {who}", "the CPU is not present", False),
    }
    seconds = o.cpus("second-threads")
    if not online and o.value("smt-control") not in ("notsupported", "notimplemented"):
        bits["sibling"] = Open(f"whether {who} is a second thread", "the CPU is offline")
    elif seconds is None:
        bits["sibling"] = _open(o, "second-threads", o.fact("second-threads"))
    else:
        bits["sibling"] = bool(cpus & seconds)
    for bit, (register, _) in FROM_REGISTERS.items():
        told = next((told for told in registers[register] if told.cpus & cpus), NOBODY_LOOKED)
        bits[bit] = told.bits.get(bit, Open(f"{register} of {who}", told.because))
    for bit in Cpus.cpus.bits:
        if bit not in bits:
            bits[bit] = Open(f"{bit} of {who}", "no interface tells", False)
    return Group(cpus, bits)
