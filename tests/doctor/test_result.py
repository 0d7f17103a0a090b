"""A diagnosis as plain data, and where what a finding speaks of was seen."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema
import pytest

from softsnp.doctor.diagnosis import OWN, Severity, diagnose
from softsnp.doctor.facts import FACTS, LEVELS, REGISTERS, Known, Observation
from softsnp.doctor.judge import Verdict
from softsnp.doctor.result import OWN_SEEN_IN, SEEN_IN, plain, sources
from softsnp.doctor.state import FROM_REGISTERS, seen
from softsnp.lang import Always
from softsnp.spec.properties import PROPERTIES

from .made_up import KMSG, MSR, SNP, SYSFS, fleet, host, of, unguarded, without

SCHEMA = json.loads(resources.files("softsnp.doctor").joinpath("result.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def told(observation: Observation) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(plain(diagnose(observation))))
    VALIDATOR.validate(content)
    return content


def test_the_schema_is_one_and_names_what_there_is() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    definitions = SCHEMA["$defs"]
    verdicts = definitions["property"]["properties"]["verdict"]["enum"]
    assert verdicts == [verdict.value for verdict in Verdict]
    severities = definitions["finding"]["properties"]["severity"]["enum"]
    assert set(severities) == {severity.name.lower() for severity in Severity}
    levels = SCHEMA["properties"]["levels"]["enum"]
    assert levels == [*([level] for level in LEVELS), list(LEVELS)]


def test_a_healthy_host() -> None:
    content = told(host())
    assert (content["status"], content["verdict"], content["no_snp"]) == (0, "healthy", None)
    assert (content["release"], content["snp_api"]) == ("6.12.41-amd64", "1.55.39")
    assert (content["sev_api"], content["snp_guests"]) == ("1.55", 3)
    assert content["cpus"] == dict.fromkeys(("online", "present", "possible"), "0-7")
    assert [one["name"] for one in content["properties"]] == [prop.name for prop in PROPERTIES]
    assert {"name": "online-cpus-guarded", "verdict": "holds", "because": ""} in (
        content["properties"]
    )


def test_findings() -> None:
    content = told(unguarded(host(), 1 << 3))
    assert (content["status"], content["verdict"]) == (1, "findings")
    found = next(f for f in content["findings"] if f["name"] == "online-cpus-guarded")
    assert found["severity"] == "critical"
    assert found["saw"][-1] == "snp_en: CPUs 0-2,4-7: yes, CPU 3: no"
    assert found["sources"] == [SNP, f"{SYSFS}/online", MSR]


def test_what_is_not_known() -> None:
    content = told(without(host(), *REGISTERS, "release", "snp-guests", "possible"))
    assert (content["status"], content["verdict"]) == (3, "unknown")
    assert content["release"] is None and content["snp_guests"] is None
    assert content["cpus"] == {"online": "0-7", "present": "0-7", "possible": None}
    guarded = next(p for p in content["properties"] if p["name"] == "online-cpus-guarded")
    assert guarded["verdict"] == "unknown"
    assert guarded["because"].startswith("syscfg of CPU 0: permission denied")


def test_no_snp() -> None:
    content = told(host(vendor="GenuineIntel"))
    assert (content["status"], content["verdict"]) == (3, "no SNP")
    assert content["no_snp"].endswith("its processor is of GenuineIntel, not AMD")


def test_whatever_a_host_says_is_printable() -> None:
    made = without(host("a\x1bb", release="\udc80"), "syscfg", because="\x9b\n")
    content = told(made)
    assert content["host"] == "a\\x1bb" and content["release"] == "\\udc80"
    assert content["unknown"][0] == "syscfg of CPUs 0-7: \\x9b\\n (/dev/cpu/*/msr)"


def test_a_fleet() -> None:
    assert {told(made)["verdict"] for made in fleet(60, cpus=3, seed=2)} == {
        "healthy",
        "findings",
        "unknown",
        "no SNP",
    }


# --- sources -------------------------------------------------------------------------------------

NOWHERE = {"system_running", "tasks_frozen", "boot", "frozen", "fused", "listed"}
"""Taken for granted."""


def test_whatever_a_property_looks_at_was_seen_somewhere() -> None:
    names = {*seen(host()).scalars, *FROM_REGISTERS, "online", "present", "sibling"}
    assert NOWHERE.isdisjoint(SEEN_IN)
    for name in names - NOWHERE:
        for where in SEEN_IN.get(name, (name,)):
            assert where in FACTS or where in REGISTERS, name
    assert set(SEEN_IN) <= names


def test_the_doctors_own_findings_were_seen_somewhere() -> None:
    assert set(OWN) < set(OWN_SEEN_IN)
    judged = {prop.name for prop in PROPERTIES if isinstance(prop, Always)}
    assert judged.isdisjoint(OWN_SEEN_IN)
    for names in OWN_SEEN_IN.values():
        assert all(name in FACTS or name in REGISTERS for name in names)


@pytest.mark.parametrize(
    ("name", "where"),
    [("hotplug-count-balanced", KMSG), ("psp-answers", KMSG), ("rmp-reserved", MSR)],
)
def test_the_sources_of_its_own_findings(name: str, where: str) -> None:
    made = host(log_psp_timeout=True, log_hotplug_unbalanced=True)
    made.registers["rmp-base"] = [of(0xFF, 0)]
    made.facts["psp_dead"] = Known(True, "/proc/kcore", 1.0)
    diagnosis = diagnose(made)
    (finding,) = (finding for finding in diagnosis.findings if finding.name == name)
    wanted = ["/proc/kcore", KMSG] if name == "psp-answers" else [where]
    assert sources(diagnosis, finding) == wanted


# --- what the verdicts stand on ------------------------------------------------------------------


@pytest.mark.parametrize("mask", ["online", "present"])
def test_where_no_cpus_are_known_nothing_of_them_holds(mask: str) -> None:
    content = told(without(host(), mask))
    (guarded,) = (p for p in content["properties"] if p["name"] == "online-cpus-guarded")
    assert guarded == {
        "name": "online-cpus-guarded",
        "verdict": "unknown",
        "because": "the CPUs: which there are is not known",
    }


def test_a_state_without_a_name_is_not_known() -> None:
    content = told(host(snp_state=2))
    (guarded,) = (p for p in content["properties"] if p["name"] == "kvm-snp-is-up")
    assert (guarded["verdict"], guarded["because"]) == ("unknown", "snp-state: it is 2")
