"""Another command in a namespace that runs already."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from . import system
from .errors import NamespaceError, command_failed, described, step_failed
from .plan import INIT_NAME, with_tools
from .task import HEARD_BY_ALL, PASSED_ON, PYTHON_CHANGED, WAITED_FOR, exit_status
from .terminal import Terminal


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
    terminal = Terminal()
    try:
        name = _name(init)
        if name != INIT_NAME:
            raise _no_host(init, f"it is called {name!r}" if name else "it has ended")
        for number in WAITED_FOR:
            signal.signal(number, signal.SIG_DFL)
        reading, writing = os.pipe()
        middle = os.fork()
        if middle == 0:
            os.close(reading)
            os._exit(_enter(init, handle, command, environment, writing))
        os.close(writing)
        with _signals_passed_on(middle):
            return _wait(middle, command[0], reading)
    finally:
        os.close(handle)
        terminal.restore()


def _no_host(init: int, why: str) -> NamespaceError:
    return NamespaceError(
        f"process {init} is not the first of a virtual host, {INIT_NAME}: {why}\n"
        "  the hosts that run can be found by that name: `pgrep softsnp-init`"
    )


def _name(pid: int) -> str | None:
    """A process's comm; None for one that is gone, or has ended and waits to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return None if rest.split()[0] in ("Z", "X") else name


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
            for number in (*PASSED_ON, *HEARD_BY_ALL, *PYTHON_CHANGED):
                signal.signal(number, signal.SIG_DFL)
            variables = with_tools(os.environ if environment is None else environment)
            os.execvpe(command[0], list(command), variables)
    except OSError as error:
        os.write(report, f"{stage} {error.errno or 0}".encode())
        return 70
    os.close(report)
    with _signals_passed_on(child):
        _, status = os.waitpid(child, 0)
    return exit_status(status)


def _wait(child: int, command: str, reading: int) -> int:
    with os.fdopen(reading, "rb") as report:
        failed = report.read().decode().split()
    _, status = os.waitpid(child, 0)
    if not failed:
        return exit_status(status)
    stage, error = failed[0], int(failed[1])
    if stage == "command":
        raise command_failed(command, error)
    raise step_failed("entering the namespace of the virtual host", "", error)


@contextmanager
def _signals_passed_on(child: int) -> Iterator[None]:
    """To a process; what a terminal sends it gets by itself."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    before = {number: signal.getsignal(number) for number in (*PASSED_ON, *HEARD_BY_ALL)}
    for number in PASSED_ON:
        signal.signal(number, pass_on)
    for number in HEARD_BY_ALL:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
