"""/dev/kmsg: the kernel's log, a record for each read."""

from __future__ import annotations

import errno
import os
import re

from softsnp.serve.vfs import LATER, Call, File, Handle, Later

from .kernel_log import WARNING, KernelLog

USER = 1
"""The facility of what user space writes."""
LONGEST = 1024
"""How many bytes one write may have."""
KERNEL = "whose log"
UNSUBSCRIBE = "ends the news of records"


class Kmsg(File):
    """A handle reads from the oldest record on; its ``position`` is the next sequence number.

    Reading and writing know no offset, so seeking does nothing: what SEEK_END and "clear" would
    leave out is shown.
    """

    mode = 0o644
    size = 0
    seekable = False

    def __init__(self, log: KernelLog) -> None:
        self.log = log

    def open(self, handle: Handle, call: Call) -> None:
        handle.position = self.log.oldest
        handle.kept[KERNEL] = self.log.kernels
        handle.kept[UNSUBSCRIBE] = self.log.subscribe(lambda: handle.wake())

    def release(self, handle: Handle) -> None:
        unsubscribe = handle.kept.pop(UNSUBSCRIBE, None)
        if callable(unsubscribe):
            unsubscribe()

    def poll(self, handle: Handle) -> bool:
        self._follow(handle)
        return handle.position < self.log.end

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        self._follow(handle)
        if handle.position == self.log.end:
            if handle.flags & os.O_NONBLOCK:
                raise OSError(errno.EAGAIN, "")
            self._wait(handle, call, size)
            return LATER
        return self._next(handle, size)

    def _follow(self, handle: Handle) -> None:
        """Into the log of the kernel that runs now."""
        if handle.kept[KERNEL] != self.log.kernels:
            handle.kept[KERNEL] = self.log.kernels
            handle.position = self.log.oldest

    def _next(self, handle: Handle, size: int) -> bytes:
        if handle.position < self.log.oldest:
            handle.position = self.log.oldest
            raise OSError(errno.EPIPE, "")
        shown = self.log.record(handle.position).shown()
        if len(shown) > size:
            raise OSError(errno.EINVAL, "")
        handle.position += 1
        return shown

    def _wait(self, handle: Handle, call: Call, size: int) -> None:
        def told() -> None:
            self._follow(handle)
            if handle.position == self.log.end:  # another read of this handle had it
                return
            end()
            try:
                shown = self._next(handle, size)
            except OSError as error:
                call.fail(error.errno or errno.EIO)
            else:
                call.done(shown)

        def interrupted() -> None:
            end()
            call.fail(errno.EINTR)

        end = self.log.subscribe(told)
        call.interruptible = True
        call.when_interrupted = interrupted

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        """``<N>`` before the text gives its level and facility; the kernel's own is nobody's."""
        if len(data) > LONGEST:
            raise OSError(errno.EINVAL, "")
        level, facility = WARNING, USER
        text = data.decode("utf-8", "replace")
        if given := re.match(r"<(\d+)>", text):
            level = int(given[1]) & 7
            facility = int(given[1]) >> 3 or USER
            text = text[given.end() :]
        self.log.say(text.removesuffix("\n"), level, facility)
        return len(data)
