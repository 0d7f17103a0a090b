"""A child process, run to its end: what it said, how long it took, how much of that it computed."""

from __future__ import annotations

import resource
import signal
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
    """Raises EngineFailed, with how it ended and all that it said, when that was not well."""
    before, began = _processor(), time.perf_counter()
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    if done.returncode != 0:
        status = done.returncode
        how = f"exit status {status}" if status > 0 else f"ended by {signal.Signals(-status).name}"
        raise EngineFailed(f"{' '.join(command)}: {how}\n{done.stdout}{done.stderr}")
    return Ended(done.stdout, wall, _processor() - before)


def _processor() -> float:
    """Of all children that have ended, and there is one at a time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
