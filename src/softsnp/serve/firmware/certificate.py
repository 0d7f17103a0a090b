"""AMD's own certificate format, of legacy SEV: 2084 bytes, two signatures.

Layout: SEV API, and the `sev` crate. Numbers are little-endian, also those of keys and signatures.
Signatures cover what is before them. An unused one has the usage 1000.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, replace

LENGTH = 2084
BODY_LENGTH = 0x414
VERSION = 1
KEY_LENGTH = 1028
SIGNATURE_LENGTH = 512
COORDINATE = 72
"""Bytes of a coordinate of a key, and of each half of a signature."""
BODY = struct.Struct("<IBBHII1028s")
SIGNATURE = struct.Struct("<II512s")
ECC_KEY = struct.Struct("<I72s72s")
ECDSA = struct.Struct("<72s72s")


class Usage(enum.IntEnum):
    """What a key is for."""

    ARK = 0x0
    ASK = 0x13
    UNUSED = 0x1000
    OCA = 0x1001
    PEK = 0x1002
    PDH = 0x1003
    CEK = 0x1004


class Algorithm(enum.IntEnum):
    """Of a key or a signature."""

    NONE = 0
    RSA_SHA256 = 0x001
    ECDSA_SHA256 = 0x002
    ECDH_SHA256 = 0x003
    RSA_SHA384 = 0x101
    ECDSA_SHA384 = 0x102
    ECDH_SHA384 = 0x103


class Curve(enum.IntEnum):
    """Of an ECC key."""

    P256 = 1
    P384 = 2


@dataclass(frozen=True)
class PublicPoint:
    """An ECC public key."""

    curve: int
    x: int
    y: int

    def pack(self) -> bytes:
        x, y = (number.to_bytes(COORDINATE, "little") for number in (self.x, self.y))
        return ECC_KEY.pack(self.curve, x, y).ljust(KEY_LENGTH, b"\0")

    @classmethod
    def unpack(cls, key: bytes) -> PublicPoint:
        curve, x, y = ECC_KEY.unpack_from(key)
        return cls(curve, int.from_bytes(x, "little"), int.from_bytes(y, "little"))


@dataclass(frozen=True)
class Signature:
    """Of a certificate's body, by the key of that usage."""

    usage: int = Usage.UNUSED
    algorithm: int = Algorithm.NONE
    value: bytes = bytes(SIGNATURE_LENGTH)
    """512 bytes. ECDSA: r and s, 72 each."""

    def pack(self) -> bytes:
        return SIGNATURE.pack(self.usage, self.algorithm, self.value)

    @classmethod
    def ecdsa(cls, usage: int, algorithm: int, r: int, s: int) -> Signature:
        halves = (number.to_bytes(COORDINATE, "little") for number in (r, s))
        return cls(usage, algorithm, ECDSA.pack(*halves).ljust(SIGNATURE_LENGTH, b"\0"))

    @property
    def r_and_s(self) -> tuple[int, int]:
        r, s = ECDSA.unpack_from(self.value)
        return int.from_bytes(r, "little"), int.from_bytes(s, "little")


@dataclass(frozen=True)
class Certificate:
    """A key, and who vouches for it."""

    usage: int
    algorithm: int
    key: bytes
    """1028 bytes: a packed PublicPoint, for ECC."""
    major: int
    minor: int
    signatures: tuple[Signature, Signature] = (Signature(), Signature())
    version: int = VERSION
    reserved: int = 0

    @property
    def body(self) -> bytes:
        """What is signed: 1044 bytes."""
        return BODY.pack(
            self.version,
            self.major,
            self.minor,
            self.reserved,
            self.usage,
            self.algorithm,
            self.key,
        )

    def pack(self) -> bytes:
        return self.body + b"".join(signature.pack() for signature in self.signatures)

    @classmethod
    def unpack(cls, data: bytes) -> Certificate:
        """Of 2084 bytes; what they hold is not looked at."""
        if len(data) != LENGTH:
            raise ValueError(f"a certificate has {LENGTH} bytes, not {len(data)}")
        version, major, minor, reserved, usage, algorithm, key = BODY.unpack_from(data)
        first = Signature(*SIGNATURE.unpack_from(data, BODY_LENGTH))
        second = Signature(*SIGNATURE.unpack_from(data, BODY_LENGTH + SIGNATURE.size))
        return cls(usage, algorithm, key, major, minor, (first, second), version, reserved)

    def signed_by(self, usage: int) -> Signature | None:
        """The signature of that key, in either place."""
        return next((s for s in self.signatures if s.usage == usage), None)

    def with_signature(self, signature: Signature) -> Certificate:
        """In the first free place, or in the second."""
        first, second = self.signatures
        if first.usage == Usage.UNUSED or first.algorithm == Algorithm.NONE:
            return replace(self, signatures=(signature, second))
        return replace(self, signatures=(first, signature))
