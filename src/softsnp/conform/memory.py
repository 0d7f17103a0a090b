"""The emulated machine's memory: a few regions of virtual addresses, each a buffer of ours."""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import NotEmulated

KERNEL = 0xFFFFFFFF80000000
"""Where the kernel's image is mapped; modules follow at MODULES."""
KERNEL_SIZE = 96 << 20
MODULES = 0xFFFFFFFFC0000000
MODULES_SIZE = 16 << 20
DIRECT = 0xFFFF888000000000
"""The direct map: physical address 0 is here."""
RAM_AT = 0x10000000
"""Physical address of the only memory there is."""
RAM_SIZE = 128 << 20
VMEMMAP = 0xFFFFEA0000000000
PAGE = 4096
STRUCT_PAGE = 64  # bytes


@dataclass(frozen=True)
class Region:
    name: str
    base: int
    size: int
    buffer: mmap.mmap
    pointer: int
    """The buffer's address in this process."""


def region(name: str, base: int, size: int) -> Region:
    buffer = mmap.mmap(-1, size)
    return Region(name, base, size, buffer, ctypes.addressof(ctypes.c_char.from_buffer(buffer)))


class Memory:
    """Reads and writes by virtual address, and an allocator."""

    def __init__(self) -> None:
        self.image = region("kernel image", KERNEL, KERNEL_SIZE)
        self.modules = region("modules", MODULES, MODULES_SIZE)
        self.ram = region("direct map", DIRECT + RAM_AT, RAM_SIZE)
        pages = (RAM_SIZE // PAGE) * STRUCT_PAGE
        self.vmemmap = region("vmemmap", VMEMMAP + RAM_AT // PAGE * STRUCT_PAGE, pages)
        self.regions = (self.ram, self.image, self.modules, self.vmemmap)
        self.next = self.ram.base + PAGE
        self.freed: dict[int, list[int]] = {}
        """By order: pages that can be had again."""
        self.orders: dict[int, int] = {}
        """Of pages that are in use."""

    def _find(self, address: int, size: int) -> tuple[Region, int]:
        for each in self.regions:
            offset = address - each.base
            if offset >= 0 and offset + size <= each.size:
                return each, offset
        raise NotEmulated(f"{size} bytes at {address:#x}: no such memory")

    def read(self, address: int, size: int) -> bytes:
        each, offset = self._find(address, size)
        return each.buffer[offset : offset + size]

    def write(self, address: int, data: bytes) -> None:
        each, offset = self._find(address, len(data))
        each.buffer[offset : offset + len(data)] = data

    def u8(self, address: int) -> int:
        return self.read(address, 1)[0]

    def u32(self, address: int) -> int:
        return int(struct.unpack("<I", self.read(address, 4))[0])

    def u64(self, address: int) -> int:
        return int(struct.unpack("<Q", self.read(address, 8))[0])

    def put8(self, address: int, value: int) -> None:
        self.write(address, bytes([value]))

    def put32(self, address: int, value: int) -> None:
        self.write(address, struct.pack("<I", value & 0xFFFFFFFF))

    def put64(self, address: int, value: int) -> None:
        self.write(address, struct.pack("<Q", value & 0xFFFFFFFFFFFFFFFF))

    def string(self, address: int, most: int = 512) -> str:
        """A C string, of at most so many bytes."""
        each, offset = self._find(address, 1)
        end = each.buffer.find(b"\0", offset, offset + most)
        return each.buffer[offset : end if end >= 0 else offset + most].decode("latin1")

    def allocate(self, size: int, align: int = 64) -> int:
        """Zeroed memory in the direct map."""
        start = -(-self.next // align) * align
        if start + size > self.ram.base + self.ram.size:
            raise NotEmulated(f"the emulated machine has no {size} bytes left")
        self.next = start + size
        self.write(start, bytes(size))
        return start

    def allocate_pages(self, order: int) -> int:
        """2^order zeroed pages, those that were freed last first."""
        freed = self.freed.get(order)
        start = freed.pop() if freed else self.allocate(PAGE << order, PAGE << order)
        self.write(start, bytes(PAGE << order))
        self.orders[start] = order
        return start

    def free_pages(self, address: int, order: int) -> int:
        """As what it was allocated as is what is freed, and the order of that is returned."""
        order = self.orders.pop(address, order)
        self.freed.setdefault(order, []).append(address)
        return order

    def snapshot(self, ranges: Sequence[tuple[int, int]]) -> Snapshot:
        """What is at these (address, size), and what is allocated."""
        kept = tuple((address, self.read(address, size)) for address, size in ranges)
        freed = {order: tuple(pages) for order, pages in self.freed.items()}
        ram = self.ram.buffer[: self.next - self.ram.base]
        return Snapshot(self.next, freed, dict(self.orders), kept, ram)

    def restore(self, snapshot: Snapshot) -> None:
        for address, data in snapshot.kept:
            self.write(address, data)
        self.ram.buffer[: len(snapshot.ram)] = snapshot.ram
        self.next = snapshot.next
        self.freed = {order: list(pages) for order, pages in snapshot.freed.items()}
        self.orders = dict(snapshot.orders)


@dataclass(frozen=True)
class Snapshot:
    next: int
    freed: dict[int, tuple[int, ...]]
    orders: dict[int, int]
    kept: tuple[tuple[int, bytes], ...]
    ram: bytes


def physical(address: int) -> int:
    """The physical address behind a virtual one of the direct map or the image."""
    return address - (KERNEL if address >= KERNEL else DIRECT)


def virtual(address: int) -> int:
    """The direct map's address of a physical one."""
    return address + DIRECT


def in_page(page: int) -> int:
    """The virtual address behind a struct page."""
    return DIRECT + (page - VMEMMAP) // STRUCT_PAGE * PAGE


def page_of(address: int) -> int:
    """The struct page of a virtual address in the direct map."""
    return VMEMMAP + physical(address) // PAGE * STRUCT_PAGE
