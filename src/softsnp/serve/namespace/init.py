"""The first process of the namespace: it starts the command, and reaps whatever is orphaned."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType

from . import system
from .messages import Reporter, in_child, step
from .places import Places
from .plan import INIT_NAME
from .task import (
    HEARD_BY_ALL,
    PASSED_ON,
    PYTHON_CHANGED,
    TREE,
    WAITED_FOR,
    Task,
    exit_status,
    in_proc,
)


def run(task: Task, reporter: Reporter, places: Places, alive: int) -> int:
    """Until the command ends; the kernel ends all others then. The status is the command's.

    ``alive`` is a pipe of which the parent has the other end, and nobody else.
    """
    system.set_name(INIT_NAME)
    system.die_with_parent(signal.SIGKILL)
    if select.select([alive], [], [], 0)[0]:  # the pipe ends: so did the parent, unnoticed
        return 128 + signal.SIGKILL
    _finish_mounting(task, places)
    if places.missing:
        reporter.missing(places.missing)
    command = _start(task, reporter)
    reporter.close()
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == command:
            return exit_status(status)


def _finish_mounting(task: Task, places: Places) -> None:
    """What only a process of the new PID namespace can do, and what comes last."""
    flags = system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
    # Where parts of /proc are masked no new one may show them, and the old one has to do: its
    # numbers of processes are those outside.
    try:
        system.mount("proc", "/proc", "proc", flags)
    except OSError:
        places.missing.append("/proc")
    for bind in task.plan.binds:
        if in_proc(bind.place):
            places.put(bind)
    with step("detaching", TREE):
        os.chdir("/")
        system.unmount(TREE)
        Path(TREE).rmdir()


def _start(task: Task, reporter: Reporter) -> int:
    child = 0

    def pass_on(number: int, frame: FrameType | None) -> None:
        if child:
            with suppress(ProcessLookupError):
                os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    child = os.fork()
    if child == 0:
        os._exit(in_child(reporter, lambda: _execute(task)))
    return child


def _execute(task: Task) -> int:
    for number in (*PASSED_ON, *HEARD_BY_ALL, *WAITED_FOR, *PYTHON_CHANGED):
        ignored = number in task.ignored
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
    with suppress(OSError):  # else it begins at the root
        os.chdir(task.directory)
    name = task.command[0]
    with step("executing", name, stage="command"):
        os.execvpe(name, list(task.command), task.environment)
