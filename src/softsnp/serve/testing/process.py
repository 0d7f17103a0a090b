"""The processes around a virtual host: ``softsnp run``, and commands that enter its namespace."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .options import HostOptions

INSIDE: Final = (sys.executable, "-I", "-S", str(Path(__file__).with_name("inside.py")))
"""The script inside.py, to be run in the host: its answer is a line of JSON."""
PATIENCE: Final = 60.0
"""Seconds for a host to boot, and for one to end."""
PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""What a process that has entered a namespace passes on to its command."""
BAD_USAGE: Final = 2


class HostError(Exception):
    """A virtual host that does not start, or has ended; one clear message."""


class HostUnavailable(HostError):
    """Here no virtual host can run at all: no /dev/fuse, no namespaces, a package is missing."""


class Server:
    """``softsnp run``, whose command waits until its input ends: at the latest with this process,
    since nobody else has the other end.
    """

    def __init__(self, options: HostOptions) -> None:
        """Returns when the host is up. Raises HostError."""
        self.options = options
        self._told = ""
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = _softsnp_run(options, [*INSIDE, "wait"], self._errors.fileno())
        try:
            answer = self._first_line()
            environment: dict[str, str] = json.loads(answer)["environment"]
            self.gives = {k: v for k, v in environment.items() if os.environ.get(k) != v}
            """Variables that the host changes for its commands."""
            self.init = self._find_init()
            """The pid of its first process, as it is seen outside."""
        except BaseException:
            self.close()
            raise

    def _first_line(self) -> bytes:
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], PATIENCE)[0]:
            raise HostError(f"softsnp run has said nothing for {PATIENCE:.0f} seconds")
        line: bytes = output.readline()
        if not line:
            raise self._not_started(self._process.wait(PATIENCE))
        return line

    def _not_started(self, status: int) -> HostError:
        told = self.told() or f"softsnp run ended with status {status}"
        if status == BAD_USAGE and not namespace_works(self.options):
            return HostUnavailable(told)
        return HostError(told)

    def _find_init(self) -> int:
        """A child of the mounter, which is a child of the server."""
        from softsnp.serve.namespace.join import hosts

        for pid in hosts():
            if _parent(_parent(pid)) == self._process.pid:
                return pid
        raise HostError(f"softsnp run ended at once:\n{self.told()}")

    def alive(self) -> bool:
        return self._process.poll() is None

    def told(self) -> str:
        """What it has written to its standard error."""
        if not self._errors.closed:
            self._errors.seek(0)
            self._told = self._errors.read().strip().removeprefix("softsnp: ")
        return self._told

    def close(self) -> int:
        """Ends the host and all that runs in it. The exit status of ``softsnp run``."""
        try:
            self._process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self.told()
        self._errors.close()
        return self._process.returncode


def _softsnp_run(
    options: HostOptions, command: Sequence[str], errors: int
) -> subprocess.Popen[bytes]:
    run = [sys.executable, "-m", "softsnp.cli.main", "run", *options.arguments(), "--", *command]
    return subprocess.Popen(
        run,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,  # a Ctrl-C is for the tests, which then end the host
    )


def namespace_works(options: HostOptions) -> bool:
    """Whether a host with nothing special about it runs here."""
    process = _softsnp_run(options.without_the_host(), ["true"], subprocess.DEVNULL)
    process.communicate(timeout=PATIENCE)
    return process.returncode == 0


def _parent(pid: int | None) -> int | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = [line for line in status.splitlines() if line.startswith("PPid:")]
    return int(found[0].split()[1]) if found else None


class HostProcess(subprocess.Popen[str]):
    """A command in the host. Its process group is its own, so that signals reach the command and
    not only the process that waits for it outside.
    """

    def __init__(
        self, init: int, command: Sequence[str], environment: Mapping[str, str], **more: Any
    ) -> None:
        descriptor = os.memfd_create("environment", 0)
        try:
            os.write(descriptor, json.dumps(dict(environment)).encode())
            os.lseek(descriptor, 0, os.SEEK_SET)
            super().__init__(
                [
                    *(sys.executable, "-m", "softsnp.serve.testing.enter"),
                    *(str(init), str(descriptor), *command),
                ],
                text=True,
                start_new_session=True,
                pass_fds=(*more.pop("pass_fds", ()), descriptor),
                **more,
            )
        finally:
            os.close(descriptor)

    def send_signal(self, sig: int) -> None:
        if sig in PASSED_ON:
            super().send_signal(sig)
        elif self.poll() is None:
            os.killpg(self.pid, sig)
