"""Whether a process is being killed, by what /proc says of its signals."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final


def _bit(number: int) -> int:
    return 1 << (number - 1)


_KILL: Final = _bit(signal.SIGKILL)
_HARMLESS: Final = sum(
    _bit(number)
    for number in (
        signal.SIGCHLD,
        signal.SIGCONT,
        signal.SIGURG,
        signal.SIGWINCH,
        signal.SIGSTOP,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
    )
)
"""What is ignored, or only stops, when nothing else is said of it."""


def fatal(pending: int, blocked: int, ignored: int, caught: int) -> bool:
    """Whether one of the pending signals ends the process. Sets of signals, bit 0 is signal 1."""
    if pending & _KILL:
        return True
    return bool(pending & ~(blocked | ignored | caught | _HARMLESS))


def being_killed(task: int) -> bool:
    """Whether the task has a fatal signal pending, or is not there any more."""
    try:
        status = Path(f"/proc/{task}/status").read_text()
    except OSError:
        return True
    sets = {}
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name in ("SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt"):
            sets[name] = int(value, 16)
    pending = sets.get("SigPnd", 0) | sets.get("ShdPnd", 0)
    return fatal(pending, sets.get("SigBlk", 0), sets.get("SigIgn", 0), sets.get("SigCgt", 0))
