"""QEMU's SEV capability query, which libvirt makes at every start, against /dev/sev.

``python3 -m clients.qemu``, in the virtual host, prints what QEMU answers as JSON: the PDH, the
certificate chain and the CPU's identifier as the device exports them, and the C-bit as the CPUID
instruction says. Needs qemu-system-x86_64 and gcc, and of /dev/kvm no more than its version: what
else QEMU wants of KVM, ``kvm_has_sev.c`` answers. No guest runs.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clients import ClientError, run

QEMU = "qemu-system-x86_64"
SOURCE = Path(__file__).with_name("kvm_has_sev.c")
PATIENCE = 60
"""Seconds until QEMU is given up: it has nothing to do that takes long."""


class Refused(Exception):
    """QEMU's answer is an error: what its description says."""


def capabilities(command: Sequence[str] = (QEMU,), kvm: Path = Path("/dev/kvm")) -> dict[str, Any]:
    """What query-sev-capabilities returns. Raises Refused, or ClientError where it cannot run."""
    if not os.access(kvm, os.R_OK | os.W_OK):
        raise ClientError(f"QEMU cannot ask KVM: {kvm} is missing, or may not be opened")
    run([command[0], "--version"], "QEMU's capability query cannot be made")
    with tempfile.TemporaryDirectory() as directory:
        return ask(command, preload(Path(directory)))


def preload(directory: Path) -> Path:
    library = directory / "kvm_has_sev.so"
    arguments = ["gcc", "-shared", "-fPIC", "-O", "-Wall", "-o", str(library), str(SOURCE), "-ldl"]
    run(arguments, "the library that QEMU needs cannot be built")
    return library


def ask(command: Sequence[str], library: Path) -> dict[str, Any]:
    """Start a machine that stays empty and stopped, ask, and end it."""
    machine = ["-machine", "none", "-accel", "kvm", "-nodefaults", "-display", "none", "-S"]
    # What answers CPUID may be preloaded already.
    preloaded = [os.environ.get("LD_PRELOAD"), str(library)]
    process = subprocess.Popen(
        [*command, *machine, "-qmp", "stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LD_PRELOAD": ":".join(filter(None, preloaded))},
    )
    try:
        answer: dict[str, Any] = {}
        for number, query in enumerate(("qmp_capabilities", "query-sev-capabilities", "quit")):
            send(process, query, number)
            answer[query] = receive(process, number)
    finally:
        process.kill()
        process.communicate()
    asked = answer["query-sev-capabilities"]
    if "error" in asked:
        raise Refused(asked["error"]["desc"])
    found: dict[str, Any] = asked["return"]
    return found


def send(process: subprocess.Popen[bytes], query: str, number: int) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps({"execute": query, "id": number}).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        raise ended(process) from None


def receive(process: subprocess.Popen[bytes], number: int) -> dict[str, Any]:
    """The answer to a query, past greetings and events."""
    assert process.stdout is not None
    pending = b""
    until = time.monotonic() + PATIENCE
    while True:
        line, newline, rest = pending.partition(b"\n")
        if newline:
            pending = rest
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == number:
                return message
            continue
        if not select.select([process.stdout], [], [], max(0, until - time.monotonic()))[0]:
            raise ClientError(f"QEMU did not answer within {PATIENCE} s")
        more = os.read(process.stdout.fileno(), 65536)
        if not more:
            raise ended(process)
        pending += more


def ended(process: subprocess.Popen[bytes]) -> ClientError:
    assert process.stderr is not None
    said = process.stderr.read().decode(errors="replace").strip().splitlines()
    return ClientError(f"QEMU has ended: {said[-1] if said else f'exit {process.wait()}'}")
