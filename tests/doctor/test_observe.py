"""Looking at a host: what is there, what is not, what is garbage, and what moves meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.doctor import cpuset
from softsnp.doctor.diagnosis import diagnose
from softsnp.doctor.facts import REGISTERS, Contradictory, Known, Observation, Unknown
from softsnp.doctor.observe import observe
from softsnp.doctor.observe.sev_device import answers_without_change

NOBODY = 65534
CPU = "sys/devices/system/cpu"
FILES = {
    "proc/cpuinfo": "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n"
    "model name\t: AMD EPYC 9654\nflags\t\t: fpu sev sev_es sev_snp\n\nprocessor\t: 1\n",
    "proc/sys/kernel/osrelease": "7.3.4\n",
    "proc/cmdline": "ro quiet\n",
    f"{CPU}/possible": "0-3\n",
    f"{CPU}/present": "0-3\n",
    f"{CPU}/online": "0-2\n",
    f"{CPU}/smt/control": "on\n",
    f"{CPU}/cpu0/topology/thread_siblings_list": "0,2\n",
    f"{CPU}/cpu1/topology/thread_siblings_list": "1\n",
    f"{CPU}/cpu2/topology/thread_siblings_list": "0,2\n",
    "sys/module/ccp/parameters/psp_init_on_probe": "Y\n",
    "sys/module/kvm_amd/parameters/sev": "Y\n",
    "sys/module/kvm_amd/parameters/sev_snp": "Y\n",
    "dev/kmsg": "6,0,1,-;Linux version 7.3.4\n6,1,2,-;ccp 0000:42:00.1: sev enabled\n",
}
SYSCFG = 1 << 24 | 1 << 19
VALUES = {"syscfg": SYSCFG, "rmp-base": 0x1000_0000, "rmp-end": 0x1FFF_FFFF}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        put(tmp_path, name, text)
    for cpu in range(3):
        node = tmp_path / f"dev/cpu/{cpu}/msr"
        node.parent.mkdir(parents=True)
        with node.open("wb") as file:
            for name, register in REGISTERS.items():
                os.pwrite(
                    file.fileno(),
                    VALUES.get(name, 0).to_bytes(8, "little"),
                    register.number,
                )
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def looked(root: Path, between: Callable[[], object] = lambda: None) -> Observation:
    """``between``: what happens between the two looks."""
    looks = iter(range(2))

    def clock() -> float:
        if next(looks):
            between()
        return 100.0

    return observe("fake", root, clock=clock)


def because(observation: Observation, name: str) -> str:
    fact = observation.fact(name)
    assert isinstance(fact, Unknown), fact
    return fact.because


def test_everything_is_known_with_its_source_and_time(root: Path) -> None:
    seen = looked(root)
    assert seen.fact("online") == Known(0b111, f"/{CPU}/online", 100.0)
    assert seen.value("second-threads") == 0b100
    assert seen.value("kvm-amd-sev-snp") is True
    assert seen.value("cpu-has-snp") is True
    assert (seen.value("release"), seen.value("family")) == ("7.3.4", 25)
    assert seen.value("log-psp-timeout") is False
    assert seen.register("syscfg", 2) == Known(SYSCFG, "/dev/cpu/*/msr", 100.0)
    assert seen.register("syscfg", 3) == Unknown("the CPU is offline", "/dev/cpu/*/msr")
    assert "the ccp module makes it" in because(seen, "snp-state")
    assert diagnose(seen).status == 3


def test_what_is_not_there_is_unknown_and_why(root: Path) -> None:
    (root / "dev/cpu/1/msr").unlink()
    (root / f"{CPU}/smt/control").unlink()
    (root / "dev/kmsg").unlink()
    (root / "dev/sev").write_text("")
    seen = looked(root)
    fact = seen.register("syscfg", 1)
    assert isinstance(fact, Unknown) and fact.because == "there is no such file: modprobe msr"
    assert because(seen, "smt-control") == "there is no such file"
    assert because(seen, "log-psp-timeout") == "there is no such file"
    assert because(seen, "sev-state") == "this is not the device of ccp"
    assert seen.value("online") == 0b111


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may do less")
def test_without_permission_it_says_what_to_do(root: Path) -> None:
    root.chmod(0o700)
    os.seteuid(NOBODY)
    try:
        seen = looked(root)
    finally:
        os.seteuid(0)
    assert because(seen, "online") == "permission denied: run as root"
    assert because(seen, "ccp-loaded") == "permission denied: run as root"
    told = diagnose(seen)
    assert (told.status, told.findings) == (3, ())
    assert any("permission denied: run as root" in line for line in told.unknown)


def test_garbage_is_told_with_what_was_wanted(root: Path) -> None:
    put(root, f"{CPU}/online", "zero-3\n")
    put(root, f"{CPU}/possible", "3-0\n")
    put(root, "sys/module/kvm_amd/parameters/sev_snp", "maybe\n")
    (root / "proc/cpuinfo").write_bytes(b"\xff\x00 cpu family : \n")
    seen = looked(root)
    assert because(seen, "online") == "wanted a list of CPUs like 0,2-3; got 'zero-3'"
    assert "in order; got '3-0'" in because(seen, "possible")
    assert because(seen, "kvm-amd-sev-snp") == "wanted Y or N; got 'maybe'"
    assert "wanted a number at 'cpu family'" in because(seen, "family")
    assert seen.registers == {}
    assert diagnose(seen).status == 3


def test_a_register_that_is_cut_short(root: Path) -> None:
    os.truncate(root / "dev/cpu/2/msr", REGISTERS["rmpopt-base"].number + 3)
    fact = looked(root).register("rmpopt-base", 2)
    assert fact == Unknown("wanted 8 bytes; got 3", "/dev/cpu/*/msr")


def test_what_changes_between_two_looks_is_contradictory(root: Path) -> None:
    def change() -> None:
        put(root, "proc/cmdline", "rw\n")
        put(root, f"{CPU}/online", "0-1\n")
        with (root / "dev/cpu/1/msr").open("r+b") as node:
            os.pwrite(node.fileno(), bytes(8), REGISTERS["syscfg"].number)

    seen = looked(root, change)
    fact = seen.fact("command-line")
    assert isinstance(fact, Contradictory)
    assert fact.values == ("ro quiet", "rw")
    assert isinstance(seen.register("syscfg", 1), Contradictory)
    assert isinstance(seen.register("syscfg", 0), Known)
    assert isinstance(seen.register("syscfg", 2), Unknown)
    told = " ".join(diagnose(seen).unknown)
    assert "it changed between two looks" in told


@pytest.mark.parametrize("name", [name for name in FILES if "topology" not in name])
def test_a_file_that_vanishes_between_two_looks(root: Path, name: str) -> None:
    seen = looked(root, (root / name).unlink)
    assert not [fact for fact in seen.facts.values() if isinstance(fact, Known) and fact.at != 100]
    diagnose(seen)


def test_a_log_that_has_lost_its_beginning_proves_nothing(root: Path) -> None:
    put(root, "dev/kmsg", "6,812,1,-;ccp: sev enabled\n")
    assert "no longer begins" in because(looked(root), "log-psp-timeout")
    put(root, "dev/kmsg", "3,812,1,-;ccp: sev command 0xcb timed out, disabling PSP\n")
    assert looked(root).value("log-psp-timeout") is True


@pytest.mark.parametrize(
    ("release", "safe"),
    [
        ("6.11.0", True),  # refuses
        ("6.12.0", True),
        ("6.12.117", True),  # asks the firmware, and no more
        ("6.16.1-generic", False),  # brackets the command
        ("7.1.0-rc7", False),
        ("7.2.12", False),
        ("7.2.13", True),
        ("7.3.4", True),
        ("8.0", True),
        ("softsnp", False),
        ("", False),
    ],
)
def test_whether_asking_changes_nothing(release: str, safe: bool) -> None:
    assert answers_without_change(release) is safe


@given(st.integers(0, (1 << 70) - 1))
def test_sets_of_cpus_are_read_as_they_are_written(cpus: int) -> None:
    assert cpuset.parse(cpuset.show(cpus)) == cpus
    assert sum(1 << cpu for cpu in cpuset.each(cpus)) == cpus


@pytest.mark.parametrize("text", ["a", "1-", "-1", "3-1", "0,,1", "99999999", "0x1", "١"])
def test_what_is_no_set_of_cpus(text: str) -> None:
    with pytest.raises(ValueError, match="got"):
        cpuset.parse(text)
