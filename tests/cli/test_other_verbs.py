"""softsnp explain, list and show; and the example that the README names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from softsnp.spec.catalog import ACTIVITIES, ASSUMPTIONS, BY_NAME, DESIGNS, FIRMWARE, SCENARIOS

from .conftest import Softsnp

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_a_chart_is_narrow_and_names_what_it_rests_on(softsnp: Softsnp) -> None:
    done = softsnp("explain", "rmpopt-v9-no-flag", "hotplug-count-bounded", "--firmware", "legacy")
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 78
    assert done.stdout.count("cpu_hotplug_disable()") == 2
    assert "Then SNP holds cpu_hotplug_disabled more than once:" in done.stdout
    assert "cpu_hotplug_disabled = 2" in done.stdout
    assert "Assumes: " in done.stdout
    assert "sequentially consistent" in done.stdout


def test_without_firmware_the_first_profile_that_breaks_it(softsnp: Softsnp) -> None:
    done = softsnp("explain", "rmpopt-v9", "mfdm-uniform", "--cpus", "2")
    assert "x86-shutdown firmware" in " ".join(done.stdout.split())
    cpus = [line for line in done.stdout.splitlines() if line.startswith("  CPU ")]
    lacks = ["mfdm" in line.partition("without ")[2] for line in cpus]
    assert sorted(lacks) == [False, True], "a chart says which CPU lacks what"


def test_what_holds_is_said_to_hold_and_after_how_many_states(softsnp: Softsnp) -> None:
    done = softsnp("explain", "rmpopt-v10", "no-deadlock", "--firmware", "legacy", "--cpus", "2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no-deadlock holds" in done.stdout
    assert " states and " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 78


def test_what_is_undecided_is_said_to_be(softsnp: Softsnp) -> None:
    done = softsnp("explain", "rmpopt-v10", "no-deadlock", "--max-states", "100")
    assert done.returncode == 3
    assert "undecided" in done.stdout


def test_a_reproducer_is_commands_and_fault_points(softsnp: Softsnp) -> None:
    added = ("--assume", "cpu-hot-add", "--firmware", "legacy", "--reproducer")
    done = softsnp("explain", "rmpopt-v9", "online-cpus-guarded", *added)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "snphost commit" in lines
    assert "echo 1 > /sys/devices/system/cpu/cpu1/online" in lines
    assert any(line.startswith("# HOLD administrator") for line in lines)
    assert any("add a CPU: no command does this" in line for line in lines)
    faulty = softsnp("explain", "rmpopt-v10", "failed-init-keeps-hold", "--reproducer")
    assert "# FAULT in __sev_snp_init_locked(): failslab" in faulty.stdout


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("designs", DESIGNS),
        ("properties", BY_NAME),
        ("assumptions", ASSUMPTIONS),
        ("activities", ACTIVITIES),
        ("firmware", FIRMWARE),
        ("scenarios", SCENARIOS),
    ],
)
def test_lists(softsnp: Softsnp, what: str, names: dict[str, object]) -> None:
    done = softsnp("list", what)
    assert (done.returncode, done.stderr) == (0, "")
    entries = [line.split()[0] for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert entries == list(names)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_show_prints_the_effective_source_and_where_it_comes_from(softsnp: Softsnp) -> None:
    own = softsnp("show", "rmpopt-v10", "snp_prepare").stdout
    assert own.startswith("# snp_prepare() of rmpopt-v10 comes from rmpopt-v10\n")
    assert "await self.cpu_hotplug_disable()" in own
    inherited = softsnp("show", "review-disable-under-read-lock", "snp_rmptable_init").stdout
    assert "comes from rmpopt-v10\n" in inherited


def test_show_follows_super_and_knows_c_names(softsnp: Softsnp) -> None:
    shown = softsnp("show", "review-flag-on-top", "__sev_snp_init_locked()").stdout
    assert "# _sev_snp_init_locked() of review-flag-on-top comes from review-flag-on-top" in shown
    assert "comes from the kernel (softsnp/spec/linux/drivers/crypto/ccp/sev_dev.py)" in shown


def test_show_without_a_function_lists_them_all(softsnp: Softsnp) -> None:
    shown = softsnp("show", "rmpopt-v10").stdout.splitlines()
    assert shown[0] == "# rmpopt-v10"
    assert any(line.split() == ["snp_prepare", "rmpopt-v10"] for line in shown)
    assert any(line.startswith("cpu_up ") and "the kernel" in line for line in shown)


def test_help_names_every_verb(softsnp: Softsnp) -> None:
    done = softsnp("--help")
    assert done.returncode == 0
    for verb in ("check", "explain", "why", "claims", "findings", "sweep", "list", "show"):
        assert f"    {verb} " in done.stdout


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_run(softsnp: Softsnp, example: Path) -> None:
    done = softsnp("check", str(example), "--cpus", "2", "--format", "json")
    assert done.returncode in (0, 1)
    assert {run["complete"] for run in json.loads(done.stdout)["runs"]} == {True}


def test_the_example_mends_one_thing_and_breaks_another(softsnp: Softsnp) -> None:
    done = softsnp("check", str(EXAMPLES / "my_idea.py"), "--cpus", "2", "--format", "json")
    told = {
        (run["firmware"], p["name"]): p["verdict"]
        for run in json.loads(done.stdout)["runs"]
        for p in run["properties"]
    }
    assert told["legacy", "failed-init-keeps-hold"] == "holds"
    assert told["x86-shutdown", "hotplug-count-balanced"] == "violated"
