"""TCB_VERSION: the security versions of what a platform runs, and which of two is higher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..generations import TcbLayout

LENGTH = 8

BYTES: dict[TcbLayout, dict[str, int]] = {
    "milan": {"boot_loader": 0, "tee": 1, "snp": 6, "microcode": 7},
    "turin": {"fmc": 0, "boot_loader": 1, "tee": 2, "snp": 3, "microcode": 7},
}
"""Where each component is. The bytes themselves do not tell which of the layouts they have."""

Comparison = Literal["lexicographic", "components"]
"""``lexicographic``: as AMD's published Genoa firmware 1.55.25 compares, most significant first, so
that boot loader 1 with SNP 255 is below boot loader 2 with SNP 1. ``components``: each by itself.
"""


@dataclass(frozen=True)
class Tcb:
    """One byte each. ``reserved`` is what the other bytes hold, the lowest address first."""

    boot_loader: int = 0
    tee: int = 0
    snp: int = 0
    microcode: int = 0
    fmc: int = 0
    """Turin's first mutable code. It is 0 elsewhere."""
    reserved: int = 0

    def pack(self, layout: TcbLayout) -> bytes:
        """The 8 bytes. Raises ValueError for what does not fit."""
        self._check(layout)
        data = bytearray(LENGTH)
        for name, at in BYTES[layout].items():
            data[at] = getattr(self, name)
        for count, at in enumerate(reserved_bytes(layout)):
            data[at] = self.reserved >> 8 * count & 0xFF
        return bytes(data)

    def _check(self, layout: TcbLayout) -> None:
        for name in ("boot_loader", "tee", "snp", "microcode", "fmc"):
            value = getattr(self, name)
            most = 0xFF if name in BYTES[layout] else 0
            if not 0 <= value <= most:
                raise ValueError(f"{name} of a {layout} TCB is 0 to {most}, not {value}")
        most = (1 << 8 * len(reserved_bytes(layout))) - 1
        if not 0 <= self.reserved <= most:
            raise ValueError(f"reserved of a {layout} TCB is 0 to {most}, not {self.reserved}")

    @classmethod
    def unpack(cls, data: bytes, layout: TcbLayout) -> Tcb:
        """Of 8 bytes."""
        if len(data) != LENGTH:
            raise ValueError(f"a TCB_VERSION has {LENGTH} bytes, not {len(data)}")
        numbers = {name: data[at] for name, at in BYTES[layout].items()}
        reserved = sum(data[at] << 8 * n for n, at in enumerate(reserved_bytes(layout)))
        return cls(**numbers, reserved=reserved)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Most significant first. That the FMC comes before the boot loader is inferred."""
        return (self.fmc, self.boot_loader, self.tee, self.snp, self.microcode)

    def exceeds(self, other: Tcb, comparison: Comparison) -> bool:
        """Whether it is higher. Equal numbers with more in the reserved bytes are higher, too."""
        if self.numbers == other.numbers:
            return self.reserved > other.reserved
        if comparison == "lexicographic":
            return self.numbers > other.numbers
        return any(mine > its for mine, its in zip(self.numbers, other.numbers, strict=True))

    def __str__(self) -> str:
        """As ``snphost config set`` takes them."""
        fmc = f" fmc {self.fmc}" if self.fmc else ""
        return (
            f"boot loader {self.boot_loader} tee {self.tee} snp {self.snp} "
            f"microcode {self.microcode}{fmc}"
        )


def reserved_bytes(layout: TcbLayout) -> list[int]:
    """Where they are, in order."""
    return [at for at in range(LENGTH) if at not in BYTES[layout].values()]
