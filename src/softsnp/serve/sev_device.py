"""/dev/sev."""

from __future__ import annotations

import struct
from collections.abc import Callable
from errno import EFAULT, EINTR, EINVAL, ENOENT, ESHUTDOWN
from typing import Any, Protocol

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl
from softsnp.run.task import ENDED

from .firmware.messages import Answer
from .sev_requests import Caller, Prepared, Writes, prepare
from .vfs import LATER, Call, File, Handle, IoctlReply, Later

ISSUE = struct.Struct("<IQI")
"""struct sev_issue_cmd: command, pointer, error."""


Outcome = Callable[[Any, int | None, Answer | None], None]
"""Called with what an ioctl comes to: 0, a negative errno or ENDED; the firmware's status, None if
it was not asked; what it gives back, if it does.
"""


class SevHost(Protocol):
    """What /dev/sev needs of the host."""

    def sev_is_there(self) -> bool:
        """Whether ccp is loaded and has found its device."""

    def sev_is_up(self) -> bool:
        """Whether the driver takes legacy SEV for initialized."""

    def snp_is_missed(self) -> bool:
        """Whether SNP is down, so that ioctls which want it are refused whatever they point at."""

    def issue(self, asked: Ioctl, prepared: Prepared, done: Outcome) -> None:
        """Begin an ioctl."""

    def opened(self, delta: int) -> None:
        """One more file of /dev/sev is open, or one less."""


class SevDevice(File):
    """One ioctl, whose struct names a command and points at the command's own struct."""

    mode = 0o600
    size = 0
    seekable = False

    def __init__(self, host: SevHost) -> None:
        self.host = host

    def open(self, handle: Handle, call: Call) -> None:
        if not self.host.sev_is_there():
            raise OSError(ENOENT, "")
        self.host.opened(+1)

    def release(self, handle: Handle) -> None:
        self.host.opened(-1)

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        raise OSError(EINVAL, "")

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        raise OSError(EINVAL, "")

    def ioctl(self, handle: Handle, call: Call, number: int, given: bytes) -> IoctlReply | Later:
        """A command that does not exist leaves the caller's struct alone; all others give it back,
        whatever comes of them.
        """
        if number != SEV_ISSUE_CMD or len(given) != ISSUE.size:
            raise OSError(EINVAL, "")
        command, pointer, given_error = ISSUE.unpack(given)
        if command >= len(Ioctl):
            raise OSError(EINVAL, "")
        asked = Ioctl(command)
        host = self.host
        caller = Caller(
            call.memory, pointer, handle.writable, host.sev_is_up(), host.snp_is_missed()
        )
        try:
            prepared = prepare(asked, caller)
        except OSError as refused:
            return IoctlReply(-(refused.errno or EFAULT), given)

        def done(result: Any, status: int | None, answer: Answer | None) -> None:
            if result is ENDED:
                call.fail(ESHUTDOWN)
                return
            if answer is not None:
                result = _write(call, prepared.give_back(answer), result)
            told = ISSUE.pack(command, pointer, given_error if status is None else status)
            call.done(_write(call, [(call.argument, told)], result))

        call.when_interrupted = lambda: call.fail(EINTR)
        host.issue(asked, prepared, done)
        return LATER


def _write(call: Call, writes: Writes, result: int) -> int:
    """The result, or -EFAULT for memory that the caller does not have."""
    try:
        for address, data in writes:
            call.memory.write(address, data)
    except OSError:
        return -EFAULT
    return result
