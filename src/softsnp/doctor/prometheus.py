"""A diagnosis in Prometheus' text format 0.0.4, for node_exporter's textfile collector.

All are gauges, and of the host that node_exporter runs on, so that no series names the host:

======================================================= ========================================
``softsnp_doctor_status``                               0 healthy in all that is observable,
                                                        1 findings, 3 something required is
                                                        not known, or there is no SNP
``softsnp_doctor_no_snp``                               1 if the host has no SNP to judge
``softsnp_doctor_observed_timestamp_seconds``           when it was looked at: alert on its age
``softsnp_doctor_info{release,snp_api,sev_api,levels}`` always 1; empty where it is not known
``softsnp_doctor_property{property,verdict}``           1 for each property that was judged
``softsnp_doctor_finding{name,severity}``               1 for each finding; none when healthy
``softsnp_doctor_unknown``                              how many things are not known
``softsnp_doctor_not_checked``                          how many properties nobody can check
``softsnp_doctor_cpus{state}``                          CPUs that are online, present, possible
``softsnp_doctor_snp_guests``                           SNP guests that the firmware knows
======================================================= ========================================

What is not known of the last two has no series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .diagnosis import Diagnosis
from .printable import printable
from .result import MASKS, known

PREFIX = "softsnp_doctor_"
MOST_LABEL = 128
"""Characters of a label's value that came from the host."""


class Metric(NamedTuple):
    """``samples``: labels in their order, and the value."""

    name: str
    help: str
    samples: list[tuple[Mapping[str, str], float]]


def exposition(diagnosis: Diagnosis) -> str:
    """The same diagnosis gives the same text, which ends with a newline."""
    lines = []
    for metric in _metrics(diagnosis):
        name = f"{PREFIX}{metric.name}"
        if metric.samples:
            lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(labels)} {value!r}" for labels, value in metric.samples]
    return "\n".join(lines) + "\n"


def _metrics(diagnosis: Diagnosis) -> Iterator[Metric]:
    o = diagnosis.observation
    yield _one("status", "0 healthy, 1 findings, 3 not known or no SNP.", diagnosis.status)
    yield _one("no_snp", "Whether the host has no SNP to judge.", bool(diagnosis.no_snp))
    yield _one("observed_timestamp_seconds", "When the host was looked at.", o.at)
    info = {
        "release": known(o, "release"),
        "snp_api": known(o, "snp-api"),
        "sev_api": known(o, "sev-api"),
        "levels": ",".join(o.levels),
    }
    told = {name: printable(value or "", MOST_LABEL) for name, value in info.items()}
    yield Metric("info", "The kernel, the firmware, and where was looked.", [(told, 1)])
    yield Metric(
        "property",
        "The verdict on each property.",
        [({"property": j.prop.name, "verdict": j.verdict.value}, 1) for j in diagnosis.judgements],
    )
    findings = dict.fromkeys((f.name, f.severity.name.lower()) for f in diagnosis.findings)
    yield Metric(
        "finding",
        "What was found wrong.",
        [({"name": name, "severity": severity}, 1) for name, severity in findings],
    )
    yield _one("unknown", "How many things are not known.", len(diagnosis.unknown))
    yield _one(
        "not_checked", "How many properties cannot be checked here.", len(diagnosis.not_checked)
    )
    masks = {name: o.cpus(name) for name in MASKS}
    yield Metric(
        "cpus",
        "How many CPUs there are.",
        [({"state": n}, mask.bit_count()) for n, mask in masks.items() if mask is not None],
    )
    guests = o.value("snp-guests")
    if guests is not None:
        yield _one("snp_guests", "How many SNP guests the firmware knows.", int(guests))


def _one(name: str, help: str, value: float) -> Metric:
    number = int(value) if isinstance(value, bool) else value
    return Metric(name, help, [({}, number)])


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
