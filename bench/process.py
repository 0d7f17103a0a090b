"""A child process, run to its end: what it said, how long it took, how much of that it computed."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .engine import EngineFailed


@dataclass(frozen=True)
class Ended:
    """``wall`` and ``processor`` are in seconds, from the process's start to its end."""

    said: str
    wall: float
    processor: float


def run(command: Sequence[str], directory: Path) -> Ended:
    """Raises EngineFailed, with everything that it said, when its exit status is not 0."""
    before, began = _processor(), time.perf_counter()
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode != 0:
        raise EngineFailed(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return Ended(done.stdout, wall, _processor() - before)


def _processor() -> float:
    """Of all children that have ended, and there is one at a time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
