"""The four TCBs of a platform, and the firmware that is loaded and not committed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from softsnp.abi.sev import Status

from .kept import FirmwareImage, Kept
from .tcb import Comparison, Tcb


@dataclass(frozen=True)
class Tcbs:
    """Running, committed, reported. The fourth, a guest's launch TCB, is the committed one when
    its context is made.
    """

    kept: Kept
    staged: FirmwareImage | None = None
    """Loaded, and not committed."""
    microcode: int | None = None
    """Loaded since power on, if any was."""
    configured: Tcb | None = None
    """By SNP_CONFIG."""

    @property
    def committed(self) -> Tcb:
        return self.kept.committed

    @property
    def image(self) -> FirmwareImage:
        """What runs."""
        return self.staged or FirmwareImage(self.kept.version, self.committed.snp)

    @property
    def running(self) -> Tcb:
        """The committed one, with SNP of the loaded image and the live microcode."""
        microcode = self.committed.microcode if self.microcode is None else self.microcode
        return replace(self.committed, snp=self.image.snp, microcode=microcode)

    @property
    def reported(self) -> Tcb:
        return self.configured or self.committed

    def may_report(self, tcb: Tcb, comparison: Comparison) -> bool:
        """Whether SNP_CONFIG takes it; all zero stands for the committed one."""
        return not tcb.exceeds(self.committed, comparison)

    def with_configured(self, tcb: Tcb) -> Tcbs:
        """Zero is what is committed now, and stays that."""
        return replace(self, configured=tcb if tcb != Tcb() else self.committed)

    def loadable(self, image: FirmwareImage) -> Status:
        """Firmware does not go back behind what is committed."""
        if image.snp < self.committed.snp:
            return Status.BAD_SVN
        if image.version < self.kept.version:
            return Status.BAD_VERSION
        return Status.SUCCESS

    def after_commit(self) -> Tcbs:
        """What runs is committed, and reported: a configured TCB is forgotten."""
        kept = replace(self.kept, version=self.image.version, committed=self.running)
        return Tcbs(kept)
