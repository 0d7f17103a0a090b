"""Many observations: read one by one, a line each, and what they have in common."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from softsnp.doctor.diagnosis import diagnose
from softsnp.doctor.document import MOST, BadObservation, written
from softsnp.doctor.facts import REGISTERS, Known, Observation, Reading, Unknown
from softsnp.doctor.fleet import WIDTH, Fleet, line, observations
from softsnp.doctor.judge import USUAL_GROUPS, Verdict, _judgements, judge
from softsnp.doctor.result import word
from softsnp.doctor.state import Open, seen
from softsnp.spec.properties import PROPERTIES

from .made_up import MSR, fleet, host, of, unguarded, without

# --- files ---------------------------------------------------------------------------------------


def test_a_file_of_many(tmp_path: Path) -> None:
    file = tmp_path / "fleet.jsonl"
    hosts = list(fleet(30, cpus=4))
    file.write_text("".join(map(written, hosts)), encoding="utf-8")
    assert list(observations(file)) == hosts


def test_a_bad_line_is_told_and_the_rest_go_on(tmp_path: Path) -> None:
    file = tmp_path / "fleet.jsonl"
    good = written(host(cpus=2)).encode()
    lines = [b"{\n", b"\n", b"[" * 100_000 + b"\n", b"\xff\n", b" " * MOST + b"{}\n", b"[]"]
    file.write_bytes(b"\n" + good.join(lines))
    found = list(observations(file))
    told = [str(item).removeprefix(str(tmp_path)) for item in found if isinstance(item, Exception)]
    assert told == [
        "/fleet.jsonl:2: wanted JSON: Expecting property name enclosed in double quotes at line 2, "
        "column 1",
        "/fleet.jsonl:6: wanted an observation, got values that are nested too deep",
        "/fleet.jsonl:8: wanted UTF-8, got byte 0xff at 0",
        f"/fleet.jsonl:10: wanted at most {MOST} bytes, got {MOST + 1}",
        "/fleet.jsonl:12: $: wanted an object, got a list of 0",
    ]
    assert [item for item in found if isinstance(item, Observation)] == [host(cpus=2)] * 5
    assert all(isinstance(item, Observation | BadObservation) for item in found)


def test_a_document_in_several_lines(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(json.loads(written(host())), indent=1), encoding="utf-8")
    assert list(observations(file)) == [host()]
    file.write_text("{\n" + " " * MOST, encoding="utf-8")
    (found,) = observations(file)
    assert str(found) == f"{file}: wanted at most {MOST} bytes, got {MOST + 2}"


def test_no_observations(tmp_path: Path) -> None:
    file = tmp_path / "none"
    file.write_bytes(b"\n \n")
    assert list(observations(file)) == []
    with pytest.raises(FileNotFoundError):
        list(observations(tmp_path / "gone"))


def test_a_file_is_read_as_far_as_it_is_asked_for(tmp_path: Path) -> None:
    """So that no more than one is in memory."""
    file = tmp_path / "fleet.jsonl"
    file.write_text(written(host("a")) * 2, encoding="utf-8")
    found: Iterator[object] = observations(file)
    assert next(found) == host("a")
    with file.open("a") as more:
        more.write(written(host("b")) * 50)
    assert len(list(found)) == 51


# --- lines ---------------------------------------------------------------------------------------


def test_a_line_for_each_host() -> None:
    hosts = [
        host("healthy.example.org"),
        unguarded(host("a-host-with-a-long-name.example.org"), 2),
        host("a\x1b[2Jb", release="5.14.0-503.11.1.el9_5.x86_64", log_psp_timeout=True),
        without(host("unknown"), "online", "release", "snp-api"),
        host("old", vendor="GenuineIntel"),
    ]
    assert [line(diagnose(made)) for made in hosts] == [
        "healthy.example.org      healthy  6.12.41-amd64            1.55.39",
        "a-host-with-a-long-name… findings 6.12.41-amd64            1.55.39  "
        "guest-memory-protected +3",
        "a\\x1b[2Jb                findings 5.14.0-503.11.1.el9_5.x… 1.55.39  psp-answers",
        "unknown                  unknown  -                        -        online: permission "
        "denied: r… +6",
        "old                      no SNP   6.12.41-amd64            1.55.39  its processor is of "
        "GenuineInte…",
    ]


def test_no_line_is_too_long() -> None:
    for made in fleet(200, cpus=6):
        made.host = "h" * 255
        assert len(line(diagnose(made))) <= WIDTH
    everything = without(host("h" * 255, release="6" * 90, snp_api="1" * 90), *REGISTERS, "online")
    assert len(line(diagnose(everything))) == WIDTH


# --- a summary -----------------------------------------------------------------------------------


def small() -> Fleet:
    made = Fleet()
    for number in range(3):
        made.add(diagnose(host(f"healthy{number}")))
    made.add(diagnose(unguarded(host(), 2)))
    made.add(diagnose(unguarded(host(snp_guests=0, release="7.3.0"), 2)))
    made.add(diagnose(without(host(), *REGISTERS, "release", "snp-api")))
    made.add(diagnose(host(vendor="GenuineIntel")))
    made.add_unreadable()
    return made


def test_a_summary() -> None:
    assert small().summary() == [
        "7 hosts, and 1 that cannot be read",
        "",
        "kernel                                   SNP      healthy findings unknown no SNP",
        "6.12.41-amd64                            1.55.39        3        1       0      1",
        "-                                        -              0        0       1      0",
        "7.3.0                                    1.55.39        0        1       0      0",
        "",
        "the most frequent findings, and on how many hosts",
        "       2 firmware-cores-guarded",
        "       2 online-cpus-guarded",
        "       2 snp-en-uniform",
        "       1 guest-memory-protected",
    ]


def test_a_summary_as_data() -> None:
    told = small().plain()
    assert (told["hosts"], told["unreadable"]) == (7, 1)
    assert told["versions"][0] == {
        "release": "6.12.41-amd64",
        "snp_api": "1.55.39",
        "healthy": 3,
        "findings": 1,
        "unknown": 0,
        "no SNP": 1,
    }
    assert told["findings"][-1] == {"name": "guest-memory-protected", "hosts": 1}


def test_what_is_kept_grows_with_the_versions_alone() -> None:
    made = Fleet()
    words = []
    for observation in fleet(600, cpus=4):
        diagnosis = diagnose(observation)
        words.append(word(diagnosis))
        made.add(diagnosis)
    assert len(made.by_versions) == 6 * (3 + 1)  # the API is not always known
    assert len(made.by_finding) == 4
    for name in ("healthy", "findings", "unknown", "no SNP"):
        counts = (counts[name] for counts in made.by_versions.values())
        assert sum(counts) == words.count(name) > 0
    assert all(len(told) <= WIDTH for told in made.summary())


def test_the_status_of_all() -> None:
    made = Fleet()
    assert made.status == 3
    made.add(diagnose(host()))
    assert made.status == 0
    made.add_unreadable()
    assert made.status == 3
    made.add(diagnose(unguarded(host(), 2)))
    assert made.status == 1
    other = Fleet()
    other.add(diagnose(host()))
    other.add(diagnose(host(vendor="GenuineIntel")))
    assert other.status == 3


# --- judging many --------------------------------------------------------------------------------


def test_what_is_remembered_of_others_is_what_a_host_is_judged_as() -> None:
    verdicts = set()
    for made in fleet(200, cpus=4, seed=2):
        state = seen(made)
        judged = judge(state, PROPERTIES)
        assert judged == list(_judgements(state, tuple(PROPERTIES)))
        verdicts.add(tuple(judgement.verdict for judgement in judged))
    assert len(verdicts) > 2


def test_cpus_are_told_apart_by_bits_and_not_by_addresses() -> None:
    """Each has a VM_HSAVE_PA of its own."""
    made = host(cpus=128)
    assert len(made.registers["vm-hsave-pa"]) == 128
    assert [group.cpus for group in seen(made).groups] == [
        1,
        (1 << 64) - 2,
        (1 << 128) - (1 << 64),
    ]


def test_cpus_of_which_nothing_is_known_are_together_whatever_the_reasons() -> None:
    made = host(cpus=6)
    made.registers["syscfg"] = [Reading(1 << n, Unknown(f"reason {n}", MSR)) for n in range(6)]
    first, seconds = seen(made).groups[1:]
    assert (first.cpus, seconds.cpus) == (0b000110, 0b111000)
    assert first.bits["snp_en"] == Open(
        "syscfg of CPUs 1-2", "reason 0; reason 1; reason 2; reason 3"
    )


def test_cpus_that_differ_in_everything_are_judged_with_fewer_tries() -> None:
    chance = random.Random(1)
    made = host(cpus=200)
    for mask in ("possible", "present", "online", "second-threads"):
        made.facts[mask] = Known(chance.getrandbits(200), "/sys/there", 1.0)
    for register in ("vm-hsave-pa", "efer", "rmpopt-base"):
        some = chance.getrandbits(200)
        made.registers[register] = [of(some, 0), of(((1 << 200) - 1) & ~some, (1 << 64) - 1)]
    made = without(made, "syscfg", "snp-state")
    assert len(seen(made).groups) > 3 * USUAL_GROUPS
    (guarded,) = (j for j in diagnose(made).judgements if j.prop.name == "online-cpus-guarded")
    assert guarded.verdict is Verdict.UNKNOWN
