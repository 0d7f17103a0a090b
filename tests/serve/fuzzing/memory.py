"""Memory of a client: some of it good, some of it forbidden, and all of it watched."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from random import Random
from typing import Final

PAGE: Final = 4096
READ, WRITE = 1, 2
PRIVATE, ANONYMOUS = 0x02, 0x20
MAPPED: Final = "/sys/devices/system/cpu/kernel_max"
MARGIN: Final = 128
"""Pages around, so that what lies partly beside a buffer never reaches the interpreter's memory."""
LAYOUT: Final = (
    *((MARGIN, 0), (8, READ | WRITE), (1, 0)),
    *((2, READ), (1, 0), (4, READ | WRITE), (MARGIN, 0)),
)
"""Pages and what they allow, in the order of their addresses: nothing else is mapped between."""
NOWHERE: Final = (8, 0x1000, 1 << 47, 1 << 63, 0xFFFF_8880_0000_0000, (1 << 64) - 8)
"""Addresses that no process of x86-64 may have: too low, not canonical, the kernel's."""
ADDRESSES: Final = (1 << 64) - 1
LOWEST: Final = 1 << 16
HIGHEST: Final = 1 << 47
"""What a process may have lies between these."""

Extent = tuple[int, int]
"""Address and length in bytes."""


class Forbidden(Exception):
    """The client itself may not read that."""


class Memory:
    """The areas of LAYOUT, one after another. Whoever writes into them is found out."""

    def __init__(self, random: Random) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        size = sum(pages for pages, _ in LAYOUT) * PAGE
        place: int = libc.mmap(
            None, ctypes.c_size_t(size), READ | WRITE, PRIVATE | ANONYMOUS, -1, ctypes.c_long(0)
        )
        ctypes.memmove(place, random.randbytes(size), size)
        file = os.open(MAPPED, os.O_RDONLY | os.O_CLOEXEC)
        self.mapped: int = libc.mmap(
            None, ctypes.c_size_t(PAGE), READ, PRIVATE, file, ctypes.c_long(0)
        )
        """A page of one of the host's own files, never looked at: who reads it there asks the host,
        which is busy reading it.
        """
        os.close(file)
        self.areas: list[tuple[int, int, int]] = []
        """Begin, end and what is allowed."""
        for pages, allowed in LAYOUT:
            end = place + pages * PAGE
            if libc.mprotect(ctypes.c_void_p(place), ctypes.c_size_t(end - place), allowed):
                raise OSError(ctypes.get_errno(), "mprotect")
            self.areas.append((place, end, allowed))
            place = end
        self._watched = [(begin, end) for begin, end, allowed in self.areas if allowed & READ]

    # --- what a client is allowed -----------------------------------------------------------------

    def may(self, address: int, length: int, allowed: int) -> bool:
        """Whether all of it is there. Areas that follow each other never allow the same."""
        return any(
            begin <= address and address + length <= end and may & allowed == allowed
            for begin, end, may in self.areas
        )

    def ours(self, address: int, length: int) -> bool:
        """Whether none of it can be anybody's memory but this one's."""
        if address < LOWEST - length or address >= HIGHEST:
            return True
        if self.mapped <= address and address + length <= self.mapped + PAGE:
            return True
        return self.areas[0][0] <= address and address + length <= self.areas[-1][1]

    def readable(self, address: int, length: int) -> bool:
        return self.may(address, length, READ)

    def writable(self, address: int, length: int) -> bool:
        return self.may(address, length, READ | WRITE)

    def read(self, address: int, length: int) -> bytes:
        if not self.readable(address, length):
            raise Forbidden
        return ctypes.string_at(address, length)

    def put(self, address: int, data: bytes) -> None:
        """Where it may be written; else nothing happens."""
        if self.writable(address, len(data)):
            ctypes.memmove(address, data, len(data))

    # --- where a pointer may point ----------------------------------------------------------------

    def somewhere(self, random: Random, length: int, others: Iterable[Extent] = ()) -> int:
        """An address for so many bytes: mostly a good one. ``others``: what else the call has; what
        has nothing is the ioctl's own struct, which the kernel reads by itself.
        """
        kind = random.random()
        if kind < 0.0003 and others:  # each takes as long as thousands of others
            return self.mapped
        _, good, refused, constant, _, edge, _ = self.areas
        if kind < 0.55:
            return random.randrange(good[0], max(good[0] + 1, good[1] - length))
        if kind < 0.65:
            return edge[1] - length  # exactly up to what is forbidden
        if kind < 0.70:
            return edge[1] - random.randrange(max(1, length))
        if kind < 0.74:
            return edge[0] - random.randrange(1, max(2, length))
        if kind < 0.82:
            return random.randrange(*constant[:2])
        if kind < 0.86:
            return random.randrange(*refused[:2])
        if kind < 0.90:
            return 0
        if kind < 0.94:
            return random.choice(NOWHERE)
        there = [extent for extent in others if extent[1]]
        if not there:
            return random.randrange(*good[:2])
        address, size = random.choice(there)
        return max(0, address + random.randrange(-length, size)) & ADDRESSES

    # --- who has written --------------------------------------------------------------------------

    def snapshot(self) -> list[bytes]:
        return [ctypes.string_at(begin, end - begin) for begin, end in self._watched]

    def changed(self, before: list[bytes], outputs: Iterable[Extent]) -> list[Extent]:
        """What differs from a snapshot, but for the outputs."""
        found: list[Extent] = []
        allowed = list(outputs)
        for (begin, end), old in zip(self._watched, before, strict=True):
            new = ctypes.string_at(begin, end - begin)
            if new == old:
                continue
            masked = bytearray(new)
            for address, length in allowed:
                first, last = max(begin, address) - begin, min(end, address + length) - begin
                if first < last:
                    masked[first:last] = old[first:last]
            found += _differences(begin, bytes(masked), old)
        return found


def _differences(begin: int, new: bytes, old: bytes) -> list[Extent]:
    """Neighbouring bytes are told as one extent."""
    if new == old:
        return []
    found: list[Extent] = []
    for place, (one, other) in enumerate(zip(new, old, strict=True)):
        if one != other:
            address = begin + place
            if found and sum(found[-1]) == address:
                found[-1] = (found[-1][0], found[-1][1] + 1)
            else:
                found.append((address, 1))
    return found
