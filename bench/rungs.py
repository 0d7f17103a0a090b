"""Our own engines, from the slowest up. A rung is a name that run_one.py knows and a class here."""

from __future__ import annotations

import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

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
    exported = False
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
        return self.explore(cpus, self.cores)

    def explore(self, cpus: int, cores: int) -> Sample:
        command = [sys.executable, "-m", "bench.run_one", self.model, str(cpus)]
        ended = run([*command, "--rung", self.rung, "--cores", str(cores)], ROOT)
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


class Beside(Native):
    """Two searches beside each other that share nothing but the machine, as if they were one.

    No two threads at one search can be expected to be faster.
    """

    name = "softsnp, emitted code, two searches at once"
    cores = 2

    def run(self, cpus: int) -> Sample:
        cores = sorted(os.sched_getaffinity(0))

        def one(core: int) -> Sample:
            os.sched_setaffinity(0, {core})  # of this thread, and what it starts
            return self.explore(cpus, 1)

        with ThreadPoolExecutor(len(cores)) as threads:
            first, *others = threads.map(one, cores)
        slowest = max([first, *others], key=lambda sample: sample.exploring)
        return replace(slowest, exploring=slowest.exploring / len(cores))
