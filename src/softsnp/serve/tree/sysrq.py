"""/proc/sysrq-trigger."""

from __future__ import annotations

import errno

from softsnp.serve.vfs import Call, File, Handle, Later
from softsnp.serve.view import HostView

from .kernel_log import KernelLog

ASKED = {"b": ("Resetting", "reboot"), "c": ("Trigger a crash", "panic")}
"""What the log says, and what the host is asked for."""


class SysrqTrigger(File):
    """The first character counts. What has nothing to do here is taken, and leaves a line."""

    mode = 0o200
    size = 0

    def __init__(self, host: HostView, log: KernelLog) -> None:
        self.host = host
        self.log = log

    def open(self, handle: Handle, call: Call) -> None:
        if handle.readable:
            raise OSError(errno.EACCES, "")

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        if not data:
            return 0
        key = chr(data[0])
        if key in ASKED:
            said, operation = ASKED[key]
            self.log.say(f"sysrq: {said}")
            return self.host.ask(call, operation, len(data))
        shown = key if key.isascii() and key.isprintable() else f"0x{data[0]:02x}"
        self.log.say(f"sysrq: {shown}: nothing to do on a virtual host")
        return len(data)
