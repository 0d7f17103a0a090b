"""Platforms for the tests, and the driver's structs."""

from __future__ import annotations

import struct

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import Answer, Chip, Firmware, FirmwareProfile, Platform, Request
from softsnp.serve.generations import GENERATIONS

SEED = bytes(range(32))
EVERY_GENERATION = tuple(GENERATIONS)
UP = Platform(
    sev_initialized=True,
    sev_es=True,
    snp_initialized=True,
    rmp_initialized=True,
    guests=0,
    snp_guests=0,
)
DOWN = Platform(
    sev_initialized=False,
    sev_es=False,
    snp_initialized=False,
    rmp_initialized=False,
    guests=0,
    snp_guests=0,
)
COMMIT = Request(Command.SNP_COMMIT, struct.pack("<I", 4))


def chip(generation: str = "genoa", seed: bytes = SEED) -> Chip:
    return Chip(seed, GENERATIONS[generation])


def firmware(generation: str = "genoa", profile: FirmwareProfile | None = None) -> Firmware:
    return Firmware(chip(generation), profile)


def ask(firmware: Firmware, request: Request, platform: Platform = UP) -> Answer:
    """Asked twice: what is considered has to be what is answered."""
    considered = firmware.consider(request, platform)
    answer = firmware.execute(request, platform)
    assert answer.status is considered
    return answer


def succeed(firmware: Firmware, request: Request, platform: Platform = UP) -> Answer:
    answer = ask(firmware, request, platform)
    assert answer.status is Status.SUCCESS
    return answer


def config(tcb: bytes = bytes(8), bits: int = 0, rest: bytes = bytes(52)) -> Request:
    return Request(Command.SNP_CONFIG, struct.pack("<8sI52s", tcb, bits, rest))


def vlek_load(hashstick: bytes, given: bytes | None = None) -> Request:
    fields = struct.pack("<IB3xQ", 16, 0, 0x1000) if given is None else given
    return Request(Command.SNP_VLEK_LOAD, fields, hashstick)


def snp_status(firmware: Firmware, platform: Platform = UP) -> bytes:
    (status,) = succeed(firmware, Request(Command.SNP_PLATFORM_STATUS), platform).outputs
    return status


def current_and_reported(firmware: Firmware) -> tuple[bytes, bytes]:
    status = snp_status(firmware)
    return status[0x10:0x18], status[0x18:0x20]


def flags(firmware: Firmware) -> int:
    return int.from_bytes(snp_status(firmware)[8:12], "little")


def platform_flags(firmware: Firmware, platform: Platform = UP) -> int:
    """PLATFORM_STATUS: bit 0 owned, bit 8 ES."""
    (status,) = succeed(firmware, Request(Command.PLATFORM_STATUS), platform).outputs
    return int.from_bytes(status[3:7], "little")
