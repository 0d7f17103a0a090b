"""Leaf 8000_001F: memory encryption, by the names of its features."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from ..generations import Generation
from .layout import Entry

LEAF: Final = 0x8000_001F
C_BIT: Final = 51
"""The bit of a physical address that says encrypted."""
REDUCTION: Final = 5
"""How many bits of a physical address encryption takes."""
VMPLS: Final = 4

FEATURES: Final[dict[str, int]] = {
    "sme": 0,
    "sev": 1,
    "page-flush-msr": 2,
    "sev-es": 3,
    "sev-snp": 4,
    "vmpl": 5,
    "secure-tsc": 8,
    "hardware-cache-coherency": 10,
    "64-bit-host": 11,
    "restricted-injection": 12,
    "alternate-injection": 13,
    "debug-swap": 14,
    "prevent-host-ibs": 15,
    "vte": 16,
    "vmsa-register-protection": 24,
}
"""The bits of EAX."""

_NEEDS: Final[dict[str, str]] = {
    "page-flush-msr": "sev",
    "sev-es": "sev",
    "64-bit-host": "sev",
    "sev-snp": "sev-es",
    "debug-swap": "sev-es",
    "vte": "sev",
    "vmpl": "sev-snp",
    "secure-tsc": "sev-snp",
    "restricted-injection": "sev-snp",
    "alternate-injection": "sev-snp",
    "prevent-host-ibs": "sev-es",
    "vmsa-register-protection": "sev-snp",
}
"""A feature is never there without the one that it extends."""


def leaf(generation: Generation, without: Collection[str] = frozenset()) -> Entry:
    """``without``: these, and what needs them. Raises ValueError for one that is no feature."""
    if unknown := sorted(set(without) - set(FEATURES)):
        raise ValueError(
            f"no feature of CPUID 8000_001F is named {', '.join(unknown)}: "
            f"there are {', '.join(FEATURES)}"
        )
    there = [name for name in FEATURES if not set(_with_bases(name)) & set(without)]
    sev = "sev" in there
    bits = C_BIT | REDUCTION << 6 if {"sme", "sev"} & set(there) else 0
    if "vmpl" in there:
        bits |= VMPLS << 12
    eax = sum(1 << FEATURES[name] for name in there)
    asids = generation.asids if sev else 0
    return Entry(LEAF, (eax, bits, asids, generation.min_sev_asid if sev else 0))


def _with_bases(name: str) -> Iterator[str]:
    yield name
    if base := _NEEDS.get(name):
        yield from _with_bases(base)
