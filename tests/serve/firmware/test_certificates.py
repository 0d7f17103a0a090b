"""CEK, OCA, PEK and PDH, looked at as clients do: by offsets, without the firmware's code."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import Chip, Firmware, Request
from softsnp.serve.generations import GENERATIONS

from .platforms import EVERY_GENERATION, UP, ask, chip, firmware, platform_flags, succeed

BODY, SIGNATURES = 0x414, (0x414, 0x61C)
OCA, PEK, PDH, CEK, NOBODY = 0x1001, 0x1002, 0x1003, 0x1004, 0x1000
ECDSA_SHA256, ECDH_SHA256 = 2, 3
EXPORT = Request(Command.PDH_CERT_EXPORT, lengths=(2084, 6252))


def number(data: bytes, at: int, length: int = 4) -> int:
    return int.from_bytes(data[at : at + length], "little")


def public_key(certificate: bytes) -> ec.EllipticCurvePublicKey:
    assert number(certificate, 0x10) == 2  # P-384
    x, y = number(certificate, 0x14, 72), number(certificate, 0x14 + 72, 72)
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP384R1()).public_key()


def signed(certificate: bytes, parent: bytes) -> bool:
    """As the `sev` crate does it: any of the signatures whose usage and algorithm are the key's."""
    for at in SIGNATURES:
        if certificate[at : at + 8] == parent[8:16]:
            r, s = number(certificate, at + 8, 72), number(certificate, at + 80, 72)
            try:
                public_key(parent).verify(
                    encode_dss_signature(r, s), certificate[:BODY], ec.ECDSA(hashes.SHA256())
                )
            except InvalidSignature:
                continue
            return True
    return False


@dataclass(frozen=True)
class Exported:
    pdh: bytes
    pek: bytes
    oca: bytes
    cek: bytes

    def verify(self) -> None:
        assert signed(self.oca, self.oca)
        assert signed(self.pek, self.oca)
        assert signed(self.pek, self.cek)
        assert signed(self.pdh, self.pek)


def exported(host: Firmware) -> Exported:
    answer = succeed(host, EXPORT)
    assert answer.lengths == (2084, 6252)
    pdh, chain = answer.outputs
    assert (len(pdh), len(chain)) == (2084, 6252)
    return Exported(pdh, chain[:2084], chain[2084:4168], chain[4168:])


@dataclass(frozen=True)
class OwnersKey:
    """What an owner may sign with, and how AMD's format numbers it."""

    curve: type[ec.EllipticCurve] = ec.SECP384R1
    curve_number: int = 2
    hash: type[hashes.HashAlgorithm] = hashes.SHA256
    algorithm: int = ECDSA_SHA256
    secret: int = 0x5EC2E7

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self.secret, self.curve())

    def sign(self, certificate: bytes, at: int = 0x414) -> bytes:
        """In the place ``at``."""
        algorithm = ec.ECDSA(self.hash(), deterministic_signing=True)
        r, s = decode_dss_signature(self.key.sign(certificate[:BODY], algorithm))
        signature = little_endian((OCA, 4), (self.algorithm, 4), (r, 72), (s, 72 + 368))
        return certificate[:at] + signature + certificate[at + 520 :]

    def certificate(self) -> bytes:
        """Self-signed, as `sevctl generate` makes it."""
        numbers = self.key.public_key().public_numbers()
        unsigned = little_endian(
            (1, 4), (0, 4), (OCA, 4), (self.algorithm, 4),
            (self.curve_number, 4), (numbers.x, 72), (numbers.y, 72), (0, 880),
            (NOBODY, 4), (0, 516), (NOBODY, 4), (0, 516),
        )  # fmt: skip
        return self.sign(unsigned)


def little_endian(*fields: tuple[int, int]) -> bytes:
    """Numbers, and how many bytes each has."""
    return b"".join(number.to_bytes(size, "little") for number, size in fields)


OWNER = OwnersKey()


def request(host: Firmware) -> bytes:
    (csr,) = succeed(host, Request(Command.PEK_CSR, lengths=(2084,))).outputs
    return csr


def import_(host: Firmware, pek: bytes, oca: bytes) -> Status:
    return ask(host, Request(Command.PEK_CERT_IMPORT, pek, oca)).status


def owned(host: Firmware) -> Firmware:
    assert import_(host, OWNER.sign(request(host)), OWNER.certificate()) is (Status.SUCCESS)
    return host


@pytest.mark.parametrize("generation", EVERY_GENERATION)
def test_a_new_platforms_certificates_verify(generation: str) -> None:
    exported(firmware(generation)).verify()


@settings(max_examples=20)
@given(st.binary(min_size=16, max_size=64), st.sampled_from(EVERY_GENERATION))
def test_every_seeds_certificates_verify_and_come_back(seed: bytes, generation: str) -> None:
    certificates = exported(Firmware(Chip(seed, GENERATIONS[generation])))
    certificates.verify()
    assert exported(Firmware(Chip(seed, GENERATIONS[generation]))) == certificates


def test_usages_and_algorithms_are_those_of_a_real_platform() -> None:
    certificates = exported(firmware())

    def kinds(certificate: bytes) -> tuple[int, ...]:
        return tuple(number(certificate, at) for at in (0, 8, 12, 0x414, 0x418, 0x61C, 0x620))

    assert kinds(certificates.pdh) == (1, PDH, ECDH_SHA256, PEK, ECDSA_SHA256, NOBODY, 0)
    assert kinds(certificates.pek) == (1, PEK, ECDSA_SHA256, OCA, ECDSA_SHA256, CEK, ECDSA_SHA256)
    assert kinds(certificates.oca) == (1, OCA, ECDSA_SHA256, OCA, ECDSA_SHA256, NOBODY, 0)
    assert kinds(certificates.cek) == (1, CEK, ECDSA_SHA256, NOBODY, 0, NOBODY, 0)
    assert certificates.pek[4:6] == bytes([1, 55])


def test_no_two_keys_are_alike() -> None:
    hosts = [firmware(), Firmware(chip(seed=b"another chip's seed"))]
    keys = set()
    for host in hosts:
        for _ in range(2):
            c = exported(host)
            keys |= {certificate[0x14:0xA4] for certificate in (c.pdh, c.pek, c.oca, c.cek)}
            succeed(host, Request(Command.PEK_GEN))
    assert len(keys) == 14  # the CEK stays


@pytest.mark.parametrize("lengths", [(), (0, 0), (2083, 6252), (2084, 6251)])
def test_a_short_export_tells_both_lengths(lengths: tuple[int, ...]) -> None:
    answer = ask(firmware(), Request(Command.PDH_CERT_EXPORT, lengths=lengths))
    assert (answer.status, answer.outputs) == (Status.INVALID_LEN, ())
    assert answer.lengths == (2084, 6252)


def test_a_request_has_no_signatures() -> None:
    answer = ask(firmware(), Request(Command.PEK_CSR, lengths=(2083,)))
    assert (answer.status, answer.lengths) == (Status.INVALID_LEN, (2084,))
    csr, pek = request(firmware()), exported(firmware()).pek
    assert csr[:BODY] == pek[:BODY]
    assert [number(csr, at) for at in SIGNATURES] == [NOBODY, NOBODY]


def test_pdh_gen_changes_the_pdh_alone() -> None:
    host = firmware()
    before = exported(host)
    succeed(host, Request(Command.PDH_GEN))
    after = exported(host)
    after.verify()
    assert after.pdh != before.pdh
    assert (after.pek, after.oca, after.cek) == (before.pek, before.oca, before.cek)


@pytest.mark.parametrize("command", [Command.PEK_GEN, Command.FACTORY_RESET])
def test_a_new_identity_changes_all_but_the_cek_and_disowns(command: Command) -> None:
    host = owned(firmware())
    before = exported(host)
    succeed(host, Request(command))
    after = exported(host)
    after.verify()
    assert after.cek == before.cek
    assert before.pek != after.pek and before.oca != after.oca and before.pdh != after.pdh
    assert not host.owned


@pytest.mark.parametrize("at", SIGNATURES)
def test_an_owner_takes_the_platform(at: int) -> None:
    """The signature may be in either place."""
    host = firmware()
    oca = OWNER.certificate()
    assert import_(host, OWNER.sign(request(host), at), oca) is Status.SUCCESS
    certificates = exported(host)
    certificates.verify()
    assert certificates.oca == oca
    assert platform_flags(host, UP) & 1


@pytest.mark.parametrize(
    "owner",
    [
        OwnersKey(hash=hashes.SHA384, algorithm=0x102),
        OwnersKey(ec.SECP256R1, 1),
        OwnersKey(ec.SECP256R1, 1, hashes.SHA384, 0x102),
    ],
)
def test_owners_have_other_keys_too(owner: OwnersKey) -> None:
    host = firmware()
    assert import_(host, owner.sign(request(host)), owner.certificate()) is Status.SUCCESS
    assert exported(host).oca == owner.certificate()


def test_an_owned_platform_takes_no_other_owner() -> None:
    host = owned(firmware())
    assert import_(host, b"", b"") is Status.ALREADY_OWNED
    succeed(host, Request(Command.FACTORY_RESET))
    owned(host)


def test_a_new_pdh_is_the_owners_too() -> None:
    host = owned(firmware())
    succeed(host, Request(Command.PDH_GEN))
    exported(host).verify()
    assert host.owned


def changed(certificate: bytes, at: int, to: int = 0xFF) -> bytes:
    return certificate[:at] + bytes([certificate[at] ^ to]) + certificate[at + 1 :]


def test_what_is_no_certificate_of_this_platform_is_refused() -> None:
    host = firmware()
    oca = OWNER.certificate()
    csr = request(host)
    pek = OWNER.sign(csr)
    others = OWNER.sign(request(Firmware(chip("milan"))))
    for bad in (b"", pek[:-1], pek + b"\0", others, csr, changed(pek, 8), changed(pek, 0x3FF)):
        assert import_(host, bad, oca) is Status.INVALID_CERTIFICATE
    for bad in (
        b"", oca[:-1], changed(oca, 0), changed(oca, 8), changed(oca, 12), changed(oca, 0x10),
        changed(oca, 0x14), changed(oca, 0x414),
    ):  # fmt: skip
        assert import_(host, pek, bad) is Status.INVALID_CERTIFICATE
    assert not host.owned


def test_a_signature_that_does_not_fit_is_refused() -> None:
    host = firmware()
    oca, csr = OWNER.certificate(), request(host)
    pek = OWNER.sign(csr)
    assert import_(host, changed(pek, 0x41C), oca) is Status.BAD_SIGNATURE
    assert import_(host, pek, changed(oca, 0x41C)) is Status.BAD_SIGNATURE
    assert import_(host, pek, changed(oca, 0x3FF)) is Status.BAD_SIGNATURE  # of the body
    stranger = OwnersKey(secret=7)
    assert import_(host, stranger.sign(csr), oca) is Status.BAD_SIGNATURE


@given(st.integers(0, 2083), st.integers(1, 255), st.booleans())
@settings(max_examples=60)
def test_no_changed_byte_makes_it_fail_in_another_way(at: int, by: int, of_pek: bool) -> None:
    host = firmware()
    pek, oca = OWNER.sign(request(host)), OWNER.certificate()
    if of_pek:
        pek = changed(pek, at, by)
    else:
        oca = changed(oca, at, by)
    status = import_(host, pek, oca)
    assert status in (Status.SUCCESS, Status.INVALID_CERTIFICATE, Status.BAD_SIGNATURE)
    if status is Status.SUCCESS:
        exported(host).verify()
