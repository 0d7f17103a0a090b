"""Another command in a namespace that runs already."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

from . import system
from .errors import NamespaceError, command_failed, described, step_failed
from .plan import INIT_NAME, with_tools
from .task import HEARD_BY_ALL, PASSED_ON, PYTHON_CHANGED, exit_status


def hosts() -> Iterator[int]:
    """The first processes of all namespaces there are, by pid, that this user may see."""
    pids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    yield from (pid for pid in pids if _name(pid) == INIT_NAME)


def join(init: int, command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
    """Runs a command beside the one that a namespace was made for; its exit status.

    ``init`` is the pid of the namespace's first process. Raises NamespaceError.
    """
    try:
        handle = os.pidfd_open(init)
    except OSError as error:
        raise _no_host(init, described(error.errno or 0)) from None
    try:
        name = _name(init)
        if name != INIT_NAME:
            raise _no_host(init, f"it is called {name!r}")
        reading, writing = os.pipe()
        middle = os.fork()
        if middle == 0:
            os.close(reading)
            os._exit(_enter(init, handle, command, environment, writing))
        os.close(writing)
        return _wait(middle, command[0], reading)
    finally:
        os.close(handle)


def _no_host(init: int, why: str) -> NamespaceError:
    return NamespaceError(
        f"process {init} is not the first of a virtual host, {INIT_NAME}: {why}\n"
        "  the hosts that run can be found by that name: `pgrep softsnp-init`"
    )


def _name(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return None


def _enter(
    init: int,
    handle: int,
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    report: int,
) -> int:
    """In a process of its own, which changes its namespaces, and waits for the command's."""
    try:
        stage = "enter"
        directory = os.getcwd()  # noqa: PTH109
        user = (
            Path(f"/proc/{init}/ns/user").stat().st_ino != Path("/proc/self/ns/user").stat().st_ino
        )
        flags = system.CLONE_NEWNS | system.CLONE_NEWPID | (system.CLONE_NEWUSER if user else 0)
        system.setns(handle, flags)
        with suppress(OSError):
            os.chdir(directory)
        child = os.fork()
        if child == 0:
            stage = "command"
            for number in (*HEARD_BY_ALL, *PYTHON_CHANGED):
                signal.signal(number, signal.SIG_DFL)
            variables = with_tools(os.environ if environment is None else environment)
            os.execvpe(command[0], list(command), variables)
    except OSError as error:
        os.write(report, f"{stage} {error.errno or 0}".encode())
        return 70
    os.close(report)
    _pass_signals_on(child)
    _, status = os.waitpid(child, 0)
    return exit_status(status)


def _wait(child: int, command: str, reading: int) -> int:
    _pass_signals_on(child)
    with os.fdopen(reading, "rb") as report:
        failed = report.read().decode().split()
    _, status = os.waitpid(child, 0)
    if failed:
        error = int(failed[1])
        raise (
            command_failed(command, error)
            if failed[0] == "command"
            else step_failed("entering the namespace of the virtual host", "", error)
        )
    return exit_status(status)


def _pass_signals_on(child: int) -> None:
    """To a process; what a terminal sends is its own business."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    for number in HEARD_BY_ALL:
        signal.signal(number, signal.SIG_IGN)
