"""Random ioctls of /dev/sev, written into a client's memory."""

from __future__ import annotations

import struct
from random import Random
from typing import Final

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl

from .memory import Extent, Memory
from .rules import CERTIFICATE, CHAIN, HASHSTICK, IDENTIFIER, ISSUE

LENGTHS: Final = (0, 1, 2, 11, 16, 63, 64, 65, 128, 2083, 2084, 2085, 6251, 6252, 6253, 16 << 10,
                  (16 << 10) + 1, 1 << 20, 4 << 20, (4 << 20) + 1, (1 << 31) - 1, 1 << 31,
                  (1 << 32) - 1)  # fmt: skip
NO_COMMANDS: Final = (13, 14, 15, 255, 256, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
CALM: Final = (
    *(Ioctl.PLATFORM_STATUS, Ioctl.GET_ID, Ioctl.GET_ID2, Ioctl.SNP_PLATFORM_STATUS),
    *(Ioctl.SNP_COMMIT, Ioctl.SNP_SET_CONFIG, Ioctl.SNP_VLEK_LOAD),
)
STRUCTS: Final = {
    Ioctl.PLATFORM_STATUS: 12,
    Ioctl.PEK_CSR: 12,
    Ioctl.PDH_CERT_EXPORT: 24,
    Ioctl.PEK_CERT_IMPORT: 24,
    Ioctl.GET_ID: 128,
    Ioctl.GET_ID2: 12,
    Ioctl.SNP_PLATFORM_STATUS: 32,
    Ioctl.SNP_SET_CONFIG: 64,
    Ioctl.SNP_VLEK_LOAD: 16,
}
"""Bytes of the struct that the pointer points to, where there is one."""
COMMON: Final = 0xC0005300 | 16 << 16
"""SEV_ISSUE_CMD without its last byte, which tells commands of a driver apart."""


def ioctl_number(random: Random) -> int:
    """Mostly the right one; else one of the same driver, or of nobody that the kernel knows."""
    if random.random() < 0.95:
        return SEV_ISSUE_CMD
    kind = random.randrange(4)
    if kind == 0:
        return COMMON | random.randrange(1, 256)
    if kind == 1:  # another size or direction
        return random.randrange(4) << 30 | random.randrange(1 << 14) << 16 | 0x5300
    if kind == 2:
        return (
            random.randrange(4) << 30 | random.randrange(64) << 16 | 0x5300 | random.getrandbits(8)
        )
    return random.choice((0, 0x4018AEE2, 0xAE00, 0xC0205300, 0xFFFF_FFFF, 0x5413, 0x80081272))


def random_call(random: Random, memory: Memory, calm: bool = False) -> tuple[int, int]:
    """An ioctl's number and argument. What they point to is in memory, where it may be. ``calm``:
    none that shuts SNP down.
    """
    argument = memory.somewhere(random, ISSUE.size) if random.random() < 0.2 else _good(
        random, memory, ISSUE.size
    )  # fmt: skip
    if random.random() < 0.06:
        memory.put(argument, ISSUE.pack(random.choice(NO_COMMANDS), random.getrandbits(64), 7))
        return ioctl_number(random), argument
    command = random.choice(CALM if calm else list(Ioctl))
    size = STRUCTS.get(command, 0)
    around: list[Extent] = [(argument, ISSUE.size)]
    pointer = memory.somewhere(random, max(1, size), around)
    around.append((pointer, size))
    memory.put(pointer, _struct(random, memory, command, around))
    memory.put(argument, ISSUE.pack(command.value, pointer, random.getrandbits(32)))
    return ioctl_number(random), argument


def _good(random: Random, memory: Memory, length: int) -> int:
    begin, end, _ = memory.areas[1]
    return random.randrange(begin, end - length)


def _blob(
    random: Random, memory: Memory, around: list[Extent], exact: int, layout: str = "<QI"
) -> bytes:
    """Address and length of a buffer that wants ``exact`` bytes."""
    length = exact if random.random() < 0.4 else random.choice(LENGTHS)
    address = memory.somewhere(random, min(length, 3 * CHAIN), around)
    around.append((address, min(length, 1 << 14)))
    return struct.pack(layout, address, length)


def _struct(random: Random, memory: Memory, command: Ioctl, around: list[Extent]) -> bytes:
    if command is Ioctl.PEK_CSR:
        return _blob(random, memory, around, CERTIFICATE)
    if command is Ioctl.GET_ID2:
        return _blob(random, memory, around, IDENTIFIER)
    if command is Ioctl.PDH_CERT_EXPORT:
        return _blob(random, memory, around, CERTIFICATE) + _blob(random, memory, around, CHAIN)
    if command is Ioctl.PEK_CERT_IMPORT:
        return _blob(random, memory, around, CERTIFICATE) + _blob(
            random, memory, around, CERTIFICATE
        )
    if command is Ioctl.SNP_SET_CONFIG:
        return _config(random)
    if command is Ioctl.SNP_VLEK_LOAD:
        length = 16 if random.random() < 0.8 else random.choice(LENGTHS)
        version = 0 if random.random() < 0.8 else random.randrange(256)
        reserved = bytes(3) if random.random() < 0.8 else random.randbytes(3)
        address = memory.somewhere(random, HASHSTICK, around)
        return struct.pack("<IB3sQ", length, version, reserved, address)
    return random.randbytes(STRUCTS.get(command, 0))


def _config(random: Random) -> bytes:
    """Of every kind: what the firmware takes, what is too much, and what is reserved."""
    tcb = random.choice((bytes(8), random.randbytes(8), bytes([1, 0, 0, 0, 0, 0, 1, 1])))
    mask = random.randrange(4) if random.random() < 0.8 else random.getrandbits(32)
    reserved = bytes(52) if random.random() < 0.8 else random.randbytes(52)
    return tcb + struct.pack("<I", mask) + reserved
