"""The generations of EPYC processors that a virtual host can have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TcbLayout = Literal["milan", "turin"]


@dataclass(frozen=True)
class Generation:
    """What tells one generation from another. Sizes are in KiB."""

    name: str
    product: str
    """As AMD's key distribution service spells it."""
    brand: str
    """CPUID 8000_0002 to 8000_0004."""
    family: int
    model: int
    stepping: int
    tcb: TcbLayout
    """How the bytes of a TCB_VERSION are laid out."""
    chip_id_length: int
    """How many bytes GET_ID2 answers with."""
    microcode: int
    """The patch level that the firmware begins with, MSR 8B."""
    l2: int
    cores_per_l3: int
    l3: int
    asids: int
    """CPUID 8000_001F ECX: how many."""
    min_sev_asid: int
    """CPUID 8000_001F EDX: below it are SEV-ES's and SNP's."""


GENERATIONS: dict[str, Generation] = {
    generation.name: generation
    for generation in (
        Generation(
            "milan", "Milan", "AMD EPYC 7763 64-Core Processor", 0x19, 0x01, 1, "milan", 64,
            0x0A0011D5, 512, 8, 32768, 509, 100,
        ),
        Generation(
            "genoa", "Genoa", "AMD EPYC 9654 96-Core Processor", 0x19, 0x11, 1, "milan", 64,
            0x0A101148, 1024, 8, 32768, 1006, 100,
        ),
        Generation(
            "turin", "Turin", "AMD EPYC 9755 128-Core Processor", 0x1A, 0x02, 1, "turin", 8,
            0x0B00211A, 1024, 8, 32768, 1006, 100,
        ),
    )
}  # fmt: skip
