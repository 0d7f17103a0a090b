"""The statuses, the identifier and the features, byte for byte."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import Firmware, FirmwareProfile, Platform, Request, Version

from .platforms import DOWN, EVERY_GENERATION, UP, ask, chip, firmware, snp_status, succeed


def platform_status(platform: Platform) -> tuple[int, ...]:
    (status,) = succeed(firmware(), Request(Command.PLATFORM_STATUS), platform).outputs
    assert len(status) == 12
    fields: tuple[int, ...] = struct.unpack("<BBBIBI", status)
    return fields


def test_platform_status() -> None:
    assert platform_status(UP) == (1, 55, 1, 1 << 8, 40, 0)
    assert platform_status(replace(UP, sev_es=False)) == (1, 55, 1, 0, 40, 0)
    assert platform_status(replace(UP, guests=3)) == (1, 55, 2, 1 << 8, 40, 3)


def test_platform_status_hides_everything_while_sev_is_down() -> None:
    assert platform_status(replace(UP, sev_initialized=False, guests=3)) == (1, 55, 0, 0, 40, 0)


def test_clients_want_a_minor_version_of_51_or_more() -> None:
    assert Version().minor >= 51


@pytest.mark.parametrize("generation", EVERY_GENERATION)
def test_snp_platform_status(generation: str) -> None:
    host = firmware(generation)
    status = snp_status(host, replace(UP, snp_guests=7))
    assert len(status) == 32
    assert status[:4] == bytes([1, 55, 1, 0b11])
    assert struct.unpack_from("<III", status, 4) == (40, 1 << 3, 7)
    assert snp_status(host, DOWN)[2:4] == bytes([0, 0b10])


def test_a_profile_shows_in_the_status() -> None:
    host = Firmware(
        chip(),
        FirmwareProfile(
            feature_info=False, alias_check=False, rapl_disabled=True, ciphertext_hiding=True
        ),
    )
    status = snp_status(host)
    assert status[3] == 1
    assert status[8] == 0b110000


@pytest.mark.parametrize(("generation", "length"), [("milan", 64), ("genoa", 64), ("turin", 8)])
def test_identifier(generation: str, length: int) -> None:
    host = firmware(generation)
    for room in (0, length - 1):
        answer = ask(host, Request(Command.GET_ID, lengths=(room,)))
        assert (answer.status, answer.outputs) == (Status.INVALID_LEN, ())
        assert answer.lengths == (length,)
    answer = succeed(host, Request(Command.GET_ID, lengths=(128,)))
    assert answer.lengths == (length,)
    assert answer.outputs == (chip(generation).identifier,)
    assert len(chip(generation).identifier) == length


def test_no_room_given_is_no_room() -> None:
    assert ask(firmware(), Request(Command.GET_ID)).status is Status.INVALID_LEN


def test_chips_differ_by_seed_and_generation() -> None:
    identifiers = {
        chip(generation, seed).identifier[:8]
        for generation in EVERY_GENERATION
        for seed in (bytes(16), b"\1" * 16)
    }
    assert len(identifiers) == 6


def test_a_seed_has_to_be_long_enough() -> None:
    with pytest.raises(ValueError, match="16 bytes or more, not 3"):
        chip(seed=b"abc")


def feature_info(subleaf: int, length: int = 16) -> Request:
    return Request(Command.SNP_FEATURE_INFO, struct.pack("<IIQ", length, subleaf, 0x1000))


def test_features() -> None:
    assert succeed(firmware(), feature_info(0)).outputs == (struct.pack("<IIII", 1, 1, 3, 0),)
    assert succeed(firmware(), feature_info(1)).outputs == (struct.pack("<IIII", 0x1FF, 0, 0, 0),)
    legacy = Firmware(chip(), FirmwareProfile(x86_snp_shutdown=False))
    assert succeed(legacy, feature_info(0)).outputs == (struct.pack("<IIII", 1, 1, 1, 0),)


def test_features_that_there_are_not() -> None:
    assert ask(firmware(), feature_info(2)).status is Status.INVALID_PARAM
    assert ask(firmware(), feature_info(0, length=15)).status is Status.INVALID_PARAM
    none = Firmware(chip(), FirmwareProfile(feature_info=False))
    assert ask(none, feature_info(0)).status is Status.INVALID_COMMAND


@pytest.mark.parametrize("command", [c for c in Command if c.name.endswith("DF_FLUSH")])
def test_what_is_the_state_machines_alone_succeeds(command: Command) -> None:
    answer = succeed(firmware(), Request(command))
    assert (answer.outputs, answer.lengths) == ((), ())
