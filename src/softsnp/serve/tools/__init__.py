"""Programs for the namespace whose work is system calls: loading modules, kexec, power."""

from __future__ import annotations

import sys
from importlib import resources

NAMES = (
    "modprobe", "rmmod", "insmod", "lsmod", "kexec", "systemctl", "reboot", "poweroff"
)  # fmt: skip


def tools() -> dict[str, str]:
    """Name to text: all are one script, which looks at its name."""
    script = resources.files(__package__).joinpath("script.py").read_text(encoding="utf-8")
    return dict.fromkeys(NAMES, f"#!{sys.executable} -IS\n{script}")
