"""Spin, as one would use it who wants it to win.

State vectors are stored as they are (NOCOMP, NOVSZ: a little faster here, for a little memory).
The hash table and the depth-first stack are given the size that the model turns out to need, which
nobody knows beforehand. COLLAPSE, hash-compact and bitstate are left out: the first is slower, the
others may miss states.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from softsnp.explore.export import promela

from .engine import EngineFailed, Sample
from .machine import ROOT
from .models import Counts, Model
from .process import run

FLAGS = ("-O3", "-DSAFETY", "-DNOVSZ", "-DNOCOMP")
TICKS = 1.0
"""From how many seconds on Spin's own clock, which ticks a hundred times a second, will do."""


class Spin:
    """Breadth-first without reduction: the same states in the same order as ours."""

    name = "Spin, breadth-first"
    cores = 1
    complete = True
    peer = True
    exported = False
    most_cpus: int | None = None
    flags: tuple[str, ...] = ("-DNOREDUCE", "-DBFS")

    def __init__(self, model: Model, directory: Path) -> None:
        """``directory`` is where it generates and compiles: one for each engine."""
        self.model = model
        self.directory = directory
        self.ready = 0.0

    def missing(self) -> list[str]:
        return [command for command in ("spin", "gcc") if shutil.which(command) is None]

    def knows(self) -> bool:
        return self.model.promela is not None

    def prepare(self, cpus: int) -> None:
        self.directory.mkdir(exist_ok=True)
        peak = str(ROOT / "bench" / "peak.c")
        generate = ("spin", *self.source(cpus))
        compile_ = ("gcc", *FLAGS, *self.flags, "-o", "pan", "pan.c", peak)
        self.ready = sum(run(command, self.directory).wall for command in (generate, compile_))

    def source(self, cpus: int) -> tuple[str, ...]:
        """What Spin is told of the model."""
        return (f"-DN={cpus}", "-a", str(self.model.promela))

    def run(self, cpus: int) -> Sample:
        counts = self.model.counts[cpus]
        command = ("./pan", f"-w{hash_bits(counts.states)}", *self.stack(counts))
        ended = run(command, self.directory)
        if _number(r"errors: (\d+)", ended.said) != 0:
            raise EngineFailed(ended.said)
        own = float(_find(r"elapsed time (\S+) seconds", ended.said))
        return Sample(
            states=_number(r"(\S+) states, stored", ended.said),
            # It counts being in the initial state as one.
            transitions=_number(r"(\S+) transitions \(", ended.said) - 1,
            exploring=own if own >= TICKS else ended.wall,
            ready=self.ready,
            verdict=self.ready + ended.wall,
            wall=ended.wall,
            processor=ended.processor,
            peak=_number(r"VmHWM:\s*(\d+) kB", ended.said) << 10,
        )

    def stack(self, counts: Counts) -> list[str]:
        return []


class Exported(Spin):
    """On what we export of our own model, without a hand laid on it."""

    name = "Spin, breadth-first, our export"
    exported = True

    def knows(self) -> bool:
        return True

    def source(self, cpus: int) -> tuple[str, ...]:
        """-o2 keeps states that Spin would take for no states; -DFIRST lets it go breadth-first."""
        file = self.directory / "model.pml"
        text = promela(self.model.specification(cpus), cpus, self.model.properties)
        file.write_text(text, encoding="utf-8")
        return ("-DFIRST", "-o2", "-a", str(file))


class DepthFirst(Spin):
    """Spin's default. It promises no shortest way to a violation."""

    name = "Spin, depth-first"
    flags: tuple[str, ...] = ("-DNOREDUCE",)

    def stack(self, counts: Counts) -> list[str]:
        return [f"-m{counts.stack + 100}"]


class ExportedDepthFirst(Exported):
    """The same for what we export."""

    name = "Spin, depth-first, our export"
    flags = DepthFirst.flags
    stack = DepthFirst.stack


class Reduced(DepthFirst):
    """With Spin's partial-order reduction, which may leave out states."""

    name = "Spin, depth-first, reduced"
    complete = False
    flags = ()


def hash_bits(states: int) -> int:
    """Slots, as a power of two, for a quarter more than there are states."""
    return (states * 5 // 4).bit_length()


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise EngineFailed(f"pan does not say {pattern!r}:\n{text}")
    return found[1]


def _number(pattern: str, text: str) -> int:
    """An exact number. Spin prints eight digits; above that only an approximation."""
    return int(_find(pattern, text))
