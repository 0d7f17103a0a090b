"""The kernel's end of a FUSE connection, over a socket pair."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from softsnp.serve.fuse.protocol import HEADER, REPLY, Opcode
from softsnp.serve.fuse.server import Server
from softsnp.serve.vfs import Directory


class Kernel:
    """Asks a server, and hears what it answers."""

    def __init__(self, end: socket.socket, server: Server, troubles: list[str]) -> None:
        self.end = end
        self.server = server
        self.troubles = troubles
        self.unique = 0

    def send(
        self, opcode: int, node: int = 1, body: bytes = b"", uid: int = 0, pid: int | None = None
    ) -> int:
        """A request; its number."""
        self.unique += 2
        caller = os.getpid() if pid is None else pid
        length = HEADER.size + len(body)
        header = HEADER.pack(length, opcode, self.unique, node, uid, uid, caller, 0, 0)
        self.end.send(header + body)
        self.server.work()
        return self.unique

    def hear(self) -> tuple[int, int, bytes] | None:
        """An answer: the request's number, an errno or 0, and the rest; None if there is none."""
        try:
            data = self.end.recv(1 << 18)
        except BlockingIOError:
            return None
        length, error, unique = REPLY.unpack_from(data)
        assert length == len(data)
        return unique, -error, data[REPLY.size :]

    def ask(
        self, opcode: int, node: int = 1, body: bytes = b"", uid: int = 0, pid: int | None = None
    ) -> tuple[int, bytes]:
        """A request and its answer."""
        unique = self.send(opcode, node, body, uid, pid)
        heard = self.hear()
        assert heard is not None and heard[0] == unique
        return heard[1:]

    def find(self, *names: str) -> int:
        """The number of a path."""
        node = 1
        for name in names:
            error, entry = self.ask(Opcode.LOOKUP, node, name.encode() + b"\0")
            assert error == 0, name
            (node,) = struct.unpack_from("<Q", entry)
        return node

    def open(self, node: int, flags: int = os.O_RDWR) -> int:
        error, answer = self.ask(Opcode.OPEN, node, struct.pack("<II", flags, 0))
        assert error == 0
        return int(struct.unpack_from("<Q", answer)[0])


def transfer(handle: int, offset: int, size: int, data: bytes = b"") -> bytes:
    """The body of READ and WRITE."""
    return struct.pack("<QQIIQI4x", handle, offset, size, 0, 0, os.O_RDWR) + data


@contextmanager
def connected(root: Directory) -> Iterator[Kernel]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    troubles: list[str] = []
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        server = Server(ours.fileno(), root, troubles.append)
        yield Kernel(theirs, server, troubles)
        server.close()
