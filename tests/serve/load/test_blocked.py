"""Who waits can be killed."""

from __future__ import annotations

import sys

from .test_many_cpus import run


def test_who_waits_behind_a_slow_command_can_be_killed() -> None:
    ran = run(
        *("--latency", "--no-autoload", "--", sys.executable, "-m", "tests.serve.load.blocked")
    )
    assert ran.returncode == 0
    assert ran.stdout.split() == ["SIGKILL", "SIGINT", "hotplug", "0-7"]
