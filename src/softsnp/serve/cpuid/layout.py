"""The table of CPUID answers as bytes: what preload/preload.h reads.

A header, then the entries, then one record for each CPU. Little endian, no padding. Of a leaf
without an entry the real processor's answer is passed through, if the leaf is within the limits of
the header and of the real processor; zeros otherwise.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Final

MAGIC: Final = b"SNPCPUID"
VERSION: Final = 1
ANY_SUBLEAF: Final = 0xFFFFFFFF
HEADER: Final = struct.Struct("<8sIIIIII")
ENTRY: Final = struct.Struct("<2I4I4II")
CPU: Final = struct.Struct("<3I")

Registers = tuple[int, int, int, int]
"""EAX, EBX, ECX, EDX."""
NONE: Final[Registers] = (0, 0, 0, 0)


class Own(IntFlag):
    """What of an answer depends on the CPU that asks."""

    NOTHING = 0
    EAX_APIC = 1
    EDX_APIC = 2
    EBX_APIC = 4
    """In EBX[31:24]."""
    EBX_CORE = 8
    """In EBX[7:0]."""
    ECX_NODE = 16
    """In ECX[7:0]."""


@dataclass(frozen=True)
class Entry:
    """The answer of a leaf: ``value``, and the bits of ``real`` as the real processor has them."""

    leaf: int
    value: Registers = NONE
    real: Registers = NONE
    subleaf: int = ANY_SUBLEAF
    own: Own = Own.NOTHING


@dataclass(frozen=True)
class Cpu:
    """Where a CPU is: its APIC number, its core within the package, its node."""

    apic: int
    core: int
    node: int


@dataclass(frozen=True)
class Table:
    entries: tuple[Entry, ...]
    cpus: tuple[Cpu, ...]
    last_standard: int
    last_extended: int

    def encode(self) -> bytes:
        size = HEADER.size + len(self.entries) * ENTRY.size + len(self.cpus) * CPU.size
        return b"".join(
            (
                HEADER.pack(
                    *(MAGIC, VERSION, size, len(self.entries), len(self.cpus)),
                    *(self.last_standard, self.last_extended),
                ),
                *(
                    ENTRY.pack(each.leaf, each.subleaf, *each.value, *each.real, each.own)
                    for each in self.entries
                ),
                *(CPU.pack(each.apic, each.core, each.node) for each in self.cpus),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> Table:
        """Raises ValueError for what is no table."""
        if len(data) < HEADER.size or data[: len(MAGIC)] != MAGIC:
            raise ValueError("no table of CPUID answers: it begins with other bytes")
        _, version, size, entries, _, standard, extended = HEADER.unpack_from(data)
        if (version, size) != (VERSION, len(data)):
            raise ValueError(
                f"a table of CPUID answers of version {version} and {size} bytes: "
                f"wanted version {VERSION} and the file's {len(data)}"
            )
        end = HEADER.size + entries * ENTRY.size
        return cls(
            tuple(_entries(ENTRY.iter_unpack(data[HEADER.size : end]))),
            tuple(Cpu(*each) for each in CPU.iter_unpack(data[end:])),
            standard,
            extended,
        )


def _entries(records: Iterable[Sequence[int]]) -> Iterable[Entry]:
    for leaf, subleaf, *rest in records:
        a, b, c, d, e, f, g, h, own = rest
        yield Entry(leaf, (a, b, c, d), (e, f, g, h), subleaf, Own(own))


def describe(data: bytes) -> str:
    """A table as text: a line for each entry; a bit that is the real processor's makes its
    register ``value|real&mask``.
    """
    table = Table.decode(data)
    lines = [
        f"leaves to {table.last_standard:08x} and {table.last_extended:08x}, {len(table.cpus)} CPUs"
    ]
    for entry in table.entries:
        which = "   *" if entry.subleaf == ANY_SUBLEAF else f"{entry.subleaf:4x}"
        registers = (
            f"{name}={value:08x}" + (f"|real&{real:08x}" if real else "")
            for name, value, real in zip(
                ("eax", "ebx", "ecx", "edx"), entry.value, entry.real, strict=True
            )
        )
        own = f"  of each CPU: {entry.own.name}" if entry.own else ""
        lines.append(f"{entry.leaf:08x} {which}: {' '.join(registers)}{own}")
    lines.append("every other leaf within the limits: the real processor's")
    return "\n".join(lines) + "\n"


def write(path: Path, data: bytes) -> None:
    """Put a table where programs look for it, or change the one there, which they have mapped.

    Changed in place, so that running programs see it at once. Raises ValueError if the new table is
    of another size: a program would read past its end.
    """
    Table.decode(data)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(data)
        fresh.chmod(0o644)
        fresh.replace(path)
        return
    try:
        if (size := os.fstat(file).st_size) != len(data):
            raise ValueError(
                f"{path} has a table of {size} bytes, and programs have it mapped: one of "
                f"{len(data)} bytes, for another number of CPUs, needs another file"
            )
        os.pwrite(file, data, 0)
    finally:
        os.close(file)
