"""Our own engines, from the slowest up. A rung is a function of run_one.py and a class here."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from .engine import EngineFailed, Sample
from .machine import ROOT


class Rung:
    """An engine of ours, in an interpreter of its own: its start counts too."""

    name: str
    rung: str
    cores = 1
    complete = True
    peer = False

    def __init__(self, model: str) -> None:
        self.model = model

    def missing(self) -> list[str]:
        return []

    def prepare(self, cpus: int) -> None:
        """Nothing is kept from one run to the next."""

    def run(self, cpus: int) -> Sample:
        command = [sys.executable, "-m", "bench.run_one", self.model, str(cpus)]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "--rung", self.rung], cwd=ROOT, capture_output=True, text=True, check=False
        )
        verdict = time.perf_counter() - began
        if done.returncode != 0:
            raise EngineFailed(done.stdout + done.stderr)
        said = json.loads(done.stdout)
        return Sample(**said, verdict=verdict)


class Python(Rung):
    name = "softsnp, emitted Python"
    rung = "python"


class Table(Rung):
    name = "softsnp, table engine"
    rung = "table"
