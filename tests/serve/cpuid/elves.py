"""ELF files made here, of code and of where its functions are."""

from __future__ import annotations

import struct
from collections.abc import Sequence

CODE = 0x1000
"""Where the code is, in the file and in memory."""


def elf(
    code: bytes,
    functions: Sequence[tuple[int, int]] = (),
    *,
    note: bytes = b"",
    kind: int = 3,
    machine: int = 62,
) -> bytes:
    """``functions``: (offset in the code, length), rising."""
    unwinding_at = CODE + len(code)
    records_at = 12 + 8 * len(functions)
    table = struct.pack("<BBBBiI", 1, 0x1B, 3, 0x3B, 0, len(functions))
    records = b""
    for offset, length in functions:
        record = records_at + len(records)
        begin = CODE + offset - unwinding_at
        table += struct.pack("<ii", begin, record)
        records += struct.pack("<IIiI", 12, 0, begin - (record + 8), length)
    unwinding = table + records
    note_at = unwinding_at + len(unwinding)
    everything = note_at + len(note)
    segments = [
        (1, 5, 0, everything),  # loaded, and executed
        (0x6474E550, 4, unwinding_at, len(unwinding) if functions else 0),
        (4, 4, note_at, len(note)),
    ]
    head = struct.pack(
        *("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", kind, machine, 1),
        *(0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0),
    )
    for kind_of, flags, at, size in segments:
        head += struct.pack("<IIQQQQQQ", kind_of, flags, at, at, at, size, size, 16)
    return head.ljust(CODE, b"\0") + code + unwinding + note
