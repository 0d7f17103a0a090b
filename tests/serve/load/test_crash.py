"""When the server ends, so does the wait of everybody who waits for it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from softsnp.serve.control import ask, socket_of
from tests.serve.fuzzing.outside import ROOT, environment, softsnp

from .processes import MARK, PATIENCE, of_run, sockets, still_there

WAITS = "SNP_PLATFORM_STATUS"
"""What the client asks, as the host calls it."""


@contextmanager
def running(command: list[str], **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is gone afterwards."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment(), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("crash", [signal.SIGKILL, signal.SIGSEGV])
def test_a_client_of_a_server_that_crashed_gets_an_error(crash: signal.Signals) -> None:
    value = f"{os.getpid()}-crash-{crash.name}"
    command = softsnp(
        *("run", "--latency", "--no-autoload", "--", "sh", "-c"),
        "echo ready; while :; do modprobe kvm_amd; modprobe -r kvm_amd; done",
    )
    with running(command, **{MARK: value}) as run:
        resource.prlimit(run.pid, resource.RLIMIT_CORE, (0, 0))
        assert run.stdout is not None and run.stdout.readline() == "ready\n"
        init = next(one.pid for one in of_run(value) if one.name == "softsnp-init")
        outsider = [sys.executable, "-m", "tests.serve.load.outsider", str(init)]
        with running(outsider) as client:
            wait_until_it_asks(init)
            held = sockets(run.pid)
            run.send_signal(crash)
            assert run.wait(PATIENCE) == -crash
            said, _ = client.communicate(timeout=PATIENCE)
        assert said.strip() in ("ECONNABORTED", "ENOTCONN", "ENODEV")
    assert still_there(value, held) == []


def wait_until_it_asks(init: int) -> None:
    end = time.monotonic() + PATIENCE
    while not any(task["operation"] == WAITS for task in ask(socket_of(init), "tasks")):
        assert time.monotonic() < end, "the client never asked anything"
