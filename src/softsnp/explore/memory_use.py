"""How much memory there is, how much of it this process has, and no looking for garbage."""

from __future__ import annotations

import gc
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT_FREE = 8
"""The part of all memory that a search leaves to others: one in so many."""


@contextmanager
def uncollected() -> Iterator[None]:
    """While millions of objects are made that stay: looking for garbage finds none."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def resident() -> int:
    """The process's resident memory in bytes; where only the peak is known, the peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()


def available() -> int:
    """Bytes that could be had and leave the rest of the machine an eighth of it; where that is not
    known, half of all there is. A machine that gives its last page crawls long before.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        told = {
            name: int(size.split()[0]) * 1024 for name, _, size in (s.partition(":") for s in lines)
        }
        return max(0, told["MemAvailable"] - told["MemTotal"] // KEPT_FREE)
    except (OSError, KeyError):
        pass
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
