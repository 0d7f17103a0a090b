"""Serves a tree of files on /dev/fuse, one request after another."""

from __future__ import annotations

import errno
import os
import struct
import time
import traceback
from collections.abc import Callable
from typing import Final

from softsnp.serve.process_memory import ProcessMemory, Transfer
from softsnp.serve.vfs import Directory, Link

from .channel import Channel
from .directories import Directories
from .files import Files
from .guard import Guard
from .nodes import Nodes, permits
from .protocol import (
    ACCESS_IN,
    ASYNC_READ,
    ATOMIC_O_TRUNC,
    BIG_WRITES,
    FATTR_GID,
    FATTR_MODE,
    FATTR_UID,
    HEADER,
    INIT_IN,
    INIT_OUT,
    INTERRUPT_IN,
    MAJOR,
    MAX_WRITE,
    MINOR,
    PARALLEL_DIROPS,
    SETATTR_IN,
    STATFS_OUT,
    Opcode,
)
from .request import Request, Waiting

SLICE: Final = 64
"""Requests that are served before others have their turn."""
FLAGS: Final = ASYNC_READ | ATOMIC_O_TRUNC | BIG_WRITES | PARALLEL_DIROPS
UNANSWERED: Final = frozenset(
    (Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.NOTIFY_REPLY, Opcode.INTERRUPT)
)

Answer = bytes | None
"""What is answered; None: nothing, or not now."""


class Server:
    """A tree of files, on an open /dev/fuse that has been mounted.

    ``trouble`` hears, in one text, of everything that is a bug of ours: an exception in a file's
    method, an answer that the kernel refuses. Its client gets EIO.
    """

    def __init__(
        self,
        descriptor: int,
        root: Directory,
        trouble: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = Channel(descriptor, trouble)
        self._trouble = trouble
        self._nodes = Nodes(root)
        self._waiting = Waiting(clock, trouble)
        self._transfer = Transfer()
        self._guard = Guard(self._channel, self._transfer)
        self._files = Files(self._channel, self._nodes, self._waiting)
        self._directories = Directories(self._nodes)
        self._operations: dict[int, Callable[[int, bytes, Request], Answer]] = {
            Opcode.READ: self._files.read,
            Opcode.WRITE: self._files.write,
            Opcode.IOCTL: self._files.ioctl,
            Opcode.OPEN: self._files.open,
            Opcode.RELEASE: self._files.release,
            Opcode.POLL: self._files.poll,
            Opcode.LOOKUP: self._directories.lookup,
            Opcode.OPENDIR: self._directories.open,
            Opcode.READDIR: self._directories.read,
            Opcode.RELEASEDIR: self._directories.release,
            Opcode.GETATTR: self._getattr,
            Opcode.SETATTR: self._setattr,
            Opcode.READLINK: self._readlink,
            Opcode.ACCESS: self._access,
            Opcode.STATFS: self._statfs,
            Opcode.INIT: self._init,
            Opcode.INTERRUPT: self._interrupt,
            Opcode.DESTROY: self._destroy,
            Opcode.CREATE: self._refusal(errno.EACCES),
            **{
                opcode: self._refusal(errno.EPERM)
                for opcode in (
                    Opcode.MKNOD, Opcode.MKDIR, Opcode.SYMLINK, Opcode.LINK,
                    Opcode.UNLINK, Opcode.RMDIR, Opcode.RENAME, Opcode.RENAME2,
                )
            },
        }  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether nobody can ask any more."""
        return self._channel.ended

    def fileno(self) -> int:
        return self._channel.descriptor

    def work(self) -> float | None:
        """Serves what is there. Seconds until it wants to be called again, 0.0 for at once; None
        when the next request is all it waits for.
        """
        receive, serve = self._channel.receive, self.serve
        for _ in range(SLICE):
            message = receive()
            if message is None:
                wanted = self._waiting.look_again()
                return 0.0 if self._serve_what_was_put_aside() else wanted
            serve(message)
        self._waiting.look_again()
        self._serve_what_was_put_aside()
        return 0.0

    def serve(self, message: bytes) -> None:
        """One request, whatever it is made of."""
        try:
            _, opcode, unique, node, uid, gid, pid, _, _ = HEADER.unpack_from(message)
        except struct.error:
            self._trouble(f"a request of {len(message)} bytes is shorter than its header")
            return
        operation = self._operations.get(opcode)
        if operation is None:
            if opcode not in UNANSWERED:
                self._channel.unknown(unique)
            return
        memory = ProcessMemory(self._transfer, pid)
        request = Request(self._channel, unique, opcode, (uid, gid, pid), memory, self._trouble)
        try:
            answer = operation(node, message, request)
        except OSError as error:
            request.fail(error.errno or errno.EIO)
        except Exception:
            what = Opcode(opcode).name
            self._trouble(f"{what} of node {node} failed:\n{traceback.format_exc()}")
            request.fail(errno.EIO)
        else:
            if answer is not None and request.close():
                self._channel.answer(unique, answer)

    def start(self) -> None:
        """Begins to watch over itself, in a thread: a process that forks does so before."""
        self._guard.start()

    def close(self) -> None:
        """Releases every open file, as their last clients are gone. Answers nobody."""
        self._guard.stop()
        self._files.release_all()

    def _serve_what_was_put_aside(self) -> bool:
        """Whether there may be more of it soon."""
        active, aside = self._guard.active, self._guard.aside
        while aside:
            self.serve(aside.popleft())
        return active

    def _refusal(self, error: int) -> Callable[[int, bytes, Request], Answer]:
        """What the kernel itself says where a file system has no such operation, like sysfs."""

        def refuse(node: int, message: bytes, request: Request) -> Answer:
            raise OSError(error, "")

        return refuse

    def _init(self, node: int, message: bytes, request: Request) -> Answer:
        major, _, readahead, flags = INIT_IN.unpack_from(message, HEADER.size)
        if major < MAJOR:
            raise OSError(errno.EPROTO, "")
        # A kernel with a later major version asks again, with ours.
        return INIT_OUT.pack(
            MAJOR, MINOR, readahead, flags & FLAGS, 64, 48, MAX_WRITE, 1, 0, 0, 0
        )  # fmt: skip

    def _destroy(self, node: int, message: bytes, request: Request) -> Answer:
        return b""

    def _getattr(self, node: int, message: bytes, request: Request) -> Answer:
        return self._nodes.attributes(node)

    def _setattr(self, node: int, message: bytes, request: Request) -> Answer:
        """Sizes and times of such files cannot be set, and nobody is told, as in sysfs."""
        (changed,) = SETATTR_IN.unpack_from(message, HEADER.size)
        if changed & (FATTR_MODE | FATTR_UID | FATTR_GID):
            raise OSError(errno.EPERM, "")
        return self._nodes.attributes(node)

    def _readlink(self, node: int, message: bytes, request: Request) -> Answer:
        link = self._nodes[node]
        if not isinstance(link, Link):
            raise OSError(errno.EINVAL, "")
        return os.fsencode(link.target)

    def _access(self, node: int, message: bytes, request: Request) -> Answer:
        (wanted,) = ACCESS_IN.unpack_from(message, HEADER.size)
        if not permits(self._nodes[node], request.uid, request.gid, wanted):
            raise OSError(errno.EACCES, "")
        return b""

    def _statfs(self, node: int, message: bytes, request: Request) -> Answer:
        return STATFS_OUT.pack(0, 0, 0, 0, 0, 4096, 255, 4096)

    def _interrupt(self, node: int, message: bytes, request: Request) -> Answer:
        (unique,) = INTERRUPT_IN.unpack_from(message, HEADER.size)
        self._waiting.interrupt(unique)
        return None
