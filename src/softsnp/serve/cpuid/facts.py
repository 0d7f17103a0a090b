"""The words of CPUID that differ between generations and mean many bits.

The values are those of published dumps as far as they were found; the ones of Turin were put
together from the features that it is known to have. Nothing here was read off hardware by us.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALL: Final = 0xFFFF_FFFF


@dataclass(frozen=True)
class Words:
    """Words of features. Also used for masks of them."""

    leaf_1: tuple[int, int]
    """ECX, EDX."""
    leaf_7: tuple[int, int, int]
    """EBX, ECX, EDX of subleaf 0."""
    leaf_8000_0001: tuple[int, int]
    """ECX, EDX."""
    leaf_8000_0008: int
    """EBX."""


@dataclass(frozen=True)
class Facts(Words):
    """What a generation has."""

    leaf_7_1: int
    """EAX of subleaf 1."""
    last_extended: int
    linear_bits: int
    physical_bits: int
    virtualization: int
    """Leaf 8000_000A EDX."""
    extended_2: int
    """Leaf 8000_0021 EAX."""
    microcode_size: int
    """Leaf 8000_0021 EBX: of a patch, in units of 16 bytes."""
    l1_data: tuple[int, int]
    """KiB and ways."""
    l2_ways: int


INSTRUCTIONS: Final = Words(
    # Not: MONITOR, PCID, x2APIC, TSC deadline, the hypervisor's bit.
    leaf_1=(ALL & ~(1 << 3 | 1 << 17 | 1 << 21 | 1 << 24 | 1 << 31), ALL),
    # Not: TSC_ADJUST, SMEP, INVPCID, PQM, PQE, SMAP; UMIP; flushing L1D.
    leaf_7=(
        ALL & ~(1 << 1 | 1 << 7 | 1 << 10 | 1 << 12 | 1 << 15 | 1 << 20),
        ALL & ~(1 << 2),
        ALL & ~(1 << 28),
    ),
    # LAHF, LZCNT, SSE4a, misaligned SSE, prefetching, XOP, LWP, FMA4, TBM, MONITORX. EDX: all.
    leaf_8000_0001=(
        1 << 0
        | 1 << 5
        | 1 << 6
        | 1 << 7
        | 1 << 8
        | 1 << 11
        | 1 << 15
        | 1 << 16
        | 1 << 21
        | 1 << 29,
        ALL,
    ),
    leaf_8000_0008=1 << 0 | 1 << 4 | 1 << 8,  # CLZERO, RDPRU, MCOMMIT
)
"""The bits that tell a program which instructions it may use."""

FACTS: Final[dict[str, Facts]] = {
    "milan": Facts(
        leaf_1=(0x7EFA_320B, 0x178B_FBFF),
        leaf_7=(0x219C_97A9, 0x0040_069C, 0x0000_0010),
        leaf_8000_0001=(0x75C2_37FF, 0x2FD3_FBFF),
        leaf_8000_0008=0x111E_F657,
        leaf_7_1=0,
        last_extended=0x8000_0023,
        linear_bits=48,
        physical_bits=48,
        virtualization=0x019B_B4FF,
        extended_2=0x0000_004D,
        microcode_size=0,
        l1_data=(32, 8),
        l2_ways=8,
    ),
    "genoa": Facts(
        leaf_1=(0x7EFA_320B, 0x178B_FBFF),
        leaf_7=(0xF1BF_97A9, 0x0040_5FDE, 0x1000_0010),
        leaf_8000_0001=(0x75C2_37FF, 0x2FD3_FBFF),
        leaf_8000_0008=0x791E_F257,
        leaf_7_1=0x20,
        last_extended=0x8000_0028,
        linear_bits=57,
        physical_bits=52,
        virtualization=0x07DF_B4FF,
        extended_2=0x0006_2FCF,
        microcode_size=0x15C,
        l1_data=(32, 8),
        l2_ways=8,
    ),
    "turin": Facts(
        leaf_1=(0x7EFA_320B, 0x178B_FBFF),
        leaf_7=(0xF1BF_97AB, 0x1840_5FDE, 0x1000_0110),
        leaf_8000_0001=(0x75C2_37FF, 0x2FD3_FBFF),
        leaf_8000_0008=0x791E_F257,
        leaf_7_1=0x30,
        last_extended=0x8000_0028,
        linear_bits=57,
        physical_bits=52,
        virtualization=0x07DF_B4FF,
        extended_2=0x0006_2FCF,
        microcode_size=0x15C,
        l1_data=(48, 12),
        l2_ways=16,
    ),
}
"""By the name of a generation."""
