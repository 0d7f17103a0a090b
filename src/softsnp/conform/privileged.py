"""Instructions that touch the machine: found in the code, and made traps.

Unicorn runs rdmsr, wrmsr and wbinvd itself, on registers that nobody sees. So each place in the
code is patched. Whether two bytes are an instruction is known only by disassembling its function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import capstone

from .kernel import Kernel

TRAPPED = ("rdmsr", "wrmsr", "wbinvd", "wbnoinvd")
BYTES = re.compile(rb"\x0f[\x30\x32\x09]")


def places(kernel: Kernel, base: int, size: int) -> Iterator[tuple[int, int, str]]:
    """(address, bytes, mnemonic) of every such instruction in a stretch of code."""
    code = kernel.memory.read(base, size)
    found = [base + match.start() for match in BYTES.finditer(code)]
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    disassembler.skipdata = True
    for start, end in sorted({kernel.bounds(address, base + size) for address in found}):
        body = code[start - base : end - base]
        for address, length, mnemonic, _ in disassembler.disasm_lite(body, start):
            if mnemonic in TRAPPED:
                yield address, length, mnemonic
