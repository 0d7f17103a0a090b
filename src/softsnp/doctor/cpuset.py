"""Sets of CPUs: an int with a bit for each, written as the kernel writes lists (``0,2-3``)."""

from __future__ import annotations

from collections.abc import Iterator

MOST_CPUS = 1 << 16
"""More than any kernel is built for."""


def parse(text: str) -> int:
    """Raises ValueError for what is no list of CPUs."""
    cpus = 0
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        if not part:
            if text.strip():
                raise ValueError(f"a list of CPUs like 0,2-3; got {text[:80]!r}")
            continue
        if not part.isascii() or not first.isdecimal() or (dash and not last.isdecimal()):
            raise ValueError(f"a list of CPUs like 0,2-3; got {text[:80]!r}")
        low, high = int(first[:9]), int((last or first)[:9])
        if not low <= high < MOST_CPUS:
            raise ValueError(f"CPUs below {MOST_CPUS}, in order; got {part[:80]!r}")
        cpus |= ((1 << high - low + 1) - 1) << low
    return cpus


def show(cpus: int) -> str:
    """Like ``0,2-3``; empty for none."""
    runs = []
    base = 0
    while cpus:
        skip = (cpus & -cpus).bit_length() - 1
        cpus >>= skip
        length = (~cpus & (cpus + 1)).bit_length() - 1
        first, last = base + skip, base + skip + length - 1
        runs.append(f"{first}" if length == 1 else f"{first}-{last}")
        cpus >>= length
        base = last + 1
    return ",".join(runs)


def each(cpus: int) -> Iterator[int]:
    """The numbers in a set, rising."""
    while cpus:
        low = cpus & -cpus
        yield low.bit_length() - 1
        cpus ^= low


def told(cpus: int) -> str:
    """``CPU 3`` or ``CPUs 0,2-3``."""
    return f"CPU{'' if cpus & (cpus - 1) == 0 else 's'} {show(cpus)}"
