"""The CPUID instructions of a program or library, told from data that has the same bytes."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from .elf import Elf, Function, NotElf

CPUID: Final = b"\x0f\xa2"
LONGEST: Final = 15
"""Bytes of the longest instruction."""
FUNCTION_LIMIT: Final = 1 << 20
"""Bytes of a function that are followed from its beginning."""
SWEEPS: Final = range(32, 96)
"""How many bytes before a candidate the sweeps begin, where no function is known."""
VALID: Final = 1 / 3
"""Of the sweeps, at least, lead through instructions only: data does not."""
IN_STEP: Final = 0.9
"""Of these, at least, meet."""
LEFT_ALONE: Final = ("ld-linux", "libc.so.", "libc-2.", "ld-musl")
"""How the loaders' and libcs' files begin: they go on choosing by the real processor."""


class NoDisassembler(Exception):
    """Capstone is not installed."""


class OwnSignals(ValueError):
    """A program that takes SIGILL by the system call itself: nothing in it may raise one."""


def check() -> None:
    """Raises NoDisassembler now, and not when the first program is started."""
    _disassembler()


def find_sites(path: Path) -> list[int]:
    """The virtual addresses, from the file, of every CPUID instruction, rising.

    None in what is left alone: loaders and libc. Raises NotElf, OwnSignals for a program of Go
    without cgo, OSError, NoDisassembler.
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
    # With cgo, Go's runtime asks libc.
    if elf.is_go() and not elf.imports("sigaction"):
        raise OwnSignals(
            "made by Go without cgo: Go's runtime takes SIGILL by the system call itself"
        )
    candidates = [(address, code, at) for address, code in elf.code() for at in _occurrences(code)]
    if not candidates:
        return []
    disassembler = _disassembler()
    found = []
    for address, code, at in candidates:
        function = elf.function_at(address + at)
        # What is between known functions is more likely a table of numbers, which a wrong guess
        # would falsify; an instruction that is missed is answered by the real processor.
        if (function or not elf.knows_functions()) and _is_instruction(
            disassembler, code, at, function, address
        ):
            found.append(address + at)
    return sorted(found)


def _occurrences(code: bytes) -> Iterator[int]:
    at = code.find(CPUID)
    while at >= 0:
        yield at
        at = code.find(CPUID, at + 1)


def _is_instruction(
    disassembler: Any, code: bytes, at: int, function: Function | None, address: int
) -> bool:
    """By following the instructions from the function's beginning; or, where that leads through
    what is no instruction, or no function is known at all, by whether sweeps from many places meet
    there: a wrong beginning falls into step within a few instructions, or comes upon what is none.
    """
    start = -1 if function is None else function.begin - address  # negative: in another segment
    if start >= 0 and at - start <= FUNCTION_LIMIT:
        met = _meets(disassembler, code, start, at)
        if met is not None:
            return met
    sweeps = [_meets(disassembler, code, max(0, at - distance), at) for distance in SWEEPS]
    led_past = [met for met in sweeps if met is not None]
    return len(led_past) >= VALID * len(sweeps) and sum(led_past) >= IN_STEP * len(led_past)


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
