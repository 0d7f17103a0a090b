"""What the doctor saw, as a beginning for looking ahead: known, open, or assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from softsnp.doctor import cpuset
from softsnp.doctor.facts import Observation
from softsnp.doctor.state import Group, Open, Seen
from softsnp.lang import Bool, Field
from softsnp.operate.beginning import Beginning, Begun
from softsnp.spec.activities import Host
from softsnp.spec.fw.psp import Asid, State
from softsnp.spec.hw.rmp import RmpTable
from softsnp.spec.linux.arch.x86.kvm.svm.sev import KvmAsid

COUNTS = (0, 1, 2)
"""Of cpu_hotplug_disabled, where it is not known."""
OPEN_BITS = ("snp_en", "mfdm")
"""What an offline CPU has is tried; it runs no guests, so its other registers do not matter."""
NO_SMT = ("notsupported", "notimplemented")


@dataclass(frozen=True)
class Observed:
    """``assumed``: sentences about what nobody can observe, and what it was taken for."""

    beginning: Beginning
    smt: bool
    assumed: tuple[str, ...]


def observed(design: type[Host], observation: Observation, seen: Seen) -> Observed:
    """The beginning, on a design that is like the running kernel."""
    known = {n: v for n, v in seen.scalars.items() if not isinstance(v, Open)}
    opened: dict[str, tuple[Any, ...]] = {}
    for name, value in seen.scalars.items():
        if isinstance(value, Open):
            opened[name] = _values(design.declared_fields()[name])
    assumed = []
    smt = observation.value("smt-control") not in NO_SMT
    for name in ("cpu_smt_control", "cpu_smt_num_threads"):
        if not smt:
            known.pop(name, None)
        opened.pop(name, None)  # what cannot be read is as at boot
    if "psp_dead" in opened and observation.value("log-psp-timeout") is not True:
        known["psp_dead"] = False
        del opened["psp_dead"]
        assumed.append("ccp has not given the PSP up")
    if "sev_plat_state" in opened:
        del opened["sev_plat_state"]
        if "sev_state" in known:
            known["sev_plat_state"] = known["sev_state"]
        assumed.append("what ccp has cached of legacy SEV's state is so")
    opened.pop("cpu_hotplug_offline_disabled", None)
    for name, field in _own_flags(design).items():
        opened[name] = field.domain
    _follow(known, seen)
    assumed.append(
        "online CPUs have done WBINVD since a guest left, and offline ones when they went"
    )
    groups = _groups(observation, seen, smt, bool(known.get("guest_pages_assigned")))
    return Observed(Beginning(known, opened, groups), smt, tuple(assumed))


def _values(field: Field[Any]) -> tuple[Any, ...]:
    return COUNTS if field.name == "cpu_hotplug_disabled" else field.domain


def _own_flags(design: type[Host]) -> dict[str, Field[Any]]:
    """What a patch remembers in a variable of its own, which no interface shows."""
    common = Host.declared_fields()
    return {
        name: field
        for name, field in design.declared_fields().items()
        if name not in common and isinstance(field, Bool) and not field.ghost
    }


def _follow(known: dict[str, Any], seen: Seen) -> None:
    """What goes with what was seen."""
    live = known.get("snp_state") is State.INIT
    guests = bool(known.get("guest_pages_assigned"))
    known["rmp"] = RmpTable.LIVE if live or known.get("rmp_initialized") else RmpTable.ZERO
    known["rmp_initialized"] = bool(known.get("rmp_initialized", live))
    known["panic_notifier"] = bool(known.get("snp_initialized", live))
    known["ccp_users"] = int(bool(known.get("kvm_amd")))
    known["rmpopt_wq"] = any(group.bits["rmpopt_base"] is True for group in seen.groups)
    known["snp_asid"] = Asid.IN_USE if guests else Asid.CLEAN
    known["sev_asid"] = KvmAsid.TAKEN if guests else KvmAsid.FREE


def _groups(o: Observation, seen: Seen, smt: bool, guests: bool) -> tuple[Begun, ...]:
    """Alike ones are one group, whatever their numbers."""
    possible = o.cpus("possible") or 0
    counts: dict[tuple[tuple[tuple[str, bool], ...], tuple[str, ...]], int] = {}
    half = possible.bit_length() // 2  # second threads have the upper numbers, as a rule
    for group in seen.groups:
        second = smt and next(cpuset.each(group.cpus)) >= half
        bits, opened = _bits(group, second, guests)
        key = tuple(bits.items()), opened
        counts[key] = counts.get(key, 0) + group.cpus.bit_count()
    return tuple(Begun(count, dict(bits), opened) for (bits, opened), count in counts.items())


def _bits(group: Group, second: bool, guests: bool) -> tuple[dict[str, bool], tuple[str, ...]]:
    """``second``: whether it is taken for second threads where that cannot be seen."""
    known = {name: value for name, value in group.bits.items() if isinstance(value, bool)}
    opened = tuple(name for name in OPEN_BITS if name not in known)
    online = known["online"]
    assumed = {
        "sibling": second,
        "wbinvd_done": known["present"],
        "ran_guest": guests and online,
        "rmpopt_masked": known.get("rmpopt_base", False),
    }
    bits = {n: known.get(n, assumed.get(n, False)) for n in group.bits if n not in opened}
    return bits, opened
