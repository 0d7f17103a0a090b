"""/dev/cpu/N/msr: reading and writing at an offset, which is the register's number."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

from softsnp.serve.vfs import Call, Directory, File, Fixed, Handle, Later
from softsnp.serve.view import HostView

from .attributes import Numbered
from .kernel_log import WARNING, KernelLog
from .msr import Registers

REGISTER = struct.Struct("<Q")
NUMBERS = 0xFFFFFFFF


class Msr(File):
    """One CPU's registers. Several words at once are the same register again and again."""

    mode = 0o600
    size = 0

    def __init__(self, host: HostView, log: KernelLog, registers: Registers, cpu: int) -> None:
        self.host = host
        self.log = log
        self.registers = registers
        self.cpu = cpu

    def open(self, handle: Handle, call: Call) -> None:
        self._must_be_online()

    def _must_be_online(self) -> None:
        if not self.host.cpu(self.cpu, "online"):
            raise OSError(errno.ENXIO, "")

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        if size % REGISTER.size:
            raise OSError(errno.EINVAL, "")
        self._must_be_online()
        number = offset & NUMBERS
        return b"".join(
            REGISTER.pack(self.registers.read(self.cpu, number))
            for _ in range(size // REGISTER.size)
        )

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        """Each leaves a line in the log, where the kernel would soon hold its tongue."""
        if len(data) % REGISTER.size:
            raise OSError(errno.EINVAL, "")
        number = offset & NUMBERS
        taken = 0
        for (value,) in REGISTER.iter_unpack(data):
            self.log.say(
                f"msr: Write to unrecognized MSR 0x{number:x} by {command_name(call.pid)} "
                f"(pid: {call.pid})",
                WARNING,
            )
            try:
                self._must_be_online()
                self.registers.write(self.cpu, number, value)
            except OSError:
                if taken:
                    return taken
                raise
            taken += REGISTER.size
        return taken


def command_name(pid: int) -> str:
    """Of a process, if it is there to be looked at."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "?"


def msr_tree(host: HostView, log: KernelLog, registers: Registers) -> Directory:
    """/dev/cpu. The msr driver has a device for each CPU that is online, and takes it away."""
    return Numbered(
        "",
        range(host.topology.cpus),
        lambda cpu: host.cpu(cpu, "online"),
        lambda cpu: Fixed({"msr": Msr(host, log, registers, cpu)}),
        {},
    )
