"""The server's side of a namespace, from its beginning to its end."""

from __future__ import annotations

import os
import select
import signal
import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Final

from softsnp.serve.fuse.server import Server
from softsnp.serve.loop import Loop, Work
from softsnp.serve.vfs import Directory

from .errors import (
    NamespaceError,
    command_failed,
    device_failed,
    step_failed,
    user_namespace_failed,
)
from .messages import receive
from .plan import Plan
from .task import PASSED_ON, exit_status

Control = Callable[[Loop, socket.socket], None]
"""Takes a new connection, which does not block, and watches it on the loop."""
PATIENCE: Final = 10_000
"""Milliseconds for the processes of a namespace that is being killed."""


@dataclass(frozen=True)
class Started:
    """What is known when the command runs."""

    init: int
    """The pid of the namespace's first process, as it is seen outside."""
    missing: tuple[str, ...]
    """The places where nothing could be put: there is nothing to put it on. "/proc" itself, if no
    new one may be mounted: the processes have other numbers in the old one.
    """


class Session:
    """A namespace that a mounter process is making, or has made."""

    def __init__(
        self,
        child: int,
        hearing: socket.socket,
        listening: socket.socket | None,
        loop: Loop,
        root: Directory,
        plan: Plan,
        command: str,
        trouble: Callable[[str], None],
        work: Work | None,
        control: Control | None,
        started: Callable[[Started], None] | None,
    ) -> None:
        self._child = child
        self._child_handle = os.pidfd_open(child)
        self._hearing = hearing
        self._listening = listening
        self._loop = loop
        self._root = root
        self._plan = plan
        self._command = command
        self._trouble = trouble
        self._works: list[Work] = [work] if work else []
        self._control = control
        self._started = started
        self._server: Server | None = None
        self._init = 0
        self._init_handle: int | None = None
        self._missing: tuple[str, ...] = ()
        self._status: int | None = None
        self.failure: NamespaceError | None = None
        """Why the namespace could not be made."""

    def run(self) -> int:
        """Serves until the namespace ends; the command's exit status. Raises ``failure``."""
        self._hearing.setblocking(False)
        self._loop.watch(self._hearing.fileno(), self._hear)
        self._loop.watch(self._child_handle, self._child_ended)
        self._loop.run(self._works)
        if self.failure is not None:
            raise self.failure
        return self._status if self._status is not None else 0

    def close(self) -> None:
        """Ends everything: the connection first, so that no client waits for an answer."""
        if self._server is not None:
            try:
                self._server.close()
            except Exception:
                self._trouble(f"releasing the open files failed:\n{traceback.format_exc()}")
            os.close(self._server.fileno())
        if self._status is None:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
        os.close(self._child_handle)
        if self._init_handle is not None:
            self._wait_for_init(self._init_handle)
            os.close(self._init_handle)
        self._hearing.close()
        if self._listening is not None:
            self._listening.close()
        self._loop.close()

    def _wait_for_init(self, handle: int) -> None:
        """It dies with the mounter, and so does all the namespace with it; but not at once."""
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(PATIENCE):
            self._trouble(f"process {self._init}, softsnp-init, has been killed and does not end")

    def _child_ended(self) -> None:
        while self._hear():
            pass
        _, status = os.waitpid(self._child, 0)
        self._status = exit_status(status)
        self._loop.stop()

    def _hear(self) -> bool:
        """One message of the processes in the namespace. Whether there was one."""
        if self._hearing.fileno() < 0:
            return False
        try:
            heard = receive(self._hearing)
        except (BlockingIOError, ConnectionResetError):
            return False
        if heard is None:
            self._loop.forget(self._hearing.fileno())
            self._hearing.close()
            if self._init and self.failure is None:
                self._begin()
            return False
        message, descriptors = heard
        if descriptors:
            self._serve(descriptors[0])
        elif "init" in message:
            self._init = message["init"]
            with suppress(ProcessLookupError):
                self._init_handle = os.pidfd_open(self._init)
        elif "missing" in message:
            self._missing = tuple(message["missing"])
        elif self.failure is None:
            self.failure = self._error(*message["failed"])
        return True

    def _serve(self, descriptor: int) -> None:
        server = Server(descriptor, self._root, self._trouble)

        def ready() -> None:
            if server.ended:
                self._loop.forget(descriptor)

        self._server = server
        server.start()
        self._works.insert(0, server)
        self._loop.watch(descriptor, ready)

    def _begin(self) -> None:
        """The command runs."""
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._pass_on)
        if self._listening is not None:
            self._listening.setblocking(False)
            self._loop.watch(self._listening.fileno(), self._accept)
        if self._started is not None:
            self._started(Started(self._init, self._missing))

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if self._init_handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._init_handle, number)

    def _accept(self) -> None:
        if self._listening is None or self._control is None:
            return
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection.setblocking(False)
        self._control(self._loop, connection)

    def _error(self, stage: str, what: str, place: str, error: int) -> NamespaceError:
        if stage == "device":
            return device_failed(place, error)
        if stage == "user namespace":
            return user_namespace_failed(error)
        if stage == "command":
            return command_failed(place, error)
        if stage == "bug":
            return NamespaceError(f"softsnp failed while the namespace was made: {what}")
        return step_failed(what, place, error)
