"""Which processes, sockets and mounts belong to one run of ``softsnp run``, and which are left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MARK: Final = "SOFTSNP_TEST_RUN"
"""In the environment of every process of a run; its value tells runs apart."""
PATIENCE: Final = 30.0
"""Seconds for what has been killed to be gone."""


@dataclass(frozen=True)
class Process:
    """One process, as /proc shows it."""

    pid: int
    name: str
    parent: int


def of_run(value: str) -> list[Process]:
    """All processes whose environment has that mark."""
    mark = f"{MARK}={value}".encode()
    return sorted(_marked(mark), key=lambda process: process.pid)


def _marked(mark: bytes) -> Iterator[Process]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # What ends while it is looked at has ended.
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    head, _, rest = (entry / "stat").read_text().rpartition(")")
                    yield Process(int(entry.name), head.partition("(")[2], int(rest.split()[1]))


def sockets(pid: int) -> set[str]:
    """Inodes of what a process has open of that kind."""
    found = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                target = os.readlink(link)  # noqa: PTH115, it is no path
                if target.startswith("socket:["):
                    found.add(target[len("socket:[") : -1])
    return found


def still_there(value: str, sockets_before: set[str]) -> list[str]:
    """What is left of a run when it has had time to go; each with what is known of it."""
    end = time.monotonic() + PATIENCE
    while of_run(value) and time.monotonic() < end:
        time.sleep(0.01)
    left = [f"process {_state(process)}" for process in of_run(value)]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    left += [f"mount {line}" for line in mounts if "softsnp" in line]
    if Path("/dev/softsnp").exists():
        left.append("/dev/softsnp")
    bound = Path("/proc/net/unix").read_text().splitlines()[1:]
    left += [f"socket {line}" for line in bound if line.split()[6] in sockets_before]
    return left


def _state(process: Process) -> str:
    told = f"{process.pid} ({process.name})"
    for name in ("status", "wchan", "stack"):
        with suppress(OSError):
            text = Path(f"/proc/{process.pid}/{name}").read_text()
            told += f" {name}: " + " ".join(text.split()[:12] if name == "status" else text.split())
    return told
