"""What a platform keeps without power, and the firmware's images.

Kept: the fuses (seed), the flash (the committed firmware and its TCB, the numbers of the platform's
keys, its owner's certificates). Everything else is volatile: a staged firmware that was not
committed, patched microcode, the reported TCB and the masks of SNP_CONFIG, the VLEK, SEV's and
SNP's state. SNP_CONFIG and SNP_VLEK_LOAD have to be done again after every reset, as on hardware.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..generations import Generation
from .tcb import Tcb


@dataclass(frozen=True, order=True)
class Version:
    """Of the firmware's API, and its build."""

    major: int = 1
    minor: int = 55
    build: int = 40

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.build}"


@dataclass(frozen=True)
class FirmwareImage:
    """A firmware that can be loaded."""

    version: Version
    snp: int
    """Its security version, the SNP component of the TCB."""


@dataclass(frozen=True)
class KeyPair:
    """Which of the chip's keys is in use, and the API that made it."""

    number: int = 0
    major: int = Version.major
    minor: int = Version.minor

    def next(self, version: Version) -> KeyPair:
        """A new one: no number comes back."""
        return KeyPair(self.number + 1, version.major, version.minor)


@dataclass(frozen=True)
class Owner:
    """Who imported a certificate: both are 2084 bytes."""

    pek: bytes
    oca: bytes


@dataclass(frozen=True)
class Kept:
    """What is still there after the power was off."""

    generation: str
    """A key of GENERATIONS."""
    seed: bytes = field(repr=False)
    """All of the chip's secrets derive from it."""
    version: Version
    """The committed firmware's."""
    committed: Tcb
    oca: KeyPair = KeyPair()
    pek: KeyPair = KeyPair()
    pdh: KeyPair = KeyPair()
    owner: Owner | None = None
    """None: the platform owns itself."""

    @classmethod
    def new(cls, seed: bytes, generation: Generation, version: Version | None = None) -> Kept:
        """As it leaves the factory."""
        return cls(generation.name, seed, version or Version(), factory_tcb(generation))

    def with_new_identity(self, version: Version) -> Kept:
        """Another OCA, PEK and PDH; the platform owns itself."""
        return replace(
            self.with_new_pdh(version),
            oca=self.oca.next(version),
            pek=self.pek.next(version),
            owner=None,
        )

    def with_new_pdh(self, version: Version) -> Kept:
        return replace(self, pdh=self.pdh.next(version))


def factory_tcb(generation: Generation) -> Tcb:
    """Plausible for each generation. Microcode's security version is its patch level's low byte."""
    microcode = generation.microcode & 0xFF
    return {
        "milan": Tcb(boot_loader=4, snp=24, microcode=microcode),
        "genoa": Tcb(boot_loader=10, snp=25, microcode=microcode),
        "turin": Tcb(fmc=1, boot_loader=2, tee=1, snp=5, microcode=microcode),
    }[generation.name]
