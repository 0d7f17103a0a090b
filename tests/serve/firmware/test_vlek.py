"""SNP_VLEK_LOAD, with hashsticks that are our own."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import FirmwareImage, Request, Tcb, Version, wrap_vlek
from softsnp.serve.firmware.vlek import Hashstick, unwrap_vlek

from .platforms import COMMIT, EVERY_GENERATION, ask, chip, config, firmware, flags, succeed
from .platforms import vlek_load as load

VLEK_EN = 1 << 2


@pytest.mark.parametrize("generation", EVERY_GENERATION)
def test_a_hashstick_for_the_chip_and_its_reported_tcb_is_taken(generation: str) -> None:
    host = firmware(generation)
    assert not flags(host) & VLEK_EN
    succeed(host, load(wrap_vlek(host.chip, host.tcbs.reported)))
    assert flags(host) & VLEK_EN


def test_it_stays_over_config_and_commit_and_goes_with_snp() -> None:
    host = firmware()
    succeed(host, load(wrap_vlek(host.chip, host.tcbs.reported)))
    succeed(host, config(bits=3))
    succeed(host, COMMIT)
    assert flags(host) & VLEK_EN
    succeed(host, Request(Command.SNP_SHUTDOWN_EX))
    assert not flags(host) & VLEK_EN


def test_it_goes_with_the_power() -> None:
    host = firmware()
    succeed(host, load(wrap_vlek(host.chip, host.tcbs.reported)))
    host.power_cycle()
    assert not flags(host) & VLEK_EN


def test_sticks_of_zeros_load_nothing() -> None:
    host = firmware()
    succeed(host, load(wrap_vlek(host.chip, host.tcbs.reported, bytes(384))))
    assert not flags(host) & VLEK_EN


GOOD = struct.pack("<IB3sQ", 16, 0, b"", 0)


@pytest.mark.parametrize(
    "given_struct",
    [
        struct.pack("<IB3sQ", 15, 0, b"", 0),
        struct.pack("<IB3sQ", 16, 1, b"", 0),
        struct.pack("<IB3sQ", 16, 0, b"\0\0\1", 0),
        GOOD[:-1],
    ],
)
def test_the_struct_is_looked_at_first(given_struct: bytes) -> None:
    host = firmware()
    wrong = bytes(432)  # neither the TCB nor the tag
    assert ask(host, load(wrong, given_struct)).status is Status.INVALID_PARAM


def test_then_the_tcb_and_then_the_tag() -> None:
    host = firmware()
    assert ask(host, load(bytes(432))).status is Status.BAD_SVN
    stick = bytearray(wrap_vlek(host.chip, host.tcbs.reported))
    stick[0x1A0] ^= 1
    assert ask(host, load(bytes(stick))).status is Status.BAD_MEASUREMENT
    assert not flags(host) & VLEK_EN


def test_another_length_is_refused() -> None:
    assert ask(firmware(), load(bytes(431))).status is Status.INVALID_PARAM
    with pytest.raises(ValueError, match="432 bytes, not 431"):
        Hashstick.unpack(bytes(431))


def test_the_tcb_is_the_reported_one_and_not_the_running_one() -> None:
    host = firmware()
    old = wrap_vlek(host.chip, host.tcbs.reported)
    host.stage(FirmwareImage(Version(), 99))
    running = wrap_vlek(host.chip, host.tcbs.running)
    assert ask(host, load(running)).status is Status.BAD_SVN
    succeed(host, load(old))
    succeed(host, COMMIT)
    assert ask(host, load(old)).status is Status.BAD_SVN
    succeed(host, load(running))


def test_another_chips_is_refused() -> None:
    host = firmware()
    stick = wrap_vlek(chip(seed=b"another chip's seed"), host.tcbs.reported)
    assert ask(host, load(stick)).status is Status.BAD_MEASUREMENT


@given(st.integers(0, 431), st.integers(1, 255))
def test_every_byte_counts_but_the_four_reserved_ones(at: int, by: int) -> None:
    host = firmware()
    stick = bytearray(wrap_vlek(host.chip, host.tcbs.reported))
    stick[at] ^= by
    status = ask(host, load(bytes(stick))).status
    if 0x0C <= at < 0x10:
        assert status is Status.SUCCESS
    elif 0x190 <= at < 0x198:
        assert status is Status.BAD_SVN
    else:
        assert status is Status.BAD_MEASUREMENT


@settings(max_examples=30)
@given(st.binary(min_size=384, max_size=384), st.binary(min_size=12, max_size=12))
def test_what_is_wrapped_comes_out(sticks: bytes, iv: bytes) -> None:
    turin, tcb = chip("turin"), Tcb(1, 2, 3, 4, fmc=5)
    wrapped = wrap_vlek(turin, tcb, sticks, iv)
    assert wrapped[:12] == iv
    assert wrapped[0x190:0x198] == tcb.pack("turin")
    assert not any(wrapped[0x0C:0x10]) and not any(wrapped[0x198:0x1A0])  # snphost looks at these
    assert unwrap_vlek(turin, tcb, Hashstick.unpack(wrapped)) == sticks


def test_the_same_is_wrapped_alike_and_nothing_else_with_that_iv() -> None:
    tcb = Tcb(snp=1)
    assert wrap_vlek(chip(), tcb) == wrap_vlek(chip(), tcb)
    assert wrap_vlek(chip(), tcb)[:12] != wrap_vlek(chip(), tcb, bytes(384))[:12]


def test_lengths_are_told() -> None:
    with pytest.raises(ValueError, match="384 bytes, 8 of 48 each, not 48"):
        wrap_vlek(chip(), Tcb(), bytes(48))
    with pytest.raises(ValueError, match="an iv has 12 bytes, not 16"):
        wrap_vlek(chip(), Tcb(), iv=bytes(16))
