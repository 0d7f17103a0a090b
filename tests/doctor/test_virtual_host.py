"""On a virtual host the doctor sees what the host is, and names what was made wrong there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from softsnp.spec.catalog import DESIGNS, FIRMWARE

from ..virtual_hosts import on_host

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = 100
CORE = {
    "guest-memory-protected", "online-cpus-guarded", "snp-en-uniform", "driver-and-firmware-agree",
    "mfdm-uniform", "firmware-cores-guarded", "hold-implies-snp-en", "kvm-snp-is-up",
}  # fmt: skip


@pytest.mark.parametrize(("number", "design"), list(enumerate(DESIGNS)))
def test_its_verdicts_are_those_of_the_specifications_own_state(number: int, design: str) -> None:
    firmware = list(FIRMWARE)[number % 2]
    done = on_host(
        [sys.executable, "-m", "tests.doctor.schedules", f"{design} {number}", str(SCHEDULES)],
        "--design", design, "--firmware", firmware, "--cpus", "4", cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert set(told["decided"]) >= CORE
    assert told["violated"] or design.startswith("proposal"), "something has to go wrong"


# --- faults --------------------------------------------------------------------------------------


def findings(commands: str, *options: str) -> dict[str, dict[str, object]]:
    """What is found after some commands on a host, by name."""
    done = on_host(f"{{ {commands}; }} >/dev/null; softsnp doctor --kernel --format json", *options)
    assert done.returncode in (0, 1, 3), done.stderr
    told = json.loads(done.stdout)
    assert done.returncode == (1 if told["findings"] else done.returncode)
    return {finding["name"]: finding for finding in told["findings"]}


def test_a_cpu_without_snp_en() -> None:
    found = findings(
        "softsnp ctl hot-add 4; softsnp ctl online 4", "--cpus", "4", "--assume", "cpu-hot-add"
    )
    assert found["online-cpus-guarded"]["severity"] == "critical"
    assert "snp_en: CPUs 0-3: yes, CPU 4: no" in str(found["online-cpus-guarded"]["saw"])


def test_mfdm_that_differs() -> None:
    """SNP is down, and one CPU has MFDM."""
    syscfg = "0xc0010010"
    found = findings(
        f"softsnp ctl rmmod kvm-amd; wrmsr -p 2 {syscfg} $((0x$(rdmsr -p 2 {syscfg}) | 1 << 19))",
        "--cpus", "4",
    )  # fmt: skip
    assert list(found) == ["mfdm-uniform"]
    assert "mfdm: CPU 2: yes, CPUs 0-1,3: no" in str(found["mfdm-uniform"]["saw"])


def test_a_driver_that_disagrees_with_the_firmware() -> None:
    found = findings("softsnp ctl hibernate", "--cpus", "4")
    assert {"driver-and-firmware-agree", "kvm-snp-is-up"} <= set(found)
    assert "snp_initialized: True" in str(found["driver-and-firmware-agree"]["saw"])
    assert "snp_state: UNINIT" in str(found["driver-and-firmware-agree"]["saw"])


def test_a_leaked_refcount() -> None:
    found = findings(
        "softsnp ctl rmmod kvm-amd; softsnp ctl modprobe kvm-amd",
        "--cpus", "4", "--design", "rmpopt-v9-no-flag", "--firmware", "legacy",
    )  # fmt: skip
    assert list(found) == ["hotplug-count-bounded"]
    assert "cpu_hotplug_disabled: 2" in str(found["hotplug-count-bounded"]["saw"])


def test_a_psp_that_does_not_answer() -> None:
    found = findings("softsnp ctl inject 'the answer in time'; snphost commit", "--cpus", "2")
    assert "psp-answers" in found


def test_bounds_of_the_rmp_that_differ() -> None:
    found = findings("softsnp ctl rmmod kvm-amd; wrmsr -p 1 0xc0010132 0x20000000", "--cpus", "2")
    assert "CPU 1: 0x20000000" in str(found["rmp-bounds-uniform"]["saw"])


# --- what cannot be seen -------------------------------------------------------------------------


def test_a_healthy_host_and_what_was_not_looked_at() -> None:
    done = on_host("softsnp doctor --format json", "--cpus", "4")
    told = json.loads(done.stdout)
    assert (done.returncode, told["findings"], told["unknown"]) == (0, [], [])
    unlooked = {p["name"] for p in told["properties"] if p["verdict"] == "not checked"}
    assert "driver-and-firmware-agree" in unlooked


def test_an_offline_cpu_leaves_it_unknown_what_the_firmware_finds_there() -> None:
    done = on_host("chcpu -d 3 >&2; softsnp doctor", "--cpus", "4")
    assert done.returncode == 3, done.stdout
    assert "the CPU is offline" in done.stdout


def test_looking_changes_nothing_where_the_kernel_would_initialize_snp_to_answer() -> None:
    """A kernel that brackets SNP's commands, with SNP down."""
    options = ("--cpus", "2", "--design", "rmpopt-v10")
    count = "softsnp ctl status | grep '\"steps\"'"
    done = on_host(
        f"softsnp ctl rmmod kvm-amd >/dev/null; {count}; softsnp doctor; {count}", *options
    )
    before, *page, after = done.stdout.splitlines()
    assert "--ask-firmware" in " ".join(page)
    steps = [int(line.split(":")[1].strip(" ,")) for line in (before, after)]
    asked = on_host(
        f"softsnp ctl rmmod kvm-amd >/dev/null; {count}; softsnp doctor --ask-firmware; {count}",
        *options,
    ).stdout.splitlines()
    more = [int(line.split(":")[1].strip(" ,")) for line in (asked[0], asked[-1])]
    assert steps[1] - steps[0] < more[1] - more[0], "two looks are two status commands, no more"
