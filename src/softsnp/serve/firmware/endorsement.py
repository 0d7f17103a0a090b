"""The certificates of a platform: CEK, OCA, PEK and PDH, and what an owner may import.

The CEK is the chip's; AMD's signature of it comes from AMD's key service, so here it has none, as
on hardware. The OCA signs itself; the PEK is signed by the OCA and by the CEK, the PDH by the PEK.
"""

from __future__ import annotations

from softsnp.abi.sev import Status

from .certificate import LENGTH, VERSION, Algorithm, Certificate, Usage
from .chip import Chip
from .kept import Kept, KeyPair, Owner
from .signing import PrivateKey, public_point, sign, usable, verifies

CEK_MADE = KeyPair(0, 0, 14)
"""By the API that a Rome's CEK names."""


class Endorsement:
    """Certificates of a chip, as it stands. Nothing is stored: all of it derives."""

    def __init__(self, chip: Chip, kept: Kept) -> None:
        self.chip = chip
        self.kept = kept

    def cek(self) -> Certificate:
        return self._certificate(Usage.CEK, CEK_MADE)

    def oca(self) -> Certificate:
        """The owner's, or the platform's own."""
        if self.kept.owner is not None:
            return Certificate.unpack(self.kept.owner.oca)
        return sign(self._certificate(Usage.OCA, self.kept.oca), self._oca_key(), Usage.OCA)

    def pek(self) -> Certificate:
        if self.kept.owner is not None:
            return Certificate.unpack(self.kept.owner.pek)
        return self._endorsed(sign(self.csr(), self._oca_key(), Usage.OCA))

    def pdh(self) -> Certificate:
        certificate = self._certificate(Usage.PDH, self.kept.pdh, Algorithm.ECDH_SHA256)
        return sign(certificate, self.chip.key("PEK", self.kept.pek.number), Usage.PEK)

    def csr(self) -> Certificate:
        """The PEK's certificate without signatures, for an owner to sign."""
        return self._certificate(Usage.PEK, self.kept.pek)

    def chain(self) -> bytes:
        """PEK, OCA and CEK: 6252 bytes."""
        return b"".join(c.pack() for c in (self.pek(), self.oca(), self.cek()))

    def importable(self, pek: bytes, oca: bytes) -> Status:
        """Whether the platform would take these from an owner, and if not, why."""
        if self.kept.owner is not None:
            return Status.ALREADY_OWNED
        if len(pek) != LENGTH or len(oca) != LENGTH:
            return Status.INVALID_CERTIFICATE
        endorsed, owner = Certificate.unpack(pek), Certificate.unpack(oca)
        if endorsed.body != self.csr().body:
            return Status.INVALID_CERTIFICATE
        if owner.version != VERSION or owner.usage != Usage.OCA or not usable(owner):
            return Status.INVALID_CERTIFICATE
        if endorsed.signed_by(Usage.OCA) is None or owner.signed_by(Usage.OCA) is None:
            return Status.INVALID_CERTIFICATE
        if not verifies(owner, owner) or not verifies(endorsed, owner):
            return Status.BAD_SIGNATURE
        return Status.SUCCESS

    def imported(self, pek: bytes, oca: bytes) -> Owner:
        """Of certificates that are importable: the CEK signs the PEK once more."""
        signature = Certificate.unpack(pek).signed_by(Usage.OCA)
        assert signature is not None
        endorsed = self._endorsed(self.csr().with_signature(signature))
        return Owner(endorsed.pack(), oca)

    def _endorsed(self, pek: Certificate) -> Certificate:
        return sign(pek, self.chip.key("CEK"), Usage.CEK)

    def _oca_key(self) -> PrivateKey:
        return self.chip.key("OCA", self.kept.oca.number)

    def _certificate(
        self, usage: Usage, made: KeyPair, algorithm: Algorithm = Algorithm.ECDSA_SHA256
    ) -> Certificate:
        key = public_point(self.chip.key(usage.name, made.number))
        return Certificate(usage, algorithm, key.pack(), made.major, made.minor)
