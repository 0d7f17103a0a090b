"""What the firmware says of itself, through /dev/sev: the two status commands, and no other."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import struct

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl, Status
from softsnp.doctor.facts import Fact, Known, Unknown

from .files import Files, told

DEVICE = "/dev/sev"
COMMAND = struct.Struct("<IQI")
"""struct sev_issue_cmd: the command, the address of its data, the firmware's status."""
SEV_STATUS = struct.Struct("<BBBIBI")
"""API major and minor, state, flags, build, guests."""
SNP_STATUS = struct.Struct("<BBBBIIIQQ")
"""API major and minor, state, RMP, build, flags, guests, current TCB, reported TCB."""
SEV = ("sev-api", "sev-state")
SNP = (
    "snp-api", "snp-state", "snp-rmp-initialized", "snp-guests", "snp-tcb", "snp-tcb-reported",
)  # fmt: skip
WOULD_CHANGE = (
    "SNP was not seen up, and some kernels initialize it to answer: softsnp doctor --ask-firmware "
    "asks nevertheless"
)
DIRECT = ((7, 2, 13),)
"""From this release on the kernel answers in any state, by asking the firmware and no more."""
DIRECT_6_12 = (6, 12, 117)
LAST_THAT_REFUSES = (6, 15)
"""Kernels before it refuse to answer when SNP is not up."""


def answers_without_change(release: str) -> bool:
    """Whether SNP_PLATFORM_STATUS changes nothing on a kernel, even with SNP down."""
    found = re.match(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,6}))?", release)
    if not found:
        return False
    number = tuple(int(part or 0) for part in found.groups())
    return (
        number < LAST_THAT_REFUSES
        or number >= DIRECT[0]
        or (number[:2] == DIRECT_6_12[:2] and number >= DIRECT_6_12)
    )


def firmware(files: Files, ask_snp: bool) -> dict[str, Fact]:
    """``ask_snp``: whether SNP_PLATFORM_STATUS may be asked, which initializes SNP on some kernels
    that have it down.
    """
    try:
        device = os.open(files.path(DEVICE), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        why = told(error)
        if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
            why = "there is no /dev/sev: the ccp module makes it, where the firmware answers"
        return dict.fromkeys((*SEV, *SNP), Unknown(why, DEVICE))
    try:
        found = _sev(files, device)
        if ask_snp:
            return {**found, **_snp(files, device)}
        source = f"{DEVICE}, SNP_PLATFORM_STATUS"
        return {**found, **dict.fromkeys(SNP, Unknown(WOULD_CHANGE, source))}
    finally:
        os.close(device)


def _sev(files: Files, device: int) -> dict[str, Fact]:
    source = f"{DEVICE}, SEV_PLATFORM_STATUS"
    said = _ask(device, Ioctl.PLATFORM_STATUS, SEV_STATUS.size)
    if isinstance(said, str):
        return dict.fromkeys(SEV, Unknown(said, source))
    major, minor, state, *_ = SEV_STATUS.unpack(said)
    values = (f"{major}.{minor}", state)
    return {name: Known(v, source, files.now) for name, v in zip(SEV, values, strict=True)}


def _snp(files: Files, device: int) -> dict[str, Fact]:
    source = f"{DEVICE}, SNP_PLATFORM_STATUS"
    said = _ask(device, Ioctl.SNP_PLATFORM_STATUS, SNP_STATUS.size)
    if isinstance(said, str):
        return dict.fromkeys(SNP, Unknown(said, source))
    major, minor, state, rmp, build, _, guests, tcb, reported = SNP_STATUS.unpack(said)
    values = (
        f"{major}.{minor}.{build}", state, bool(rmp & 1), guests, f"{tcb:016x}", f"{reported:016x}",
    )  # fmt: skip
    return {name: Known(v, source, files.now) for name, v in zip(SNP, values, strict=True)}


def _ask(device: int, command: Ioctl, size: int) -> bytes | str:
    """What the firmware wrote, or why it did not."""
    buffer = ctypes.create_string_buffer(size)
    request = bytearray(COMMAND.pack(command.value, ctypes.addressof(buffer), 0))
    try:
        fcntl.ioctl(device, SEV_ISSUE_CMD, request)
    except OSError as error:
        status = COMMAND.unpack(request)[2]
        if error.errno == errno.EIO and status in [s.value for s in Status]:
            return f"the firmware answered {Status(status).name}"
        if error.errno == errno.EINVAL:
            return "the kernel refuses to ask: SNP is not initialized"
        if error.errno == errno.ENOTTY:
            return "this is not the device of ccp"
        return told(error)
    return buffer.raw
