"""SNP_CONFIG, SNP_COMMIT and firmware that comes and goes, against a small model."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import (
    Firmware,
    FirmwareImage,
    FirmwareProfile,
    Request,
    Tcb,
    Version,
)
from softsnp.serve.generations import GENERATIONS

from .platforms import (
    COMMIT,
    EVERY_GENERATION,
    ask,
    chip,
    config,
    current_and_reported,
    firmware,
    flags,
    succeed,
)

WEIGHTS = {"milan": (0, 1, 6, 7), "turin": (0, 1, 2, 3, 7)}
"""The bytes of a TCB, heaviest first."""
SNP = {"milan": 6, "turin": 3}


@dataclass
class Model:
    """Bytes, and no code of the firmware's."""

    layout: str
    committed: bytearray
    running: bytearray = field(init=False)
    configured: bytes | None = None

    def __post_init__(self) -> None:
        self.running = bytearray(self.committed)

    def takes(self, wanted: bytes) -> bool:
        weights = WEIGHTS[self.layout]
        mine = [self.committed[at] for at in weights]
        others = [wanted[at] for at in weights]
        clean = all(wanted[at] == 0 for at in range(8) if at not in weights)
        return others < mine or (others == mine and clean) or not any(wanted)

    @property
    def reported(self) -> bytes:
        return bytes(self.committed) if self.configured is None else self.configured


class ConfigMachine(RuleBasedStateMachine):
    """Whatever is done in whatever order, a client sees what the model says."""

    @initialize(generation=st.sampled_from(EVERY_GENERATION))
    def begin(self, generation: str) -> None:
        self.firmware = firmware(generation)
        layout = GENERATIONS[generation].tcb
        self.model = Model(layout, bytearray(self.firmware.kept.committed.pack(layout)))

    @rule(
        bytes_changed=st.dictionaries(
            st.integers(0, 7), st.sampled_from((-255, -1, 1, 2)), max_size=3
        ),
        zero=st.booleans(),
    )
    def configure(self, bytes_changed: dict[int, int], zero: bool) -> None:
        wanted = bytearray(8 if zero else self.model.committed)
        for at, change in bytes_changed.items():
            wanted[at] = min(255, max(0, wanted[at] + change))
        answer = ask(self.firmware, config(bytes(wanted)))
        if self.model.takes(bytes(wanted)):
            assert answer.status is Status.SUCCESS
            nothing = not any(wanted)
            self.model.configured = bytes(self.model.committed if nothing else wanted)
        else:
            assert answer.status is Status.INVALID_PARAM

    @rule()
    def commit(self) -> None:
        succeed(self.firmware, COMMIT)
        self.model.committed[:] = self.model.running
        self.model.configured = None

    @rule(by=st.integers(-2, 2), commit=st.booleans())
    def new_firmware(self, by: int, commit: bool) -> None:
        at = SNP[self.model.layout]
        snp = self.model.committed[at] + by
        if not 0 <= snp <= 255:
            return
        image = FirmwareImage(Version(), snp)
        status = (self.firmware.download if commit else self.firmware.stage)(image)
        if by < 0:
            assert status is Status.BAD_SVN
            return
        assert status is Status.SUCCESS
        self.model.running[at] = snp
        if commit:
            self.commit_running()

    def commit_running(self) -> None:
        self.model.committed[:] = self.model.running
        self.model.configured = None

    @rule(version=st.integers(0, 255))
    def new_microcode(self, version: int) -> None:
        self.firmware.load_microcode(version)
        self.model.running[7] = version

    @rule()
    def power_cycle(self) -> None:
        self.firmware.power_cycle()
        self.model.running[:] = self.model.committed
        self.model.configured = None

    @rule()
    def shut_down(self) -> None:
        self.firmware.snp_shut_down()

    @invariant()
    def clients_see_what_the_model_says(self) -> None:
        if hasattr(self, "model"):
            seen = current_and_reported(self.firmware)
            assert seen == (bytes(self.model.running), self.model.reported)


TestConfig = ConfigMachine.TestCase


@pytest.mark.parametrize("generation", EVERY_GENERATION)
def test_a_new_platform_runs_commits_and_reports_the_same(generation: str) -> None:
    current, reported = current_and_reported(firmware(generation))
    assert current == reported
    assert any(current)


def test_more_than_committed_is_refused_though_it_runs() -> None:
    host = firmware()
    committed = host.kept.committed
    assert host.stage(FirmwareImage(Version(1, 56, 1), committed.snp + 1)) is Status.SUCCESS
    current, reported = current_and_reported(host)
    assert current != reported
    assert ask(host, config(current)).status is Status.INVALID_PARAM
    succeed(host, COMMIT)
    succeed(host, config(current))
    assert host.kept.version == Version(1, 56, 1)


def test_a_version_behind_the_committed_one_is_refused() -> None:
    host = firmware()
    older = FirmwareImage(Version(1, 54, 99), host.kept.committed.snp)
    assert host.stage(older) is Status.BAD_VERSION
    assert host.download(older) is Status.BAD_VERSION


def test_a_staged_firmware_is_gone_after_a_power_cycle() -> None:
    host = firmware()
    host.stage(FirmwareImage(Version(1, 56, 1), 99))
    host.power_cycle()
    assert host.tcbs.running == host.kept.committed
    assert host.tcbs.image.version == Version()


def test_a_tcb_that_was_zero_stays_what_was_committed_then() -> None:
    host = firmware()
    before = current_and_reported(host)
    succeed(host, config())
    host.stage(FirmwareImage(Version(), 200))
    assert current_and_reported(host)[1] == before[1]


@pytest.mark.parametrize(
    ("bits", "rest"), [(4, bytes(52)), (1 << 31, bytes(52)), (0, bytes(51) + b"\1")]
)
def test_reserved_bits_of_a_config_are_refused(bits: int, rest: bytes) -> None:
    assert ask(firmware(), config(bits=bits, rest=rest)).status is Status.INVALID_PARAM


def test_a_config_of_another_length_is_refused() -> None:
    assert ask(firmware(), Request(Command.SNP_CONFIG, bytes(63))).status is Status.INVALID_PARAM


def test_masks_are_shown_until_the_power_is_off() -> None:
    host = firmware()
    for bits in range(4):
        succeed(host, config(bits=bits))
        assert flags(host) & 3 == bits
    host.snp_shut_down()
    assert flags(host) & 3 == 3
    host.power_cycle()
    assert flags(host) & 3 == 0


@pytest.mark.parametrize("data", [b"", b"\0\0\0\0", b"\4\0\0", b"\5\0\0\0", b"\4\0\0\0\0"])
def test_commit_wants_its_length(data: bytes) -> None:
    host = firmware()
    assert ask(host, Request(Command.SNP_COMMIT, data)).status is Status.INVALID_PARAM


def test_the_comparison_is_the_profiles() -> None:
    def answer(profile: FirmwareProfile) -> Status:
        host: Firmware = Firmware(chip("milan"), profile)
        below = Tcb(boot_loader=host.kept.committed.boot_loader - 1, snp=255)
        return ask(host, config(below.pack("milan"))).status

    assert answer(FirmwareProfile()) is Status.SUCCESS
    assert answer(FirmwareProfile(comparison="components")) is Status.INVALID_PARAM


def test_microcode_has_one_byte() -> None:
    with pytest.raises(ValueError, match="0 to 255, not 256"):
        firmware().load_microcode(256)
