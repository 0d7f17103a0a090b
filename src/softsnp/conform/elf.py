"""ELF files: a vmlinux, whose addresses are final, and objects (.ko, .o), which are relocated."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from .errors import Unusable

SYMBOL = struct.Struct("<IBBHQQ")
ALLOCATED = 2  # SHF_ALLOC
RESERVED = 0xFF00  # section numbers from here on are not sections
ABSOLUTE = 0xFFF1
FUNCTION = 2
SECTION, FILE = 3, 4  # kinds of symbols that name no code or data


@dataclass(frozen=True)
class Symbol:
    name: str
    value: int
    size: int
    section: int
    """The number of its section; 0 where another file defines it."""
    kind: int


class Elf:
    """An x86-64 ELF file. Raises Unusable when it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = path.open("rb")
            self.elf = ELFFile(self.file)
        except OSError as error:
            raise Unusable(f"{path}: {error.strerror}") from None
        except ELFError as error:
            self.file.close()
            raise Unusable(f"{path} is no ELF file: {error}") from None
        if self.elf["e_machine"] != "EM_X86_64":
            raise Unusable(f"{path} is for {self.elf['e_machine']}, not x86-64")
        self.sections: list[Any] = list(self.elf.iter_sections())

    def close(self) -> None:
        """What has been read stays known."""
        self.file.close()

    def section(self, name: str) -> tuple[int, int] | None:
        """(address, size) in an executable file."""
        for each in self.sections:
            if each.name == name:
                return each["sh_addr"], each["sh_size"]
        return None

    def segments(self) -> Iterator[tuple[int, bytes]]:
        """(virtual address, content) of what is loaded."""
        for segment in self.elf.iter_segments():
            if segment["p_type"] == "PT_LOAD":
                yield segment["p_vaddr"], segment.data()

    def symbols(self) -> tuple[Symbol, ...]:
        """Of a file that was read before they are known: a kernel is loaded again and again."""
        status = self.path.stat()
        return symbols(self.path, status.st_mtime_ns, status.st_size)

    def read_symbols(self) -> Iterator[Symbol]:
        table = self.elf.get_section_by_name(".symtab")
        if table is None:
            raise Unusable(f"{self.path} has no symbol table; a file with debug information has")
        names = self.sections[table["sh_link"]].data()
        for name, info, _, section, value, size in SYMBOL.iter_unpack(table.data()):
            end = names.index(b"\0", name)
            text = names[name:end].decode("latin1")
            yield Symbol(text, value, size, section, info & 15)

    @property
    def has_debug_information(self) -> bool:
        return any(each.name == ".debug_info" for each in self.sections)


@cache
def symbols(path: Path, written: int, size: int) -> tuple[Symbol, ...]:
    """Those of a file as it is; when it was ``written``, and its size, tell one from the next."""
    elf = Elf(path)
    try:
        return tuple(elf.read_symbols())
    finally:
        elf.close()
