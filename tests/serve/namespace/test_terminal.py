"""A shell with job control, on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import signal
import time
from pathlib import Path

import pytest

from .conftest import PATIENCE, ROOT, Host, command_line, environment


class Session:
    """A terminal, what is typed, and what is shown."""

    def __init__(self, *command: str) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT):  # ignored, if we run in the background
                signal.signal(number, signal.SIG_DFL)
            os.chdir(ROOT)
            os.execvpe(command[0], command, {**environment(), "PS1": "> ", "TERM": "dumb"})
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, pattern: str) -> str:
        """What is shown up to a pattern, since the last time."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.shown)):
            ready, _, _ = select.select([self.master], [], [], end - time.monotonic())
            assert ready, f"no {pattern!r} in {self.shown!r}"
            self.shown += os.read(self.master, 4096).decode(errors="replace")
        seen, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return seen

    def close(self) -> None:
        os.close(self.master)
        os.waitpid(self.pid, 0)


@pytest.fixture
def bash() -> str:
    for path in ("/bin/bash", "/usr/bin/bash"):
        if Path(path).exists():
            return path
    pytest.skip("no bash on this machine")


def test_jobs_are_stopped_interrupted_and_continued(host: Host, bash: str) -> None:
    session = Session(*command_line(bash, "--norc", "-i"))
    session.until("> ")
    session.type("sleep 1000\n")
    time.sleep(0.3)
    session.type("\x03")
    session.until("> ")
    session.type("echo status $?\n")
    session.until("status 130\r")
    session.type("cat /dev/small/never\n")
    time.sleep(0.3)
    session.type("\x03")
    session.type("echo status $?\n")
    session.until("status 130\r")
    session.type("sleep 1001\n")
    time.sleep(0.3)
    session.type("\x1a")
    session.until("Stopped")
    session.type("jobs\n")
    session.until("Stopped.*sleep 1001")
    session.type("kill %1; cat /dev/small/shown\n")
    session.until("shown\r")
    session.type("exit 3\n")
    _, status = os.waitpid(session.pid, 0)
    os.close(session.master)
    assert os.waitstatus_to_exitcode(status) == 3


def test_the_callers_shell_has_its_terminal_back(host: Host, bash: str) -> None:
    inner = " ".join(command_line(bash, "--norc", "-i"))
    session = Session(bash, "--norc", "-c", f"{inner}; read line; echo got $line; exit 4")
    session.until("# |\\$ ")
    session.type("true\n")
    session.until("# |\\$ ")
    session.type("exit\n")
    time.sleep(0.5)
    session.type("a line\n")
    session.until("got a line")
    _, status = os.waitpid(session.pid, 0)
    os.close(session.master)
    assert os.waitstatus_to_exitcode(status) == 4


def test_the_callers_shell_stops_and_continues_it(host: Host, bash: str) -> None:
    session = Session(bash, "--norc", "-i")
    session.until("> ")
    session.type(shlex.join(command_line("sh", "-c", "echo ready; sleep 1000")) + "\n")
    session.until("ready\r")
    session.type("\x1a")
    session.until("Stopped")
    session.type("fg\n")
    session.until("fg\r")
    time.sleep(0.2)
    session.type("\x03")
    session.until("> ")
    session.type("echo status $?\n")
    session.until("status 130\r")
    session.type("exit 0\n")
    _, status = os.waitpid(session.pid, 0)
    os.close(session.master)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_command_is_interrupted_by_the_terminal(host: Host, bash: str) -> None:
    session = Session(*command_line("sh", "-c", "echo ready; cat /dev/small/never"))
    session.until("ready")
    time.sleep(0.2)
    session.type("\x03")
    _, status = os.waitpid(session.pid, 0)
    os.close(session.master)
    assert os.waitstatus_to_exitcode(status) == 130
