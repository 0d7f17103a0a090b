"""As much of an ELF file as tells where its code and its functions are.

Read from program headers, and from the table of functions that unwinding needs: both are there in
stripped files. Symbols are the second source.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LOAD: Final = 1
NOTE: Final = 4
UNWINDING: Final = 0x6474E550  # PT_GNU_EH_FRAME
EXECUTABLE: Final = 1
X86_64: Final = 62
PROGRAM, SHARED = 2, 3
SYMBOLS: Final = (2, 11)  # SHT_SYMTAB, SHT_DYNSYM
FUNCTION: Final = 2
TABLE_OF_FUNCTIONS: Final = 0x3B  # signed, 4 bytes, from the table's own beginning

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
_SYMBOL: Final = struct.Struct("<IBBHQQ")


class NotElf(ValueError):
    """Not an x86-64 program or library."""


@dataclass(frozen=True)
class Segment:
    kind: int
    flags: int
    offset: int
    address: int
    """Virtual, from the file."""
    size: int
    """In the file."""


class Elf:
    """A program or library for x86-64. Raises NotElf when it is none, or is cut short."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            magic, kind, machine, _, _, segments, sections, *_, rest = (
                *_HEADER.unpack_from(data)[:7],
                _HEADER.unpack_from(data)[9:],
            )
            if magic[:6] != b"\x7fELF\x02\x01" or machine != X86_64:
                raise NotElf("not an ELF file for x86-64")
            if kind not in (PROGRAM, SHARED):
                raise NotElf("an ELF file, but neither a program nor a library")
            segment_size, segment_count, section_size, section_count, _ = rest
            self.segments = [
                Segment(kind, flags, offset, address, size)
                for kind, flags, offset, address, _, size, *_ in (
                    _SEGMENT.unpack_from(data, segments + index * segment_size)
                    for index in range(segment_count)
                )
            ]
        except struct.error:
            raise NotElf("an ELF file that is cut short") from None
        self._sections = (sections, section_size, section_count)

    def code(self) -> Iterator[tuple[int, bytes]]:
        """(address, bytes) of each executable segment."""
        for segment in self.segments:
            if segment.kind == LOAD and segment.flags & EXECUTABLE:
                yield segment.address, self.data[segment.offset : segment.offset + segment.size]

    def is_go(self) -> bool:
        """Whether Go's linker made it: it leaves a note of its own."""
        for segment in self.segments:
            if segment.kind == NOTE:
                note = self.data[segment.offset : segment.offset + segment.size]
                if b"Go\0\0" in note:
                    return True
        return False

    def functions(self) -> list[int]:
        """Where functions begin, rising: from the table for unwinding, else from symbols."""
        try:
            return self._unwound() or sorted(set(self._symbols()))
        except struct.error:
            return []

    def _unwound(self) -> list[int]:
        for segment in self.segments:
            if segment.kind == UNWINDING:
                table = self.data[segment.offset : segment.offset + segment.size]
                if len(table) < 12 or (table[0], table[2], table[3]) != (1, 3, TABLE_OF_FUNCTIONS):
                    return []
                # The address of .eh_frame comes first: 4 bytes in every encoding that has them.
                if table[1] & 0xF not in (3, 0xB):
                    return []
                (count,) = struct.unpack_from("<I", table, 8)
                words = struct.unpack_from(f"<{2 * count}i", table, 12)
                return [segment.address + begin for begin in words[::2]]
        return []

    def _symbols(self) -> Iterator[int]:
        offset, size, count = self._sections
        for index in range(count):
            _, kind, _, _, at, length, *_ = _SECTION.unpack_from(self.data, offset + index * size)
            if kind in SYMBOLS:
                table = self.data[at : at + length - length % _SYMBOL.size]
                for _, info, _, section, value, _ in _SYMBOL.iter_unpack(table):
                    if info & 0xF == FUNCTION and section:
                        yield value


def before(functions: list[int], address: int) -> int | None:
    """The function that begins last, not after the address."""
    index = bisect_right(functions, address)
    return functions[index - 1] if index else None
