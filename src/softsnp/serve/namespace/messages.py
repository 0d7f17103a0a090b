"""What the processes of a namespace tell the server while they begin, over a socket pair.

The server hears the end of it when the command runs: every process closes its end by then.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Literal

LIMIT: Final = 65536
"""Bytes of a message."""

Stage = Literal["device", "user namespace", "command", "bug", "step"]
"""What failed: see the functions of ``errors``."""


class Failure(Exception):
    """A step that failed, on its way to the server."""

    def __init__(self, stage: Stage, what: str, place: str, error: int) -> None:
        super().__init__(stage, what, place, error)
        self.stage = stage
        self.what = what
        self.place = place
        self.error = error


class Reporter:
    """The end that speaks."""

    def __init__(self, speaking: socket.socket) -> None:
        self._socket = speaking

    def fileno(self) -> int:
        return self._socket.fileno()

    def device(self, descriptor: int) -> None:
        """The FUSE device is mounted, and handed over."""
        socket.send_fds(self._socket, [json.dumps({"device": True}).encode()], [descriptor])

    def init(self, pid: int) -> None:
        self._say({"init": pid})

    def missing(self, places: list[str]) -> None:
        """Places where nothing could be put, and that is not worth failing for."""
        self._say({"missing": places})

    def failed(self, failure: Failure) -> None:
        self._say({"failed": [failure.stage, failure.what, failure.place, failure.error]})

    def close(self) -> None:
        self._socket.close()

    def _say(self, message: dict[str, Any]) -> None:
        with suppress(BrokenPipeError):  # the server is gone, and so are we in a moment
            self._socket.send(json.dumps(message).encode())


def receive(hearing: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message and the descriptors in it; None at the end.

    Raises BlockingIOError when there is none yet.
    """
    data, descriptors, _, _ = socket.recv_fds(hearing, LIMIT, 4, socket.MSG_CMSG_CLOEXEC)
    return (json.loads(data), descriptors) if data else None


@contextmanager
def step(what: str, place: str = "", stage: Stage = "step") -> Iterator[None]:
    """An OSError within becomes a Failure that says what was tried, and where."""
    try:
        yield
    except OSError as error:
        raise Failure(stage, what, place, error.errno or 0) from error


def in_child(reporter: Reporter, body: Callable[[], int]) -> int:
    """What a forked process does, and its exit status. Reports whatever keeps it from its work."""
    try:
        return body()
    except Failure as failure:
        reporter.failed(failure)
    except BaseException as error:  # there is nobody else to hear of it
        reporter.failed(Failure("bug", repr(error), "", 0))
    return 70
