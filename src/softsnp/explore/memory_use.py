"""How much memory there is and how much of it this process has."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def resident() -> int:
    """The process's resident memory in bytes; where only the peak is known, the peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()
