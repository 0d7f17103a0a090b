"""A client of /dev/sev in plain Python, run on a virtual host: SEV_ISSUE_CMD with anything in it.

``python sev_client.py`` reads a list of calls as JSON from standard input and prints what came of
each: errno, the struct that came back, and the memory that the call was given.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import struct
import sys
from typing import Any

SEV_ISSUE_CMD = 0xC0105300
UNMAPPED = 0x10000
libc = ctypes.CDLL(None, use_errno=True)


class Buffers:
    """Named memory of this process, which calls point at."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def address(self, name: str) -> int:
        return ctypes.addressof(self.kept[name])

    def make(self, name: str, content: bytes) -> None:
        self.kept[name] = ctypes.create_string_buffer(content, len(content))

    def read_only(self, name: str, content: bytes) -> None:
        """Memory that can be read and not written."""
        page = mmap.mmap(-1, mmap.PAGESIZE)
        page[: len(content)] = content
        self.kept[name] = (ctypes.c_char * len(content)).from_buffer(page)
        address = ctypes.c_void_p(self.address(name))
        if libc.mprotect(address, mmap.PAGESIZE, mmap.PROT_READ):
            raise OSError(ctypes.get_errno(), "mprotect")


def filled(text: str, buffers: Buffers) -> bytes:
    """Hexadecimal, in which ``&name`` is a buffer's address and ``&`` alone no address at all."""
    out = b""
    for word in text.split():
        if word == "&":
            out += struct.pack("<Q", UNMAPPED)
        elif word.startswith("&"):
            out += struct.pack("<Q", buffers.address(word[1:]))
        else:
            out += bytes.fromhex(word)
    return out


def call(asked: dict[str, Any]) -> dict[str, Any]:
    buffers = Buffers()
    for name, text in asked.get("buffers", {}).items():
        buffers.make(name, filled(text, buffers))
    for name, text in asked.get("read_only", {}).items():
        buffers.read_only(name, filled(text, buffers))
    data = asked.get("data", "")
    pointer = int.from_bytes(filled(data, buffers), "little") if data else 0
    error = asked.get("error", 0)
    issue = ctypes.create_string_buffer(struct.pack("<IQI", asked["command"], pointer, error), 16)
    where = ctypes.addressof(issue) if not asked.get("nowhere") else UNMAPPED
    device = os.open("/dev/sev", asked.get("flags", os.O_RDWR))
    ctypes.set_errno(0)
    number = asked.get("number", SEV_ISSUE_CMD)
    result = libc.ioctl(device, ctypes.c_ulong(number), ctypes.c_void_p(where))
    told = {"result": result, "errno": ctypes.get_errno() if result < 0 else 0}
    os.close(device)
    command, back, status = struct.unpack("<IQI", issue.raw)
    assert (command, back) == (asked["command"], pointer)
    memory = {name: bytes(kept).hex() for name, kept in buffers.kept.items()}
    return {**told, "error": status, "buffers": memory}


if __name__ == "__main__":
    json.dump([call(asked) for asked in json.load(sys.stdin)], sys.stdout)
