"""What clients do with directories."""

from __future__ import annotations

import errno
import os
from typing import Final

from .nodes import Nodes, permits
from .protocol import DIRENT, HEADER, OPEN_OUT, RELEASE_IN, TRANSFER_IN
from .request import Request

BODY: Final = HEADER.size
TYPE_SHIFT: Final = 12
"""From the bits of st_mode to the types of a listing."""

Listing = list[tuple[str, int, int]]
"""Name, number and type of each entry."""


class Directories:
    """Open directories, by the number that the kernel is given for each."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._opened: dict[int, Listing] = {}
        """As they were when they were read from their beginning."""
        self._next = 1

    def lookup(self, node: int, message: bytes, request: Request) -> bytes:
        if not permits(self._nodes.directory(node), request.uid, request.gid, os.X_OK):
            raise OSError(errno.EACCES, "")
        name = os.fsdecode(message[BODY : message.index(0, BODY)])
        return self._nodes.entry(self._nodes.lookup(node, name))

    def open(self, node: int, message: bytes, request: Request) -> bytes:
        if not permits(self._nodes.directory(node), request.uid, request.gid, os.R_OK):
            raise OSError(errno.EACCES, "")
        number = self._next
        self._next += 1
        self._opened[number] = []
        return OPEN_OUT.pack(number, 0, 0)

    def release(self, node: int, message: bytes, request: Request) -> bytes:
        (number,) = RELEASE_IN.unpack_from(message, BODY)
        self._opened.pop(number, None)
        return b""

    def read(self, node: int, message: bytes, request: Request) -> bytes:
        """Whole entries from an offset on, which is how many came before."""
        number, offset, size, *_ = TRANSFER_IN.unpack_from(message, BODY)
        listing = self._opened.get(number)
        if listing is None:
            raise OSError(errno.EBADF, "")
        if offset == 0:
            listing = self._opened[number] = list(self._nodes.listing(node))
        answer = bytearray()
        for position in range(offset, len(listing)):
            name, entry, kind = listing[position]
            encoded = os.fsencode(name)
            record = DIRENT.pack(entry, position + 1, len(encoded), kind >> TYPE_SHIFT) + encoded
            record += bytes(-len(record) % 8)
            if len(answer) + len(record) > size:
                break
            answer += record
        return bytes(answer)
