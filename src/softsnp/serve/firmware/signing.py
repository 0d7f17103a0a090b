"""ECDSA for certificates. With vlek.py, all that the firmware wants of `cryptography`.

Signatures are deterministic (RFC 6979), so that a chip's certificates are the same in every run.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from .certificate import Algorithm, Certificate, Curve, PublicPoint, Signature

PrivateKey = ec.EllipticCurvePrivateKey

CURVES: dict[int, type[ec.EllipticCurve]] = {
    Curve.P256: ec.SECP256R1,
    Curve.P384: ec.SECP384R1,
}
HASHES: dict[int, type[hashes.HashAlgorithm]] = {
    Algorithm.ECDSA_SHA256: hashes.SHA256,
    Algorithm.ECDSA_SHA384: hashes.SHA384,
}
ORDERS = {
    "secp384r1": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
    "secp256k1": int("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16),
}
"""How many points each curve has (SEC 2)."""


def _scalar(secret: bytes, curve: str) -> int:
    """From 1 to the order less 1. Secrets are 64 bits longer than the order, or more."""
    return int.from_bytes(secret, "big") % (ORDERS[curve] - 1) + 1


def private_key(secret: bytes) -> PrivateKey:
    """A P-384 key of 56 secret bytes."""
    return ec.derive_private_key(_scalar(secret, "secp384r1"), ec.SECP384R1())


def identifier(secret: bytes) -> bytes:
    """x and y of a secp256k1 key, 64 bytes."""
    key = ec.derive_private_key(_scalar(secret, "secp256k1"), ec.SECP256K1())
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "little") + numbers.y.to_bytes(32, "little")


def public_point(key: PrivateKey) -> PublicPoint:
    """Of a P-384 key."""
    numbers = key.public_key().public_numbers()
    return PublicPoint(Curve.P384, numbers.x, numbers.y)


def sign(certificate: Certificate, key: PrivateKey, usage: int) -> Certificate:
    """Signed once more, by the key of that usage, as ECDSA with SHA-256."""
    algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(key.sign(certificate.body, algorithm))
    return certificate.with_signature(Signature.ecdsa(usage, Algorithm.ECDSA_SHA256, r, s))


def usable(certificate: Certificate) -> bool:
    """Whether its key is one that can sign: ECDSA, on a known curve, a point of the curve."""
    return certificate.algorithm in HASHES and _public_key(certificate) is not None


def verifies(certificate: Certificate, parent: Certificate) -> bool:
    """Whether the parent's key signed it: usage and algorithm are the key's, the numbers fit."""
    signature = certificate.signed_by(parent.usage)
    key = _public_key(parent)
    if signature is None or key is None or signature.algorithm != parent.algorithm:
        return False
    if parent.algorithm not in HASHES:
        return False
    r, s = signature.r_and_s
    try:
        key.verify(
            encode_dss_signature(r, s), certificate.body, ec.ECDSA(HASHES[parent.algorithm]())
        )
    except InvalidSignature:
        return False
    return True


def _public_key(certificate: Certificate) -> ec.EllipticCurvePublicKey | None:
    point = PublicPoint.unpack(certificate.key)
    if point.curve not in CURVES:
        return None
    try:
        numbers = ec.EllipticCurvePublicNumbers(point.x, point.y, CURVES[point.curve]())
        return numbers.public_key()
    except ValueError:  # not on the curve
        return None
