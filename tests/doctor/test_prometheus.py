"""The textfile is what Prometheus' text format 0.0.4 says, whatever the host says."""

from __future__ import annotations

import re

import pytest

from softsnp.doctor import prometheus
from softsnp.doctor.diagnosis import diagnose
from softsnp.doctor.facts import REGISTERS, Observation

from .made_up import AT, host, of, unguarded, without

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
VALUE = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-][0-9]+)?")
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def parsed(text: str) -> Series:
    """Stricter than Prometheus: HELP, TYPE and all samples of a metric are together, in this order,
    and each series is there once.
    """
    assert text.endswith("\n") and "\r" not in text
    series: Series = {}
    done: set[str] = set()
    helped = typed = ""
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            assert helped == typed
            helped, told = line.removeprefix("# HELP ").split(" ", 1)
            assert NAME.fullmatch(helped) and helped not in done and told
            continue
        if line.startswith("# TYPE "):
            typed, kind = line.removeprefix("# TYPE ").split(" ")
            assert typed == helped and kind == "gauge"
            done.add(typed)
            continue
        assert not line.startswith("#")
        name, value = re.fullmatch(r"([^{ ]+(?:{.*})?) ([^ ]+)", line).groups()  # type: ignore[union-attr]
        name, brace, labels = name.partition("{")
        assert name == typed
        assert VALUE.fullmatch(value)
        key = (name, _labels(labels[:-1] if brace else ""))
        assert key not in series
        series[key] = float(value)
    return series


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        label = LABEL.match(text, at)
        assert label, text[at:]
        name, value, comma = label.groups()
        assert name not in found and not name.startswith("__")
        found[name] = re.sub(r"\\.", lambda escape: ESCAPES[escape.group()], value)
        at = label.end()
        assert (at < len(text)) == bool(comma)
    return tuple(found.items())


def exposed(observation: Observation) -> Series:
    return parsed(prometheus.exposition(diagnose(observation)))


def one(series: Series, name: str, **labels: str) -> float:
    return series[f"softsnp_doctor_{name}", tuple(labels.items())]


def of_metric(series: Series, name: str) -> list[dict[str, str]]:
    return [dict(labels) for metric, labels in series if metric == f"softsnp_doctor_{name}"]


def test_a_healthy_host() -> None:
    made = host()
    series = exposed(made)
    assert set(series.values()) <= {0.0, 1.0, 3.0, 8.0, 22.0, AT}
    assert one(series, "status") == 0
    assert one(series, "no_snp") == 0
    assert one(series, "observed_timestamp_seconds") == AT
    assert of_metric(series, "info") == [
        {
            "release": "6.12.41-amd64",
            "snp_api": "1.55.39",
            "sev_api": "1.55",
            "levels": "interfaces",
        }
    ]
    assert of_metric(series, "finding") == []
    assert one(series, "unknown") == 0
    assert one(series, "not_checked") == len(diagnose(made).not_checked) > 0
    for state in ("online", "present", "possible"):
        assert one(series, "cpus", state=state) == 8
    assert one(series, "snp_guests") == 3


def test_each_property_has_one_series() -> None:
    diagnosis = diagnose(unguarded(host(), 1 << 3))
    told = of_metric(exposed(unguarded(host(), 1 << 3)), "property")
    assert told == [
        {"property": j.prop.name, "verdict": j.verdict.value} for j in diagnosis.judgements
    ]
    assert {"property": "online-cpus-guarded", "verdict": "violated"} in told


def test_findings() -> None:
    """One that was made twice, of both ends of the RMP, is one series."""
    made = unguarded(host(), 1 << 3)
    made.registers["rmp-base"] = [of(0xF, 0x1000), of(0xF0, 0x2000)]
    made.registers["rmp-end"] = [of(0xF, 0x3000), of(0xF0, 0x4000)]
    series = exposed(made)
    assert one(series, "status") == 1
    found = of_metric(series, "finding")
    assert {"name": "online-cpus-guarded", "severity": "critical"} in found
    assert {"name": "rmp-bounds-uniform", "severity": "warning"} in found


def test_what_is_not_known_has_no_series() -> None:
    series = exposed(without(host(), "snp-guests", "online", "release", *REGISTERS))
    assert one(series, "status") == 3
    assert one(series, "unknown") > 0
    assert [told["state"] for told in of_metric(series, "cpus")] == ["present", "possible"]
    assert of_metric(series, "snp_guests") == []
    assert of_metric(series, "info")[0]["release"] == ""


def test_no_snp() -> None:
    series = exposed(host(vendor="GenuineIntel"))
    assert (one(series, "status"), one(series, "no_snp")) == (3, 1)
    assert of_metric(series, "property") == []


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ('6.1"} 7', '6.1"} 7'),
        ("a\\b", "a\\b"),
        ("a\nsoftsnp_doctor_status 0", "a\\nsoftsnp_doctor_status 0"),
        ("\x1b[2J\udc80\u2028", "\\x1b[2J\\udc80\\u2028"),
        ("x" * 200, "x" * 127 + "…"),
        ("ä{}", "ä{}"),
    ],
)
def test_whatever_a_kernel_calls_itself(said: str, label: str) -> None:
    text = prometheus.exposition(diagnose(host(release=said)))
    assert text.encode().decode() == text
    assert of_metric(parsed(text), "info")[0]["release"] == label


def test_it_is_always_the_same() -> None:
    texts = {prometheus.exposition(diagnose(unguarded(host(), 2))) for _ in range(3)}
    assert len(texts) == 1


def test_the_docstring_names_each_metric() -> None:
    made = host()
    told = set(re.findall(r"``(softsnp_doctor_\w+)", prometheus.__doc__ or ""))
    names = {name for name, _ in exposed(made)} | {"softsnp_doctor_finding"}
    assert told == names
