"""Starts a command in a namespace of its own, and serves it until it ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from softsnp.serve.loop import Loop, Work
from softsnp.serve.vfs import Directory

from . import mounter
from .messages import Reporter, in_child
from .plan import Plan
from .session import Control, Session, Started
from .task import HEARD_BY_ALL, PASSED_ON, WAITED_FOR, Task
from .terminal import Terminal

BROKEN: Final = 70
"""The exit status after a bug of ours: EX_SOFTWARE of sysexits.h."""
CAP_SYS_ADMIN: Final = 1 << 21


def launch(
    root: Directory,
    plan: Plan,
    command: Sequence[str],
    trouble: Callable[[str], None],
    work: Work | None = None,
    control: Control | None = None,
    started: Callable[[Started], None] | None = None,
) -> int:
    """Runs ``command`` where the plan's nodes of ``root`` are. Returns its exit status, as a shell
    tells it; 70 if the server itself failed. Nothing is left behind, and nothing outside changed.

    ``trouble`` hears of bugs of ours, one text for each. ``work`` is done between requests.
    ``control`` gets the loop and each new connection to the control socket. ``started`` is called
    when the command runs. To be called from the main thread, with no other thread in the process.

    Raises NamespaceError, before the command has run.
    """
    if not command:
        raise ValueError("no command to run")
    before = {number: signal.getsignal(number) for number in _signals()}
    terminal = Terminal()
    try:
        for number in HEARD_BY_ALL:
            signal.signal(number, signal.SIG_IGN)
        for number in WAITED_FOR:
            signal.signal(number, signal.SIG_DFL)
        ignored = frozenset(n for n, handler in before.items() if handler is signal.SIG_IGN)
        session = _begin(plan, command, ignored, root, trouble, work, control, started)
        try:
            return session.run()
        except Exception as error:
            if session.failure is error:
                raise
            trouble(f"the server ends, and the namespace with it:\n{traceback.format_exc()}")
            return BROKEN
        finally:
            session.close()
    finally:
        for number, handler in before.items():
            # None: whatever was there is not Python's, and cannot be put back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        terminal.restore()


def _begin(
    plan: Plan,
    command: Sequence[str],
    ignored: frozenset[int],
    root: Directory,
    trouble: Callable[[str], None],
    work: Work | None,
    control: Control | None,
    started: Callable[[Started], None] | None,
) -> Session:
    hearing, speaking = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening = socket.socket(socket.AF_UNIX) if control else None
    task = Task(
        plan=plan,
        command=command,
        environment=plan.command_environment(),
        directory=_working_directory(),
        ignored=ignored,
        user_namespace=_needs_user_namespace(plan),
        control=listening,
        server=os.getpid(),
    )
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        reporter = Reporter(speaking)
        os._exit(in_child(reporter, lambda: mounter.run(task, reporter)))
    speaking.close()
    return Session(
        child, hearing, listening, Loop(), root, plan, command[0], trouble, work, control, started
    )


def _signals() -> tuple[signal.Signals, ...]:
    return (*PASSED_ON, *HEARD_BY_ALL, *WAITED_FOR)


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return "/"


def _needs_user_namespace(plan: Plan) -> bool:
    if plan.user_namespace is not None:
        return plan.user_namespace
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return not int(value, 16) & CAP_SYS_ADMIN
    return os.geteuid() != 0
