"""softsnp sweep: killed in the middle, it goes on; and a file that is another's is left alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from softsnp.cli.sweep import every_set
from softsnp.spec.catalog import ASSUMPTIONS, BY_NAME, SURVEY

from .conftest import Softsnp

SOFTSNP = Path(sys.executable).with_name("softsnp")
SWEEP = ("sweep", "rmpopt-v9", "rmpopt-v10", "--scenario", "thread", "--cpus", "2")
SLOWLY = ("--rung", "python")
"""Native code goes on for many states before it looks at a bound."""
RUNS = 2 * 2 * len(SURVEY)


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def killed(path: Path, after: int) -> None:
    """A sweep that is killed once so many of its runs are in the file."""
    with subprocess.Popen([SOFTSNP, *SWEEP, "--out", path], stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + 60
        while len(lines(path)) <= after and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


def test_killed_twice_and_torn_it_ends_as_if_never_stopped(
    softsnp: Softsnp, tmp_path: Path
) -> None:
    whole = softsnp(*SWEEP, "--out", "whole.jsonl")
    assert (whole.returncode, whole.stderr) == (0, "")
    path = tmp_path / "killed.jsonl"
    for after in (2, 5):
        killed(path, after)
        assert after < len(lines(path)) <= RUNS
        with path.open("a") as file:
            file.write('{"design": "rmpopt-v1')
    resumed = softsnp(*SWEEP, "--out", "killed.jsonl")
    assert (resumed.returncode, resumed.stdout, resumed.stderr) == (0, whole.stdout, "")
    assert sorted(lines(path)) == sorted(lines(tmp_path / "whole.jsonl"))
    assert len(lines(path)) == RUNS + 1
    before = path.read_bytes()
    assert softsnp(*SWEEP, "--out", "killed.jsonl").stdout == whole.stdout
    assert path.read_bytes() == before


def test_every_set_of_changes_and_what_is_undecided(softsnp: Softsnp, tmp_path: Path) -> None:
    one = ("sweep", "linux-7.3", "--scenario", "thread", "--firmware", "legacy", *SLOWLY)
    done = softsnp(*one, "--assumptions", "all", "--max-states", "50", "--out", "all.jsonl")
    assert done.returncode == 3
    header, *told = map(json.loads, lines(tmp_path / "all.jsonl"))
    assert header["format"] == "softsnp.sweep/1"
    sets = {tuple(row["assume"].items()) for row in told}
    assert len(sets) == len(told) > 30
    assert max(map(len, sets)) == 2
    counts = done.stdout.splitlines()[-1].split()
    assert counts[:2] == ["linux-7.3", str(len(told))]
    assert counts[-1].replace(",", "") == str(len(told) * len(BY_NAME))
    bounded = softsnp(*one, "--max-states", "60", "--out", "all.jsonl")
    assert bounded.returncode == 3
    assert len(lines(tmp_path / "all.jsonl")) == 1 + len(told) + len(SURVEY), "another bound"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a diary\n", "x.jsonl is no file of softsnp sweep; it is left as it is"),
        ("a diary", "x.jsonl is no file of softsnp sweep; it is left as it is"),
        (
            '{"format": "softsnp.sweep/1", "version": "0", "specification": "0123"}\n',
            "x.jsonl has results of another specification (0123); this one is ",
        ),
        (
            '{"format": "softsnp.sweep/9", "version": "0", "specification": "0123"}\n',
            "x.jsonl has the format softsnp.sweep/9; this softsnp writes softsnp.sweep/1",
        ),
    ],
)
def test_a_file_of_something_else_is_left_alone(
    softsnp: Softsnp, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    done = softsnp(*SWEEP, "--out", "x.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"softsnp: {message}")
    assert path.read_text() == content


def test_a_line_that_is_no_result_is_named(softsnp: Softsnp, tmp_path: Path) -> None:
    bounded = (*SWEEP, *SLOWLY, "--max-states", "20", "--out", "x.jsonl")
    assert softsnp(*bounded).returncode == 3
    path = tmp_path / "x.jsonl"
    path.write_text(path.read_text() + "[1]\n")
    done = softsnp(*bounded)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"x.jsonl:{RUNS + 2}: not a result of softsnp sweep" in done.stderr


def test_a_place_that_cannot_be_written_is_one_message(softsnp: Softsnp) -> None:
    done = softsnp(*SWEEP, "--out", "nowhere/x.jsonl")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "softsnp: nowhere/x.jsonl: No such file or directory\n"


def test_how_many_changes_a_set_has() -> None:
    assert [len(every_set(most)) for most in (0, 1, len(ASSUMPTIONS))] == [
        1,
        1 + len(ASSUMPTIONS),
        2 ** len(ASSUMPTIONS),
    ]
