"""When the server ends, so does the wait of everybody who waits for it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from softsnp.serve.control import ask, socket_of
from tests.serve.fuzzing.outside import ROOT, environment, softsnp

from .processes import MARK, PATIENCE, of_run, sockets, still_there

WAITS = "SNP_PLATFORM_STATUS"
"""What the client asks, as the host calls it."""


@pytest.mark.parametrize("crash", [signal.SIGKILL, signal.SIGSEGV])
def test_a_client_of_a_server_that_crashed_gets_an_error(crash: signal.Signals) -> None:
    value = f"{os.getpid()}-crash-{crash.name}"
    run = subprocess.Popen(
        softsnp(
            *("run", "--latency", "--no-autoload", "--", "sh", "-c"),
            "echo ready; while :; do modprobe kvm_amd; modprobe -r kvm_amd; done",
        ),
        cwd=ROOT,
        env={**environment(), MARK: value},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    resource.prlimit(run.pid, resource.RLIMIT_CORE, (0, 0))
    assert run.stdout is not None and run.stdout.readline() == "ready\n"
    init = next(process.pid for process in of_run(value) if process.name == "softsnp-init")
    client = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.load.outsider", str(init)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE
    while not any(task["operation"] == WAITS for task in ask(socket_of(init), "tasks")):
        assert time.monotonic() < end, "the client never asked anything"
    held = sockets(run.pid)
    run.send_signal(crash)
    assert run.wait(PATIENCE) == -crash
    said, _ = client.communicate(timeout=PATIENCE)
    assert said.strip() in ("ECONNABORTED", "ENOTCONN", "ENODEV")
    run.stdout.close()
    assert still_there(value, held) == []
