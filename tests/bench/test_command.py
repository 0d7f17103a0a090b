"""``python -m bench`` as a process. Nothing here looks at a time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.machine import ROOT

LACKING = [command for command in ("spin", "gcc") if shutil.which(command) is None]


def bench(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **({} if path is None else {"PATH": path})}
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
def test_quick_finds_the_same_counts_everywhere(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = bench(
        "--quick", "--model", "hotplug", "--only", "python", "table", "spin", "--json", str(figures)
    )
    assert done.returncode == 0, done.stderr
    data = json.loads(figures.read_text())
    states = {
        (one["engine"], one["cpus"]): one["samples"][0]["states"]
        for one in data["hotplug"]["measured"]
    }
    assert len(states) == 6
    assert all(seen == {1: 1_866, 2: 13_700}[cpus] for (_, cpus), seen in states.items())
    assert done.stdout.count("\n| 1 |") == done.stdout.count("\n| 2 |") == 3


def test_one_message_when_spin_is_missing(tmp_path: Path) -> None:
    done = bench("--quick", path=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "bench: this machine has no gcc and no spin." in done.stderr.splitlines()
    assert "apt install spin gcc" in done.stderr


def test_ours_alone_needs_nothing(tmp_path: Path) -> None:
    done = bench("--quick", "--only", "python", path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "emitted Python" in done.stdout
