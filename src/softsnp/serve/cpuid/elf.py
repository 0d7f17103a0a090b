"""As much of an ELF file as tells where its code and its functions are.

Read from program headers, and from the table of functions that unwinding needs: both are there in
stripped files. Symbols are the second source.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

LOAD: Final = 1
NOTE: Final = 4
UNWINDING: Final = 0x6474E550  # PT_GNU_EH_FRAME
EXECUTABLE: Final = 1
X86_64: Final = 62
PROGRAM, SHARED = 2, 3
CONTENT: Final = 1  # SHT_PROGBITS
EXECUTABLE_SECTION: Final = 4
DYNAMIC_SYMBOLS: Final = 11
SYMBOLS: Final = (2, DYNAMIC_SYMBOLS)  # SHT_SYMTAB, SHT_DYNSYM
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


class Function(NamedTuple):
    begin: int
    end: int
    """Virtual addresses, from the file."""


class Elf:
    """A program or library for x86-64. Raises NotElf when it is none, or is cut short."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        try:
            header = _HEADER.unpack_from(data)
            magic, kind, machine, _, _, segments, sections = header[:7]
            segment_size, segment_count, section_size, section_count = header[9:13]
            if magic[:6] != b"\x7fELF\x02\x01" or machine != X86_64:
                raise NotElf("not an ELF file for x86-64")
            if kind not in (PROGRAM, SHARED):
                raise NotElf("an ELF file, but neither a program nor a library")
            self.segments = [
                Segment(kind, flags, offset, address, size)
                for kind, flags, offset, address, _, size, *_ in (
                    _SEGMENT.unpack_from(data, segments + index * segment_size)
                    for index in range(segment_count)
                )
            ]
        except (struct.error, OverflowError):
            raise NotElf("an ELF file that is cut short") from None
        self._sections = (sections, section_size, section_count)

    def code(self) -> Iterator[tuple[int, bytes]]:
        """(address, bytes) of what is code: sections if they are told, else executable segments,
        which some linkers fill with constants too.
        """
        try:
            sections = [
                (address, self.data[at : at + size])
                for kind, flags, address, at, size, _ in self._all_sections()
                if kind == CONTENT and flags & EXECUTABLE_SECTION
            ]
        except (struct.error, OverflowError):
            sections = []
        yield from sections or (
            (each.address, self.data[each.offset : each.offset + each.size])
            for each in self.segments
            if each.kind == LOAD and each.flags & EXECUTABLE
        )

    def _all_sections(self) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Type, flags, address, offset, size, and the number of another that belongs to it."""
        offset, size, count = self._sections
        for index in range(count):
            _, *fields = _SECTION.unpack_from(self.data, offset + index * size)
            yield (fields[0], fields[1], fields[2], fields[3], fields[4], fields[5])

    def is_go(self) -> bool:
        """Whether Go's linker made it: it leaves a note of its own."""
        for segment in self.segments:
            if segment.kind == NOTE:
                note = self.data[segment.offset : segment.offset + segment.size]
                if b"Go\0\0" in note:
                    return True
        return False

    def imports(self, name: str) -> bool:
        """Whether another file is to provide the symbol."""
        try:
            sections = list(self._all_sections())
            for kind, _, _, at, size, link in sections:
                if kind == DYNAMIC_SYMBOLS:
                    strings = sections[link][3]
                    table = self.data[at : at + size - size % _SYMBOL.size]
                    for begin, _, _, section, _, _ in _SYMBOL.iter_unpack(table):
                        here = strings + begin
                        if not section and self.data[here : here + len(name) + 1] == (
                            name.encode() + b"\0"
                        ):
                            return True
        except (struct.error, OverflowError, IndexError):
            pass
        return False

    def knows_functions(self) -> bool:
        return bool(self._unwound or self._symbols)

    def function_at(self, address: int) -> Function | None:
        """The one that the address is in, by the table for unwinding, or else by symbols, which
        assembly may have alone. Data that lies between functions is in none.
        """
        index = bisect_right(self._unwound, (address, 1 << 64))
        if index:
            begin, record = self._unwound[index - 1]
            found = self._record(record)
            if found and found.begin == begin and address < found.end:
                return found
        index = bisect_right(self._symbols, Function(address, 1 << 64))
        found = self._symbols[index - 1] if index else None
        return found if found and address < found.end else None

    @cached_property
    def _unwound(self) -> list[tuple[int, int]]:
        """Where each function begins, and where its record is, rising."""
        for segment in self.segments:
            if segment.kind == UNWINDING:
                try:
                    return self._unwinding(segment)
                except (struct.error, OverflowError):
                    break
        return []

    def _unwinding(self, segment: Segment) -> list[tuple[int, int]]:
        table = self.data[segment.offset : segment.offset + segment.size]
        version, pointer, count_as, table_as, _, count = struct.unpack_from("<BBBBiI", table)
        # The address of .eh_frame comes first: in these two formats it has 4 bytes.
        if pointer & 0xF not in (3, 0xB):
            return []
        if (version, count_as, table_as) != (1, 3, TABLE_OF_FUNCTIONS):
            return []
        words = struct.unpack_from(f"<{2 * count}i", table, 12)
        base = segment.address
        return sorted(
            (base + begin, base + record)
            for begin, record in zip(words[::2], words[1::2], strict=True)
        )

    def _record(self, address: int) -> Function | None:
        """A function's record in .eh_frame, in the encoding that compilers use: its length, its
        common part, and the function's beginning, from here, and length, 4 bytes each.
        """
        offset = self._offset(address)
        if offset is None or offset + 16 > len(self.data):
            return None
        begin, size = struct.unpack_from("<iI", self.data, offset + 8)
        return Function(address + 8 + begin, address + 8 + begin + size)

    def _offset(self, address: int) -> int | None:
        """Where in the file it is."""
        for segment in self.segments:
            if segment.kind == LOAD and 0 <= address - segment.address < segment.size:
                return address - segment.address + segment.offset
        return None

    @cached_property
    def _symbols(self) -> list[Function]:
        try:
            return sorted(set(self._all_symbols()))
        except (struct.error, OverflowError):
            return []

    def _all_symbols(self) -> Iterator[Function]:
        for kind, _, _, at, size, _ in self._all_sections():
            if kind in SYMBOLS:
                table = self.data[at : at + size - size % _SYMBOL.size]
                for _, info, _, section, value, extent in _SYMBOL.iter_unpack(table):
                    if info & 0xF == FUNCTION and section and extent:
                        yield Function(value, value + extent)
