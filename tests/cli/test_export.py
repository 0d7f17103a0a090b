"""softsnp export."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Softsnp

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_a_model_says_of_what_it_is_and_how_to_run_it(softsnp: Softsnp, tmp_path: Path) -> None:
    done = softsnp("export", "promela", "rmpopt-v10")
    assert (done.returncode, done.stderr) == (0, "")
    heading = done.stdout.partition(" */\n")[0]
    assert "rmpopt-v10" in heading
    assert "Firmware: legacy. Scenario: thread (administrator, hotplugger). CPUs: 2." in heading
    assert "spin -o2 -a MODEL.pml" in heading
    assert "lock-order-acyclic" in heading, "what a model cannot say is named"
    written = softsnp("export", "promela", "rmpopt-v10", "--output", "model.pml")
    assert (written.returncode, written.stdout, written.stderr) == (0, "", "")
    text = (tmp_path / "model.pml").read_text()
    assert text.replace("model.pml", "MODEL.pml") == done.stdout


def test_there_is_nothing_in_a_line_that_nobody_can_read(softsnp: Softsnp) -> None:
    lines = softsnp("export", "promela", "proposal", "--cpus", "3").stdout.splitlines()
    assert max(len(line) for line in lines if not line.startswith("#define")) <= 132
    assert "proctype administrator() {" in " ".join(lines)
    assert any("/* operation: snphost commit */" in line for line in lines)


def test_a_design_file_a_scenario_an_assumption_and_one_property(softsnp: Softsnp) -> None:
    done = softsnp(
        *("export", "promela", str(EXAMPLES / "my_idea.py"), "--cpus", "3", "--scenario", "kexec"),
        *("--firmware", "x86-shutdown", "--assume", "cpu-hot-add"),
        *("--property", "online-cpus-guarded"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Firmware: x86-shutdown. Scenario: kexec (rebooter, hotplugger). CPUs: 3." in done.stdout
    assert "cpu-hot-add" in done.stdout
    assert done.stdout.count("_known;") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rmpopt-v11",), "no design 'rmpopt-v11'; closest: rmpopt-v10"),
        (("rmpopt-v10", "--cpus", "any"), "--cpus wants a number from 1 to 31"),
        (("rmpopt-v10", "--cpus", "1", "--assume", "cpu-hot-add"), "2 or more with cpu-hot-add"),
        (("rmpopt-v10", "--property", "lock-order-acyclic"), "not to be seen in one state"),
        (("rmpopt-v10", "--output", "no/such/directory"), "No such file or directory"),
    ],
)
def test_bad_usage(softsnp: Softsnp, arguments: tuple[str, ...], message: str) -> None:
    done = softsnp("export", "promela", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.skipif(shutil.which("spin") is None, reason="spin missing")
def test_spin_follows_its_own_counterexample_in_a_model(softsnp: Softsnp, tmp_path: Path) -> None:
    softsnp("export", "promela", "rmpopt-v9", "--output", "model.pml")

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        return done.stdout

    run("spin", "-DFIRST", "-o2", "-a", "model.pml")
    run("gcc", "-O0", "-DSAFETY", "-DNOREDUCE", "-DBFS", "-o", "pan", "pan.c")
    assert "assertion violated" in run("./pan", "-E")
    followed = run("./pan", "-r")
    assert "administrator" in followed
