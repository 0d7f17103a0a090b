"""The CPUID instructions of a program or library, told from data that has the same bytes."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .elf import Elf, NotElf, before

CPUID: Final = b"\x0f\xa2"
LONGEST: Final = 15
"""Bytes of the longest instruction."""
FUNCTION_LIMIT: Final = 1 << 20
"""Bytes of a function that are followed from its beginning."""
SWEEPS: Final = range(32, 96)
"""How many bytes before a candidate the sweeps begin, where no function is known."""
ENOUGH: Final = 0.9
"""Of the sweeps."""
LEFT_ALONE: Final = ("ld-linux", "libc.so.", "libc-2.", "ld-musl")
"""How the loaders' and libcs' files begin: they go on choosing by the real processor."""


class NoDisassembler(Exception):
    """Capstone is not installed."""


def find_sites(path: Path) -> list[int]:
    """The virtual addresses, from the file, of every CPUID instruction, rising.

    None of what is left alone: loaders, libc, and programs of Go, whose runtime takes SIGILL by the
    system call itself. Raises NotElf, OSError, NoDisassembler.
    """
    if path.resolve().name.startswith(LEFT_ALONE) or path.name.startswith(LEFT_ALONE):
        return []
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise NotElf("an empty file") from None
        with mapped:
            return sites_of(mapped)  # type: ignore[arg-type] # sliced and unpacked, as bytes are


def sites_of(data: bytes) -> list[int]:
    """The same of a file's content."""
    elf = Elf(data)
    candidates = [(address, code, at) for address, code in elf.code() for at in _occurrences(code)]
    if not candidates or elf.is_go():
        return []
    functions = elf.functions()
    disassembler = _disassembler()
    return sorted(
        address + at
        for address, code, at in candidates
        if _is_instruction(disassembler, code, at, before(functions, address + at), address)
    )


def _occurrences(code: bytes) -> Iterator[int]:
    at = code.find(CPUID)
    while at >= 0:
        yield at
        at = code.find(CPUID, at + 1)


def _is_instruction(
    disassembler: Any, code: bytes, at: int, function: int | None, address: int
) -> bool:
    """By following the instructions from the function's beginning; or, where that is unknown or
    leads through what is no instruction, by whether sweeps from many places meet there: a wrong
    beginning falls into step within a few instructions.
    """
    start = -1 if function is None else function - address  # negative: in another segment
    if start >= 0 and at - start <= FUNCTION_LIMIT:
        met = _meets(disassembler, code, start, at)
        if met is not None:
            return met
    met_by = [
        met
        for start in {max(0, at - distance) for distance in SWEEPS}
        if (met := _meets(disassembler, code, start, at)) is not None
    ]
    return bool(met_by) and sum(met_by) >= ENOUGH * len(met_by)


def _meets(disassembler: Any, code: bytes, start: int, at: int) -> bool | None:
    """Whether instructions from ``start`` on lead to a CPUID at ``at``; None where one is none."""
    following = start
    for position, size, mnemonic, _ in disassembler.disasm_lite(code[start : at + LONGEST], start):
        following = position + size
        if following > at:
            return bool(position == at and size == len(CPUID) and mnemonic == "cpuid")
    return None


def _disassembler() -> Any:
    try:
        import capstone
    except ImportError:
        raise NoDisassembler(
            "softsnp run --cpuid needs capstone, which tells instructions from data: "
            "pip install 'softsnp[run]'"
        ) from None
    return capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
