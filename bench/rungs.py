"""Our own engines, from the slowest up. A rung is a name that run_one.py knows and a class here."""

from __future__ import annotations

import json
import shutil
import sys

from softsnp.explore.rungs import cache

from .engine import Sample
from .machine import ROOT
from .process import run


class Rung:
    """An engine of ours, in an interpreter of its own: its start counts too."""

    name: str
    rung: str
    cores = 1
    complete = True
    peer = False
    most_cpus: int | None = None

    def __init__(self, model: str) -> None:
        self.model = model

    def missing(self) -> list[str]:
        return []

    def knows(self) -> bool:
        return True

    def prepare(self, cpus: int) -> None:
        """Nothing is kept from one run to the next."""

    def run(self, cpus: int) -> Sample:
        command = [sys.executable, "-m", "bench.run_one", self.model, str(cpus)]
        ended = run([*command, "--rung", self.rung, "--cores", str(self.cores)], ROOT)
        return Sample(
            **json.loads(ended.said),
            verdict=ended.wall,
            wall=ended.wall,
            processor=ended.processor,
        )


class Python(Rung):
    """Larger sizes take minutes."""

    name = "softsnp, emitted Python"
    rung = "python"
    most_cpus: int | None = 5


class Table(Rung):
    name = "softsnp, table engine"
    rung = "table"


class Native(Rung):
    """What it compiles is kept from one run to the next; here each round compiles anew."""

    name = "softsnp, emitted code"
    rung = "native"

    def prepare(self, cpus: int) -> None:
        shutil.rmtree(cache.place() / "native", ignore_errors=True)


class TwoTable(Table):
    name = "softsnp, table engine, 2 cores"
    cores = 2


class TwoNative(Native):
    name = "softsnp, emitted code, 2 cores"
    cores = 2
