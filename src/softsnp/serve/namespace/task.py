"""What the processes of a namespace have to do."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .plan import HOME, Plan

TREE: Final = f"{HOME}/tree"
"""Where the whole tree is mounted until everything is placed."""
PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What the command gets of the signals that the server gets."""
HEARD_BY_ALL: Final = (signal.SIGINT, signal.SIGQUIT)
"""What a terminal sends to the command, too."""
WAITED_FOR: Final = (signal.SIGCHLD,)
"""What must not be ignored: children that end would be forgotten, and their statuses."""
PYTHON_CHANGED: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""What Python ignores, and no command expects to be ignored."""


@dataclass(frozen=True)
class Task:
    """What the mounter has to do."""

    plan: Plan
    command: Sequence[str]
    environment: dict[str, str]
    directory: str
    """Where the command begins."""
    ignored: frozenset[int]
    """The signals that the command ignores, since the server's caller did."""
    user_namespace: bool
    control: socket.socket | None
    """To be bound; the server listens on it."""
    server: int
    """The server's pid."""


def exit_status(status: int) -> int:
    """Of a wait status, as a shell tells it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def in_proc(place: str) -> bool:
    return place.startswith("/proc/")
