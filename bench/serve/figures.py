"""What was measured, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

COLUMNS: Final = ("call", "where", "median", "p99", "times the kernel's sysfs, median", "p99")
NAMES: Final = {
    "ioctl": "ioctl SNP_PLATFORM_STATUS",
    "msr": "MSR read",
    "sysfs": "sysfs open, read, close",
}
REFERENCE: Final = ("sysfs", "the kernel")


@dataclass
class Figures:
    """Seconds of every call, by its kind and by where it was made."""

    samples: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, where: str, found: Mapping[str, Sequence[float]]) -> None:
        for kind, seconds in found.items():
            self.samples.setdefault((kind, where), []).extend(seconds)

    def table(self) -> str:
        """Markdown. The kernel's own sysfs comes first."""
        rows: list[tuple[str, ...]] = [COLUMNS, (":---", ":---", *["---:"] * 4)]
        reference = self.samples[REFERENCE]
        keys = [REFERENCE, *(key for key in self.samples if key != REFERENCE)]
        for kind, where in keys:
            seconds = self.samples[kind, where]
            middle, tail = median(seconds), p99(seconds)
            rows.append(
                (
                    *(NAMES[kind], where, microseconds(middle), microseconds(tail)),
                    f"{middle / median(reference):.1f}",
                    f"{tail / p99(reference):.1f}",
                )
            )
        return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def p99(seconds: Sequence[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100]


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs"
