"""An initramfs with one file in it: the probe, compiled without shared libraries."""

from __future__ import annotations

import subprocess
from pathlib import Path

PROBE = Path(__file__).with_name("probe.c")
REGULAR, CHARACTER, DIRECTORY = 0o100755, 0o020600, 0o040755
CONSOLE = (5, 1)
"""The kernel opens /dev/console for its first process before that could make one."""


def build(directory: Path) -> Path:
    """Compile the probe and pack it; returns the archive."""
    init = directory / "init"
    command = ["gcc", "-static", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(init), str(PROBE)]
    subprocess.run(command, check=True)
    archive = directory / "initramfs.cpio"
    archive.write_bytes(
        entry("dev", DIRECTORY)
        + entry("dev/console", CHARACTER, device=CONSOLE)
        + entry("init", REGULAR, init.read_bytes())
        + entry("TRAILER!!!", 0)
    )
    return archive


def entry(name: str, mode: int, content: bytes = b"", device: tuple[int, int] = (0, 0)) -> bytes:
    """One member of a cpio archive in the format "newc", which is what the kernel reads."""
    fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return padded(header + name.encode() + b"\0") + padded(content)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
