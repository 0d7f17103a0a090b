"""What is made of an observation: findings, what is not known, what was not checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum

from softsnp.lang import Property
from softsnp.spec.properties import PROPERTIES

from . import cpuset
from .advice import ADVICE, CRITICAL
from .facts import FACTS, REGISTERS, Contradictory, Fact, Known, Observation, Unknown
from .judge import Judgement, Verdict, judge
from .state import Open, Seen, seen, told_values

BY_NAME = {prop.name: prop for prop in PROPERTIES}


class Severity(IntEnum):
    WARNING = 1
    CRITICAL = 2


@dataclass(frozen=True)
class Finding:
    """``name`` is a property's, or one of the doctor's own checks'."""

    name: str
    severity: Severity
    what: str
    """What is wrong, in one clause."""
    saw: tuple[str, ...]
    means: str
    next: str


@dataclass(frozen=True)
class Diagnosis:
    """``unknown``: required facts, and properties that hang on what should have been seen.
    ``not_checked``: what nobody can see at this level, by name, with what it hangs on.
    """

    observation: Observation
    judgements: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    not_checked: dict[str, str]
    no_snp: str = ""
    """Why there is nothing to judge, or an empty string."""

    @property
    def status(self) -> int:
        """0 healthy in all that is observable, 1 findings, 3 something required is unknown."""
        if self.no_snp:
            return 3
        if self.findings:
            return 1
        return 3 if self.unknown else 0


def diagnose(observation: Observation) -> Diagnosis:
    no_snp = _no_snp(observation)
    if no_snp:
        return Diagnosis(observation, (), (), (), {}, no_snp)
    state = seen(observation)
    judgements = tuple(judge(state, PROPERTIES))
    findings = [
        _finding(j.prop, saw(state, j.looked_at))
        for j in judgements
        if j.verdict is Verdict.VIOLATED
    ]
    findings += _own(observation)
    unknown = list(_required(observation))
    unknown += [
        f"{j.prop.name} hangs on {_hangs_on(j.hangs_on)}"
        for j in judgements
        if j.verdict is Verdict.UNKNOWN
    ]
    not_checked = {
        j.prop.name: _hangs_on(j.hangs_on) or "it is about more than one moment: see --ahead"
        for j in judgements
        if j.verdict is Verdict.NOT_CHECKED
    }
    findings.sort(key=lambda finding: -finding.severity)
    return Diagnosis(observation, judgements, tuple(findings), tuple(unknown), not_checked)


def _no_snp(o: Observation) -> str:
    """One line where the host has no SNP at all. What is not known is not nothing."""
    vendor, brand = o.value("vendor"), o.value("brand")
    if vendor is not None and vendor != "AuthenticAMD":
        return f"no SNP on this host: its processor is of {vendor or 'an unnamed vendor'}, not AMD"
    if o.value("cpu-has-snp") is False:
        return (
            f"no SNP on this host: the kernel does not name sev_snp among the features of "
            f"{brand or 'its processor'} (/proc/cpuinfo): the processor, the BIOS or the IOMMU's "
            "settings lack it, or this is a guest"
        )
    return ""


# --- findings ------------------------------------------------------------------------------------


def _finding(prop: Property, what_was_seen: tuple[str, ...]) -> Finding:
    severity = Severity.CRITICAL if prop.name in CRITICAL else Severity.WARNING
    return Finding(prop.name, severity, prop.broken, what_was_seen, prop.why, ADVICE[prop.name])


def saw(state: Seen, looked_at: tuple[str, ...]) -> tuple[str, ...]:
    """What a property has looked at, as text: scalars, and bits with the CPUs that have them."""
    lines = []
    bits = {bit for group in state.groups for bit in group.bits}
    for name in looked_at:
        if name in bits:
            yes = sum(group.cpus for group in state.groups if group.bits[name] is True)
            no = sum(group.cpus for group in state.groups if group.bits[name] is False)
            parts = [f"{cpuset.told(yes)}: yes"] if yes else []
            parts += [f"{cpuset.told(no)}: no"] if no else []
            lines.append(f"{name}: {', '.join(parts) or 'not known'}")
        else:
            value = state.scalars.get(name, "not known")
            shown = value.name if isinstance(value, Enum) else str(value)
            lines.append(f"{name}: {'not known' if isinstance(value, Open) else shown}")
    return tuple(lines)


def _own(o: Observation) -> Iterator[Finding]:
    """What is wrong that no property of the specification speaks of, or that a log tells."""
    for name in ("rmp-base", "rmp-end"):
        values: dict[int, int] = {}
        for reading in o.registers.get(name, ()):
            if isinstance(reading.fact, Known):
                value = int(reading.fact.value)
                values[value] = values.get(value, 0) | reading.cpus
        lines = tuple(f"{cpuset.told(cpus)}: {value:#x}" for value, cpus in values.items())
        if len(values) > 1:
            yield _check("rmp-bounds-uniform", lines)
        elif set(values) == {0}:
            yield _check("rmp-reserved", lines)
    if o.value("log-hotplug-unbalanced") is True:
        yield _finding(BY_NAME["hotplug-count-balanced"], ("the kernel's log has its warning",))
    if o.value("psp_dead") is True or o.value("log-psp-timeout") is True:
        yield _check("psp-answers", ("a command of ccp got no answer in time",))


OWN: dict[str, tuple[str, str]] = {
    "rmp-bounds-uniform": (
        "CPUs disagree on where the RMP is",
        "SNP_INIT_EX fails, or CPUs check writes against different tables",
    ),
    "rmp-reserved": (
        "no memory is reserved for the RMP",
        "SNP cannot come up: the BIOS has not reserved it",
    ),
    "psp-answers": (
        "ccp has given the PSP up",
        "every firmware command fails until ccp is loaded anew or the host is reset; SNP can "
        "neither be shut down nor brought up",
    ),
}
"""The doctor's own checks: what is wrong, and what it means."""


def _check(name: str, lines: tuple[str, ...]) -> Finding:
    what, means = OWN[name]
    return Finding(name, Severity.WARNING, what, lines, means, ADVICE[name])


# --- what is not known ---------------------------------------------------------------------------


def _required(o: Observation) -> Iterator[str]:
    for name, kind in FACTS.items():
        if kind.required and not isinstance(o.fact(name), Known):
            yield f"{name}: {_why(name, o.fact(name))}"
    online = o.cpus("online")
    if online is None:
        return
    for name, register in REGISTERS.items():
        if not register.required:
            continue
        left = online
        for reading in o.registers.get(name, ()):
            cpus = reading.cpus & online
            left &= ~cpus
            if cpus and not isinstance(reading.fact, Known):
                yield f"{name} of {cpuset.told(cpus)}: {_why(name, reading.fact)}"
        if left:
            yield f"{name} of {cpuset.told(left)}: nobody has looked"


def _why(name: str, fact: Fact) -> str:
    if isinstance(fact, Contradictory):
        return f"{fact.because}: {told_values(name, fact)} ({fact.source})"
    assert isinstance(fact, Unknown)
    return f"{fact.because} ({fact.source})"


def _hangs_on(what: tuple[Open, ...]) -> str:
    return "; ".join(dict.fromkeys(map(str, what)))
