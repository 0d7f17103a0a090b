"""``python -m tests.serve.load.busy LOG SEED``, in a virtual host: works until it is killed.

A line ``begin WHAT`` goes to the log before each command, and ``end WHAT`` after one that was done.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from errno import ECONNABORTED, ENOTCONN
from pathlib import Path
from random import Random
from typing import Final

from softsnp.abi.sev import Ioctl
from tests.serve.fuzzing.inside import ask

CHANGES: Final = (Ioctl.FACTORY_RESET, Ioctl.PEK_GEN, Ioctl.PDH_GEN, Ioctl.SNP_COMMIT)


def write(path: str, text: str) -> None:
    with suppress(OSError):
        Path(path).write_text(text)


def main() -> int:
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    random = Random(sys.argv[2])
    online = "/sys/devices/system/cpu/cpu3/online"
    others: tuple[Callable[[], object], ...] = (
        lambda: write(online, random.choice("01")),
        lambda: ask(Ioctl.SNP_PLATFORM_STATUS, bytes(32)),
        lambda: Path("/proc/cpuinfo").read_text(),
        lambda: os.listdir("/sys/devices/system/cpu/cpu0"),  # noqa: PTH208
    )
    while True:
        if random.random() < 0.4:
            random.choice(others)()
            continue
        command = random.choice(CHANGES)
        os.write(log, f"begin {command.name}\n".encode())
        error, _ = ask(command, bytes(12))
        if error in (ECONNABORTED, ENOTCONN):  # the server is gone, and nobody knows what it did
            return 1
        if error == 0:
            os.write(log, f"end {command.name}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
