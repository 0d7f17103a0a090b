"""Which signals kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from softsnp.serve.fuse.signals import being_killed, fatal


def bits(*numbers: int) -> int:
    return sum(1 << (number - 1) for number in numbers)


@pytest.mark.parametrize(
    ("pending", "blocked", "ignored", "caught", "expected"),
    [
        ([], [], [], [], False),
        ([signal.SIGKILL], [], [], [], True),
        ([signal.SIGKILL], [signal.SIGKILL], [signal.SIGKILL], [signal.SIGKILL], True),
        ([signal.SIGTERM], [], [], [], True),
        ([signal.SIGTERM], [signal.SIGTERM], [], [], False),
        ([signal.SIGTERM], [], [signal.SIGTERM], [], False),
        ([signal.SIGTERM], [], [], [signal.SIGTERM], False),
        ([signal.SIGTERM, signal.SIGINT], [], [], [signal.SIGTERM], True),
        ([signal.SIGCHLD, signal.SIGWINCH, signal.SIGTSTP], [], [], [], False),
        ([64], [], [], [], True),
    ],
)
def test_fatal(
    pending: list[int], blocked: list[int], ignored: list[int], caught: list[int], expected: bool
) -> None:
    assert fatal(bits(*pending), bits(*blocked), bits(*ignored), bits(*caught)) is expected


def test_a_live_process_is_not_being_killed_and_a_gone_one_is() -> None:
    assert not being_killed(os.getpid())
    assert being_killed(1 << 30)


def test_a_blocked_signal_does_not_kill() -> None:
    body = (
        "import signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.terminate()
        time.sleep(0.05)
        assert not being_killed(child.pid)
        child.kill()
