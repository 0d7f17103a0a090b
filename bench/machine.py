"""The machine: what it is, which core a measurement runs on, and how much memory that took."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[1]
STATUS = Path("/proc/self/status")


@contextmanager
def pinned(cores: int) -> Iterator[None]:
    """Keeps this process, and those it starts, on its last ``cores`` cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


TOUCH = """
import mmap, sys
size = int(sys.argv[1])
block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block.madvise(mmap.MADV_HUGEPAGE)
for at in range(0, size, 4096):
    block[at] = 1
"""


def touch(size: int) -> None:
    """Let a process have so many bytes of memory for a moment.

    What a virtual machine was never given takes its first user twenty times as long as what it has,
    and it depends on what ran before whose turn that is.
    """
    size = min(size, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    subprocess.run([sys.executable, "-c", TOUCH, str(size)], check=False)


def peak() -> int:
    """The most memory in bytes that was resident in this process.

    Not getrusage(): its number is inherited from the process that forked this one.
    """
    for line in STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise OSError(f"{STATUS} has no VmHWM")


def facts() -> dict[str, str | int]:
    """What has to be known of the machine to compare its numbers with another's."""
    return {
        "cpu": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int((_field("/proc/meminfo", "MemTotal") or "0").split()[0]) >> 10,
        "kernel": f"Linux {'.'.join(platform.release().split('.')[:2])}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "spin": _first_line("spin", "-V"),
        "gcc": _first_line("gcc", "--version"),
        "rustc": _first_line("rustc", "--version"),
        "commit": _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _first_line(*command: str) -> str:
    if which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0] if done.returncode == 0 else ""
