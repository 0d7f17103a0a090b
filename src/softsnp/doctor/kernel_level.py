"""What only the kernel's memory tells: by drgn, or by a virtual host's control channel."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import cpuset
from .facts import FACTS, Fact, Known, Unknown, Value
from .kernel_memory import KernelFacts, NoKernelMemory, read_core, read_running

VIRTUAL = Path("/dev/softsnp/ctl")
"""The control channel of the virtual host on which this runs, if it does."""
REQUEST = b'{"do": "variables"}\n'
MOST = 1 << 16
SECONDS = 10.0


def on_virtual_host() -> bool:
    return VIRTUAL.exists()


def virtual_variables() -> dict[str, Fact]:
    """A virtual host has no kernel memory: it says itself what would be in it."""
    source = f"the virtual host ({VIRTUAL})"
    names = [name for name, kind in FACTS.items() if kind.level == "kernel"]
    try:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(SECONDS)
            control.connect(str(VIRTUAL))
            control.sendall(REQUEST)
            answer = json.loads(control.makefile("rb").readline(MOST))
        said = answer["result"]
        return {name: Known(said[name], source, time.time()) for name in names}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return dict.fromkeys(names, Unknown(f"it cannot be asked: {error}", source))


def of_memory(read: Callable[[], KernelFacts]) -> dict[str, Fact]:
    """As facts. Raises NoKernelMemory."""
    found = read()
    now = time.time()
    facts: dict[str, Fact] = {}
    for name, kind in FACTS.items():
        if kind.level != "kernel" and name not in ("possible", "present", "online"):
            continue
        if name in found.values:
            value: Value = found.values[name]
            if kind.type == "cpus":
                value = cpuset.parse(str(value))
            facts[name] = Known(value, found.source, now)
        elif kind.level == "kernel":
            facts[name] = Unknown(found.unknown.get(name, "nobody has looked"), found.source)
    return facts


def running_kernel(debug_files: Sequence[str]) -> dict[str, Fact]:
    """Raises NoKernelMemory."""
    return of_memory(lambda: read_running(debug_files))


def core(file: str, debug_files: Sequence[str]) -> dict[str, Fact]:
    """Raises NoKernelMemory."""
    return of_memory(lambda: read_core(file, debug_files))


__all__ = ["NoKernelMemory", "core", "on_virtual_host", "running_kernel", "virtual_variables"]
