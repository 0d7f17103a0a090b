"""What clients do with open files."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from typing import Final

from softsnp.serve.vfs import Directory, File, Handle, IoctlReply, Later

from .channel import Channel
from .nodes import Nodes, permits
from .protocol import (
    FOPEN_DIRECT_IO,
    FOPEN_NONSEEKABLE,
    FOPEN_PARALLEL_DIRECT_WRITES,
    FOPEN_STREAM,
    HEADER,
    IOCTL_IN,
    IOCTL_OUT,
    OPEN_IN,
    OPEN_OUT,
    POLL_IN,
    POLL_OUT,
    POLL_SCHEDULE_NOTIFY,
    RELEASE_IN,
    TRANSFER_IN,
    WRITE_OUT,
)
from .request import Request, Waiting

# Nothing is cached, so a position of 0xC0010010 in an empty file is as good as any; and clients
# that write to one file at the same time wait for their answers, not for each other's.
SEEKABLE: Final = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES
UNSEEKABLE: Final = SEEKABLE | FOPEN_NONSEEKABLE | FOPEN_STREAM
WANTED: Final = {os.O_RDONLY: os.R_OK, os.O_WRONLY: os.W_OK, os.O_RDWR: os.R_OK | os.W_OK}
"""What access(2) would ask for."""
READABLE: Final = select.POLLIN | select.POLLRDNORM
WRITABLE: Final = select.POLLOUT | select.POLLWRNORM
BODY: Final = HEADER.size
DATA: Final = HEADER.size + TRANSFER_IN.size
STRUCT: Final = HEADER.size + IOCTL_IN.size

Opened = tuple[File, Handle]


class Files:
    """Open files, by the number that the kernel is given for each."""

    def __init__(self, channel: Channel, nodes: Nodes, waiting: Waiting) -> None:
        self._channel = channel
        self._nodes = nodes
        self._waiting = waiting
        self._opened: dict[int, Opened] = {}
        self._writing: dict[int, int] = {}
        """The node of each that is open for writing."""
        self._polled: dict[int, int] = {}
        """The kernel's own numbers of open files that are polled."""
        self._next = 1

    def open(self, node: int, message: bytes, request: Request) -> bytes:
        file = self._nodes[node]
        if not isinstance(file, File):
            raise OSError(errno.EISDIR if isinstance(file, Directory) else errno.ELOOP, "")
        flags, _ = OPEN_IN.unpack_from(message, BODY)
        wanted = WANTED.get(flags & os.O_ACCMODE, os.R_OK | os.W_OK)
        if not permits(file, request.uid, request.gid, wanted):
            raise OSError(errno.EACCES, "")
        number = self._next
        handle = Handle(flags, wake=self._waker(number))
        file.open(handle, request)
        self._next += 1
        self._opened[number] = file, handle
        if wanted & os.W_OK:
            self._nodes.opened_for_writing(node)
            self._writing[number] = node
        return OPEN_OUT.pack(number, SEEKABLE if file.seekable else UNSEEKABLE, 0)

    def release(self, node: int, message: bytes, request: Request) -> bytes:
        (number,) = RELEASE_IN.unpack_from(message, BODY)
        self._polled.pop(number, None)
        written = self._writing.pop(number, None)
        if written is not None:
            self._nodes.closed_for_writing(written)
        opened = self._opened.pop(number, None)
        if opened is not None:
            file, handle = opened
            file.release(handle)
        return b""

    def release_all(self) -> None:
        """The connection is gone, and every client."""
        while self._opened:
            _, (file, handle) = self._opened.popitem()
            file.release(handle)

    def read(self, node: int, message: bytes, request: Request) -> bytes | None:
        number, offset, size, _, _, flags = TRANSFER_IN.unpack_from(message, BODY)
        file, handle = self._open_file(number)
        handle.flags = flags
        request.size = size
        data = file.read(handle, request, offset, size)
        if isinstance(data, Later):
            self._later(request)
            return None
        return data[:size]

    def write(self, node: int, message: bytes, request: Request) -> bytes | None:
        number, offset, size, _, _, flags = TRANSFER_IN.unpack_from(message, BODY)
        file, handle = self._open_file(number)
        handle.flags = flags
        taken = file.write(handle, request, offset, message[DATA : DATA + size])
        if isinstance(taken, Later):
            self._later(request)
            return None
        return WRITE_OUT.pack(taken, 0)

    def ioctl(self, node: int, message: bytes, request: Request) -> bytes | None:
        number, _, command, request.argument, given, wanted = IOCTL_IN.unpack_from(message, BODY)
        file, handle = self._open_file(number)
        try:
            reply = file.ioctl(handle, request, command, message[STRUCT : STRUCT + given])
        except OSError as error:
            return IOCTL_OUT.pack(-(error.errno or errno.EIO), 0, 0, 0)
        if isinstance(reply, Later):
            self._later(request)
            return None
        result = IOCTL_OUT.pack(reply.result, 0, 0, 0)
        return result if reply.out is None else result + _fitting(reply, wanted)

    def poll(self, node: int, message: bytes, request: Request) -> bytes:
        number, kernel_handle, flags, wanted = POLL_IN.unpack_from(message, BODY)
        file, handle = self._open_file(number)
        if flags & POLL_SCHEDULE_NOTIFY:
            self._polled[number] = kernel_handle
        events = WRITABLE | (READABLE if file.poll(handle) else 0)
        return POLL_OUT.pack(events & wanted, 0)

    def _open_file(self, number: int) -> Opened:
        opened = self._opened.get(number)
        if opened is None:
            raise OSError(errno.EBADF, "")
        return opened

    def _later(self, request: Request) -> None:
        if not request.answered:
            self._waiting.add(request)

    def _waker(self, number: int) -> Callable[[], None]:
        """Wakes once for each time that the kernel asked to be told."""

        def wake() -> None:
            kernel_handle = self._polled.pop(number, None)
            if kernel_handle is not None:
                self._channel.wake(kernel_handle)

        return wake


def _fitting(reply: IoctlReply, size: int) -> bytes:
    out = reply.out or b""
    if len(out) > size:
        raise ValueError(f"an ioctl's answer of {len(out)} bytes, where its number says {size}")
    return out
