"""A diagnosis as plain data, for ``--format json``: ``result.schema.json`` describes it.

What comes from the host is made printable, so that it can be shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import cpuset
from .diagnosis import Diagnosis, Finding
from .facts import FACTS, REGISTERS, Known, Observation
from .judge import Judgement, Verdict
from .printable import printable
from .state import FROM_REGISTERS

FORMAT = "softsnp diagnosis"
VERSION = 1
MASKS = ("online", "present", "possible")
WORDS = {0: "healthy", 1: "findings", 3: "unknown"}
NO_SNP = "no SNP"


def plain(diagnosis: Diagnosis) -> dict[str, Any]:
    """Its keys and their values are always in the same order."""
    o = diagnosis.observation
    return {
        "format": FORMAT,
        "version": VERSION,
        "host": printable(o.host),
        "at": o.at,
        "levels": list(o.levels),
        "status": diagnosis.status,
        "verdict": word(diagnosis),
        "no_snp": printable(diagnosis.no_snp) or None,
        "release": known(o, "release"),
        "sev_api": known(o, "sev-api"),
        "snp_api": known(o, "snp-api"),
        "snp_guests": o.value("snp-guests"),
        "cpus": {name: known(o, name) for name in MASKS},
        "findings": [
            {
                "name": finding.name,
                "severity": finding.severity.name.lower(),
                "what": finding.what,
                "saw": [printable(line) for line in finding.saw],
                "sources": sources(diagnosis, finding),
                "means": finding.means,
                "next": finding.next,
            }
            for finding in diagnosis.findings
        ],
        "unknown": [printable(line) for line in diagnosis.unknown],
        "properties": [
            {
                "name": judgement.prop.name,
                "verdict": judgement.verdict.value,
                "because": printable(_because(diagnosis, judgement)),
            }
            for judgement in diagnosis.judgements
        ],
    }


def word(diagnosis: Diagnosis) -> str:
    """``healthy``, ``findings``, ``unknown`` or ``no SNP``."""
    return NO_SNP if diagnosis.no_snp else WORDS[diagnosis.status]


def known(observation: Observation, name: str) -> str | None:
    """A fact's value as a printable text; None where it is not known."""
    value = observation.value(name)
    if value is None:
        return None
    is_set = FACTS[name].type == "cpus"
    return cpuset.show(int(value)) if is_set else printable(str(value))


def _because(diagnosis: Diagnosis, judgement: Judgement) -> str:
    """Why nothing is said of a property, or an empty string."""
    if judgement.verdict is Verdict.NOT_CHECKED:
        return diagnosis.not_checked[judgement.prop.name]
    return "; ".join(dict.fromkeys(map(str, judgement.hangs_on)))


# --- sources -------------------------------------------------------------------------------------

SEEN_IN: dict[str, tuple[str, ...]] = {
    "snp_state": ("snp-state",),
    "sev_state": ("sev-state",),
    "guest_pages_assigned": ("snp-guests",),
    "rmp_initialized": ("snp-rmp-initialized",),
    "ccp_loaded": ("ccp-loaded",),
    "kvm_amd": ("kvm-amd-loaded",),
    "sev_enabled": ("kvm-amd-sev",),
    "sev_snp_enabled": ("kvm-amd-sev-snp",),
    "psp_dead": ("psp_dead", "log-psp-timeout"),
    "cpu_smt_control": ("smt-control",),
    "cpu_smt_num_threads": ("smt-control", "cpu_smt_num_threads"),
    "sibling": ("second-threads",),
    **{bit: (register,) for bit, (register, _) in FROM_REGISTERS.items()},
}
"""Of what a property looks at: the facts and registers that it was seen in, if not of its name."""
OWN_SEEN_IN: dict[str, tuple[str, ...]] = {
    "hotplug-count-balanced": ("log-hotplug-unbalanced",),
    "rmp-bounds-uniform": ("rmp-base", "rmp-end"),
    "rmp-reserved": ("rmp-base", "rmp-end"),
    "psp-answers": ("psp_dead", "log-psp-timeout"),
}
"""The same of findings that no property's looking made."""


def sources(diagnosis: Diagnosis, finding: Finding) -> list[str]:
    """Where what a finding speaks of was seen: files, devices, tools."""
    names: list[str] = []
    for judgement in diagnosis.judgements:
        if judgement.prop.name == finding.name and judgement.verdict is Verdict.VIOLATED:
            for looked_at in judgement.looked_at:
                names += SEEN_IN.get(looked_at, (looked_at,))
    names = names or list(OWN_SEEN_IN.get(finding.name, ()))
    found = (s for name in names for s in _sources(diagnosis.observation, name))
    return list(dict.fromkeys(map(printable, found)))


def _sources(o: Observation, name: str) -> Iterator[str]:
    if name in REGISTERS:
        for reading in o.registers.get(name, ()):
            if isinstance(reading.fact, Known):
                yield reading.fact.source
    elif name in FACTS:
        fact = o.fact(name)
        if isinstance(fact, Known):
            yield fact.source
