"""``python -m bench.serve.calls KIND... --calls N``: times calls, one client alone, and prints the
seconds of each as JSON. It runs inside a virtual host, and outside for the kernel's own sysfs.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import struct
import sys
import time
from collections.abc import Callable
from typing import Final

SEV_ISSUE_CMD: Final = 0xC0105300
SNP_PLATFORM_STATUS: Final = 9
SYSCFG: Final = 0xC0010010
ONLINE: Final = "/sys/devices/system/cpu/online"


def ioctl() -> Callable[[], object]:
    """SNP_PLATFORM_STATUS: a struct, a pointer in it, and a command of the firmware."""
    device = os.open("/dev/sev", os.O_RDWR)
    status = ctypes.create_string_buffer(32)
    given = struct.pack("<IQI", SNP_PLATFORM_STATUS, ctypes.addressof(status), 0)
    return lambda: (fcntl.ioctl(device, SEV_ISSUE_CMD, bytearray(given)), status)


def msr() -> Callable[[], object]:
    device = os.open("/dev/cpu/0/msr", os.O_RDONLY)
    return lambda: os.pread(device, 8, SYSCFG)


def sysfs() -> Callable[[], object]:
    def read() -> None:
        file = os.open(ONLINE, os.O_RDONLY)
        os.read(file, 4096)
        os.close(file)

    return read


KINDS: Final = {"ioctl": ioctl, "msr": msr, "sysfs": sysfs}


def timed(call: Callable[[], object], calls: int) -> list[float]:
    """Seconds of each, after a few that do not count."""
    for _ in range(50):
        call()
    clock, samples = time.perf_counter, []
    for _ in range(calls):
        before = clock()
        call()
        samples.append(clock() - before)
    return samples


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="+", choices=list(KINDS))
    parser.add_argument("--calls", type=int, default=1000)
    args = parser.parse_args()
    found = {kind: timed(KINDS[kind](), args.calls) for kind in args.kinds}
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
