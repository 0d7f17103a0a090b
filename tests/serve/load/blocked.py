"""``python -m tests.serve.load.blocked``, in a virtual host with --latency: clients get signals
while they wait behind SNP_INIT_EX. Each line that is printed is a signal after which one was gone
while the command went on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from softsnp.serve.control import ask
from tests.serve.fuzzing.noise import CONTROL

ATTEMPTS: Final = 8
"""On a machine that is busy the command may be over too soon."""
CLIENT: Final = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
from softsnp.abi.sev import Ioctl
from tests.serve.fuzzing.inside import ask
ask(Ioctl.SNP_PLATFORM_STATUS, bytes(32))
"""
ONLINE: Final = (
    "echo 0 > /sys/devices/system/cpu/cpu5/online; echo 1 > /sys/devices/system/cpu/cpu5/online"
)


def tasks() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(Path(CONTROL), "tasks")
    return found


def under_way(operation: str, function: str = "") -> bool:
    return any(task["operation"] == operation and function in task["function"] for task in tasks())


def try_once(number: signal.Signals) -> bool:
    """Whether the client was gone while SNP was still being initialized."""
    module = subprocess.Popen(["modprobe", "kvm_amd"])
    while module.poll() is None and not under_way("modprobe kvm-amd", "psp_command"):
        time.sleep(0.005)
    client = subprocess.Popen([sys.executable, "-c", CLIENT])
    while client.poll() is None and not under_way("SNP_PLATFORM_STATUS"):
        time.sleep(0.005)
    client.send_signal(number)
    status = client.wait(60)
    gone_before = status == -number and under_way("modprobe kvm-amd")
    module.wait(60)
    subprocess.run(["modprobe", "-r", "kvm_amd"], check=True)
    return gone_before


def kill_hotplug() -> int:
    """How many of those that take a CPU offline and online were killed in the middle of it."""
    killed = 0
    for turn in range(40):
        client = subprocess.Popen(["sh", "-c", ONLINE], start_new_session=True)
        time.sleep(0.002 * (turn % 20))
        with suppress(ProcessLookupError):
            os.killpg(client.pid, (signal.SIGKILL, signal.SIGINT)[turn % 2])
        killed += client.wait(60) < 0
    return killed


def main() -> int:
    for number in (signal.SIGKILL, signal.SIGINT):
        if any(try_once(number) for _ in range(ATTEMPTS)):
            sys.stdout.write(f"{number.name}\n")
    sys.stdout.write("hotplug\n" if kill_hotplug() else "")
    # What was begun goes on without its client, and leaves everything in order.
    subprocess.run(["sh", "-c", ONLINE], check=True)
    sys.stdout.write(Path("/sys/devices/system/cpu/online").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
