"""What an ioctl of /dev/sev may come to, by what its caller gave: errno, and which bytes change.

A second statement of what softsnp.serve.sev_requests and the specification do, which shares no code
with them. It is looser where an answer depends on the platform's state or the kernel's era. Where
the two differed one of them was corrected: it is no independent source.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from errno import EFAULT, EINVAL, EIO, ENODEV, ENOMEM, ENOTTY, EOPNOTSUPP, EPERM
from typing import Final

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl

from .memory import Extent, Forbidden, Memory

ISSUE: Final = struct.Struct("<IQI")
ERROR_AT: Final = 12
CERTIFICATE: Final = 2084
CHAIN: Final = 3 * CERTIFICATE
BLOB: Final = 16 << 10
ALLOCATION: Final = 4 << 20
HASHSTICK: Final = 432
IDENTIFIER: Final = 64
SHORT_IDENTIFIER: Final = 8
"""Turin's."""
OTHER_NUMBER: Final = frozenset({EINVAL, EFAULT, ENOTTY, EOPNOTSUPP})
FIRMWARE: Final = frozenset({EIO})
"""What a command that reached the firmware may end with, besides well."""
SNP_IS_DOWN: Final = frozenset({ENODEV, EINVAL})
"""What some kernels say then, before they look at what was given."""
SNP_FIRMWARE: Final = FIRMWARE | SNP_IS_DOWN
SNP: Final = range(Ioctl.SNP_PLATFORM_STATUS.value, Ioctl.SNP_VLEK_LOAD.value + 1)
INIT: Final = FIRMWARE | {ENODEV, EOPNOTSUPP}
"""Where legacy SEV is to be initialized first, and SNP with it, for which a CPU may be unfit."""


@dataclass(frozen=True)
class Expected:
    """``errnos``: any of them, 0 for success. ``outputs``: bytes that may change."""

    errnos: frozenset[int]
    outputs: tuple[Extent, ...] = ()
    inputs: tuple[Extent, ...] = ()
    """What is read besides the structs."""
    asked: bool = False
    """Whether the firmware may have been asked: then success says error 0, and EIO does not."""


class Refused(Exception):
    """The driver refuses by itself."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


@dataclass(frozen=True)
class Given:
    """What a command begins with."""

    memory: Memory
    pointer: int
    may_write: bool
    """Whether /dev/sev is open for writing."""
    inputs: list[Extent] = field(default_factory=list)

    def read(self, layout: str) -> tuple[int, ...]:
        try:
            return struct.unpack(layout, self.memory.read(self.pointer, struct.calcsize(layout)))
        except Forbidden:
            raise Refused(EFAULT) from None

    def must_write(self) -> None:
        if not self.may_write:
            raise Refused(EPERM)

    def must_point(self) -> None:
        if not self.pointer:
            raise Refused(EINVAL)

    def blob(self, address: int, length: int) -> None:
        if not address or not 0 < length <= BLOB:
            raise Refused(EINVAL)
        self.inputs.append((address, length))
        if not self.memory.readable(address, length):
            raise Refused(EFAULT)


def expected(memory: Memory, number: int, argument: int, may_write: bool) -> Expected:
    """Of a call that is about to be made: memory is looked at as it is now."""
    if number != SEV_ISSUE_CMD:
        return Expected(OTHER_NUMBER)
    try:
        command, pointer, _ = ISSUE.unpack(memory.read(argument, ISSUE.size))
    except Forbidden:
        return Expected(frozenset({EFAULT}))
    if command >= len(_RULES):
        return Expected(frozenset({EINVAL, EFAULT}))
    told = (argument + ERROR_AT, 4)
    given = Given(memory, pointer, may_write)
    try:
        rule = _RULES[Ioctl(command)](given)
    except Refused as refused:
        rule = Expected(frozenset({refused.errno}) | (SNP_IS_DOWN if command in SNP else set()))
    inputs = ((pointer, 1), *given.inputs)
    if not memory.writable(argument, ISSUE.size):
        # The struct is copied back last, whatever came before.
        return Expected(frozenset({EFAULT}), rule.outputs, inputs)
    return Expected(rule.errnos, (*rule.outputs, told), inputs, rule.asked)


def _asks(given: Given, errnos: frozenset[int], *outputs: Extent, fits: bool = True) -> Expected:
    """The firmware is asked, and ``outputs`` follow. ``fits``: whether there was room for them."""
    well = {0} if fits else set()
    if not all(given.memory.writable(*extent) for extent in outputs):
        well = {EFAULT}
    return Expected(errnos | well, outputs, asked=True)


def _changes(errnos: frozenset[int]) -> Callable[[Given], Expected]:
    """No struct, and whoever may write may do it."""

    def rule(given: Given) -> Expected:
        given.must_write()
        return _asks(given, errnos)

    return rule


def _platform_status(given: Given) -> Expected:
    return _asks(given, FIRMWARE, (given.pointer, 12))


def _pek_csr(given: Given) -> Expected:
    given.must_write()
    address, length = given.read("<QI")
    if address and length > BLOB:
        raise Refused(EFAULT)
    fits = bool(address) and length >= CERTIFICATE
    blob = [(address, CERTIFICATE)] if fits else []
    return _asks(given, INIT, (given.pointer + 8, 4), *blob, fits=fits)


def _pdh_cert_export(given: Given) -> Expected:
    pdh, room, chain, chain_room = given.read("<QIQI")
    query = not (pdh and room and chain and chain_room)
    if not query and max(room, chain_room) > BLOB:
        raise Refused(EFAULT)
    fits = not query and room >= CERTIFICATE and chain_room >= CHAIN
    blobs = [(pdh, CERTIFICATE), (chain, CHAIN)] if fits else []
    # Only where legacy SEV is not up yet need it be initialized.
    errnos = INIT if given.may_write else INIT | {EPERM}
    lengths = (given.pointer + 8, 4), (given.pointer + 20, 4)
    return _asks(given, errnos, *lengths, *blobs, fits=fits)


def _pek_cert_import(given: Given) -> Expected:
    given.must_write()
    pek, pek_length, oca, oca_length = given.read("<QIQI")
    given.blob(pek, pek_length)
    given.blob(oca, oca_length)
    return _asks(given, INIT)


def _identifier(given: Given, address: int, room: int, *lengths: Extent) -> Expected:
    """As long as that of the chip is, which a client cannot tell."""
    fits = room >= SHORT_IDENTIFIER
    shorter = _asks(given, FIRMWARE, *lengths, (address, SHORT_IDENTIFIER)) if fits else None
    blob = [(address, min(room, IDENTIFIER))] if fits else []
    rule = _asks(given, FIRMWARE, *lengths, *blob, fits=fits)
    return replace(rule, errnos=rule.errnos | shorter.errnos) if shorter else rule


def _get_id(given: Given) -> Expected:
    return _identifier(given, given.pointer, IDENTIFIER)


def _get_id2(given: Given) -> Expected:
    address, length = given.read("<QI")
    if address and length > ALLOCATION:
        raise Refused(ENOMEM)
    return _identifier(given, address, length if address else 0, (given.pointer + 8, 4))


def _snp_platform_status(given: Given) -> Expected:
    given.must_point()
    return _asks(given, SNP_FIRMWARE, (given.pointer, 32))


def _snp_commit(given: Given) -> Expected:
    return _asks(given, SNP_FIRMWARE)


def _snp_set_config(given: Given) -> Expected:
    given.must_point()
    given.must_write()
    given.read("<64s")
    return _asks(given, SNP_FIRMWARE)


def _snp_vlek_load(given: Given) -> Expected:
    given.must_point()
    given.must_write()
    length, version, address = given.read("<IB3xQ")
    if length != 16 or version:
        raise Refused(EINVAL)
    given.blob(address, HASHSTICK)
    return _asks(given, SNP_FIRMWARE)


_RULES: Final[dict[Ioctl, Callable[[Given], Expected]]] = {
    Ioctl.FACTORY_RESET: _changes(FIRMWARE),
    Ioctl.PLATFORM_STATUS: _platform_status,
    Ioctl.PEK_GEN: _changes(INIT),
    Ioctl.PEK_CSR: _pek_csr,
    Ioctl.PDH_GEN: _changes(INIT),
    Ioctl.PDH_CERT_EXPORT: _pdh_cert_export,
    Ioctl.PEK_CERT_IMPORT: _pek_cert_import,
    Ioctl.GET_ID: _get_id,
    Ioctl.GET_ID2: _get_id2,
    Ioctl.SNP_PLATFORM_STATUS: _snp_platform_status,
    Ioctl.SNP_COMMIT: _snp_commit,
    Ioctl.SNP_SET_CONFIG: _snp_set_config,
    Ioctl.SNP_VLEK_LOAD: _snp_vlek_load,
}
