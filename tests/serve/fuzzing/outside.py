"""Starts a virtual host for the random clients, and hears what they found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .report import Report

ROOT = Path(__file__).parents[3]
A_MILLISECOND_EACH = 0.05
"""Seconds for each call, before all of it is given up: twenty times what is usual."""


@dataclass(frozen=True)
class Found:
    """What clients reported, and how the host ended."""

    report: Report
    status: int
    said: str

    def wrong(self) -> list[str]:
        told = list(self.report.wrong)
        if self.status:
            told.append(f"softsnp run ended with {self.status}")
        if self.said:
            told.append(f"softsnp run said:\n{self.said}")
        return told


def softsnp(*arguments: str) -> list[str]:
    """A command line of this very source."""
    return [sys.executable, "-m", "softsnp.cli.main", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


def fuzz(
    calls: int,
    seed: int,
    host: Sequence[str] = (),
    processes: int = 2,
    threads: int = 3,
    calm: bool = False,
) -> Found:
    """All of it. Raises subprocess.TimeoutExpired if the host neither answers nor ends."""
    inside = [
        sys.executable, "-m", "tests.serve.fuzzing.inside",
        *("--calls", str(calls), "--seed", str(seed)),
        *("--processes", str(processes), "--threads", str(threads)),
        *(["--calm"] if calm else []),
    ]  # fmt: skip
    ran = subprocess.run(
        softsnp("run", "--seed", str(seed), *host, "--", *inside),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=300 + calls * A_MILLISECOND_EACH,
        check=False,
    )
    lines = ran.stdout.splitlines()
    report = Report.from_json(lines[-1]) if lines else Report(wrong=["the clients said nothing"])
    said = "\n".join(
        line for line in ran.stderr.splitlines() if "this machine's processor" not in line
    )
    return Found(report, ran.returncode, said)
