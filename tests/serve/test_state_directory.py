"""What a platform keeps in a directory, and what becomes of it when somebody pulls the plug."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.abi.sev import Command, Status
from softsnp.serve.firmware import (
    Chip,
    Firmware,
    FirmwareImage,
    Kept,
    KeyPair,
    Owner,
    Request,
    Tcb,
    Version,
    wrap_vlek,
)
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.power_on import chip_seed, power_on
from softsnp.serve.state_directory import LOCK, NEW_STATE, STATE, StateDirectory
from softsnp.serve.state_document import StateError, decode, encode

from .firmware.platforms import COMMIT, UP, config, flags, succeed, vlek_load
from .firmware.test_certificates import exported, owned

GENOA = GENERATIONS["genoa"]
SEED = bytes(range(32))
OLD = Kept.new(SEED, GENOA)
NEW = replace(OLD, committed=Tcb(11, 1, 99, 80), version=Version(1, 56, 3), pek=KeyPair(7, 1, 56))

byte = st.integers(0, 255)
versions = st.builds(Version, byte, byte, byte)
key_pairs = st.builds(KeyPair, st.integers(0, (1 << 32) - 1), byte, byte)
certificates = st.binary(min_size=2084, max_size=2084)
states = st.builds(
    Kept,
    st.sampled_from(("milan", "genoa")),
    st.binary(min_size=16, max_size=64),
    versions,
    st.builds(Tcb, byte, byte, byte, byte),
    key_pairs,
    key_pairs,
    key_pairs,
    st.none() | st.builds(Owner, certificates, certificates),
)


@settings(max_examples=40)
@given(states)
def test_every_state_comes_back(kept: Kept) -> None:
    assert decode(encode(kept), "here") == kept


def test_an_empty_directory_has_no_state(tmp_path: Path) -> None:
    with StateDirectory(tmp_path / "a" / "b") as directory:
        assert directory.load() is None
        directory.save(OLD)
        assert directory.load() == OLD
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "b" / STATE).stat().st_mode) == 0o600


def test_two_hosts_cannot_have_it(tmp_path: Path) -> None:
    in_use = f"in use by another host, process {os.getpid()}\n"
    with StateDirectory(tmp_path), pytest.raises(StateError, match=in_use):
        StateDirectory(tmp_path)
    StateDirectory(tmp_path).close()


def test_a_closed_directory_takes_nothing(tmp_path: Path) -> None:
    directory = StateDirectory(tmp_path)
    directory.close()
    directory.close()
    with pytest.raises(ValueError, match="is closed"):
        directory.save(OLD)


@settings(max_examples=100)
@given(st.integers(0, len(encode(NEW))), st.booleans())
def test_a_write_that_ended_at_any_byte_leaves_the_old_state(length: int, first: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        if not first:
            with StateDirectory(path) as directory:
                directory.save(OLD)
        (path / NEW_STATE).write_bytes(encode(NEW)[:length])
        with StateDirectory(path) as directory:
            assert directory.load() == (None if first else OLD)
            assert not (path / NEW_STATE).exists()
            directory.save(NEW)
            assert directory.load() == NEW


KILLED = """
import os, pathlib, signal, sys
from softsnp.serve.state_directory import StateDirectory
from softsnp.serve.state_document import decode

path, new, step = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
kept = decode(new.read_bytes(), str(new))
directory = StateDirectory(path)
steps = 0

def dies(function):
    def wrapped(*arguments, **named):
        global steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return wrapped

os.open, os.fsync, os.close = dies(os.open), dies(os.fsync), dies(os.close)
os.link, pathlib.Path.replace = dies(os.link), dies(pathlib.Path.replace)
directory.save(kept)
print(steps)
"""
"""Saves, and is killed just before a step of it."""


def saved_by_another_process(path: Path, step: int) -> subprocess.CompletedProcess[str]:
    wanted = path.parent / "wanted.json"
    wanted.write_bytes(encode(NEW))
    command = [sys.executable, "-c", KILLED, str(path), str(wanted), str(step)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


STEPS = ("open", "fsync", "link", "replace", "open the directory", "fsync it", "close it")


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1), ids=STEPS)
def test_a_host_that_is_killed_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, step: int
) -> None:
    path = tmp_path / "state"
    with StateDirectory(path) as directory:
        directory.save(OLD)
    assert saved_by_another_process(path, step).returncode == -signal.SIGKILL
    if (path / NEW_STATE).exists():
        assert decode((path / NEW_STATE).read_bytes(), "no part of it is missing") == NEW
    with StateDirectory(path) as directory:  # the lock went with it
        assert directory.load() == (OLD if step <= 4 else NEW)
        assert sorted(file.name for file in path.iterdir()) == sorted((LOCK, STATE))


def test_there_are_no_other_steps(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    assert saved_by_another_process(path, 0).stdout == f"{len(STEPS)}\n"


@given(st.integers(0, len(encode(OLD)) - 2))
def test_a_state_that_is_cut_off_is_damaged(length: int) -> None:
    with pytest.raises(StateError, match=r"^here is damaged: it is no JSON"):
        decode(encode(OLD)[:length], "here")


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_whatever_else_is_there_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(StateError, match="damaged"):
        decode(data, "here")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", "swtpm", r"at \$.format, wanted 'softsnp host state', got \"swtpm\""),
        ("version", 0, r"at \$.version, wanted 1, got 0"),
        ("version", "1", r"at \$.version, wanted a number from 0 to \d+, got \"1\""),
        ("generation", "rome", r"at \$.generation, wanted one of milan, genoa, turin, got"),
        ("seed", "abcd", r"at \$.seed, wanted 16 bytes or more in hexadecimal"),
        ("seed", 7, r"at \$.seed"),
        ("firmware", [1, 55, 40], r"at \$.firmware, wanted an object, got \[1, 55, 40\]"),
        ("firmware.minor", 256, r"at \$.firmware.minor, wanted a number from 0 to 255, got 256"),
        ("committed_tcb.snp", True, r"at \$.committed_tcb.snp, .* got true"),
        ("committed_tcb.fmc", 1, r"at \$.committed_tcb.fmc, wanted a number from 0 to 0, got 1"),
        ("keys.pek.number", -1, r"at \$.keys.pek.number, .* got -1"),
        ("owner", {"pek": "AAAA"}, r"at \$.owner.pek, wanted 2084 bytes in base 64"),
        ("owner", {"pek": "no base 64"}, r"at \$.owner.pek"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, message: str) -> None:
    document = json.loads(encode(OLD))
    *above, last = path.split(".")
    place = document
    for name in above:
        place = place[name]
    place[last] = value
    with pytest.raises(StateError, match=message):
        decode(json.dumps(document).encode(), "here")


def test_a_newer_version_is_not_guessed_at() -> None:
    document = json.loads(encode(OLD)) | {"version": 2, "keys": "of another kind"}
    with pytest.raises(StateError, match=r"has version 2 of the format.*up to 1\n  use the"):
        decode(json.dumps(document).encode(), "here")


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"cannot be used: File exists\n  write: --state DIR"):
        StateDirectory(tmp_path / "file")


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / NEW_STATE).mkdir()
    with pytest.raises(StateError, match=r"state.json.new cannot be removed: Is a directory"):
        StateDirectory(tmp_path)
    (tmp_path / NEW_STATE).rmdir()
    (tmp_path / STATE).mkdir()
    unreadable = r"state.json cannot be read: Is a directory"
    with StateDirectory(tmp_path) as directory, pytest.raises(StateError, match=unreadable):
        directory.load()


def test_what_cannot_be_saved_was_not_done(tmp_path: Path) -> None:
    with StateDirectory(tmp_path) as directory:
        host = power_on(GENOA, SEED, directory)
        before = exported(host)
        (tmp_path / NEW_STATE).mkdir()  # stands in the way, also of root
        with pytest.raises(StateError, match="cannot be saved: Is a directory"):
            host.execute(Request(Command.PEK_GEN), UP)
        (tmp_path / NEW_STATE).rmdir()
        assert exported(host) == before
        assert directory.load() == host.kept


def test_what_hardware_keeps_is_kept_and_the_rest_is_not(tmp_path: Path) -> None:
    with StateDirectory(tmp_path) as directory:
        host = owned(power_on(GENOA, SEED, directory))
        succeed(host, Request(Command.PDH_GEN))
        image = FirmwareImage(Version(1, 56, 7), 200)
        assert host.stage(image) is Status.SUCCESS
        succeed(host, COMMIT)
        before, committed = exported(host), host.tcbs.committed
        assert host.stage(replace(image, snp=201)) is Status.SUCCESS
        succeed(host, config(Tcb(snp=1).pack("milan"), bits=3))
        succeed(host, vlek_load(wrap_vlek(host.chip, host.tcbs.reported)))
    with StateDirectory(tmp_path) as directory:
        host = power_on(GENOA, bytes(32), directory)  # the seed is the directory's
        assert exported(host) == before
        assert host.owned
        assert host.tcbs.running == host.tcbs.reported == host.tcbs.committed == committed
        assert host.tcbs.image == image
        assert flags(host) & 0b111 == 0


def test_a_directory_keeps_its_generation(tmp_path: Path) -> None:
    with StateDirectory(tmp_path) as directory:
        power_on(GENOA, SEED, directory)
        with pytest.raises(StateError, match=r"keeps a genoa.*\n  write: --generation genoa"):
            power_on(GENERATIONS["turin"], SEED, directory)


def test_what_earlier_versions_saved_is_the_same_chip_today() -> None:
    """As it was written by the first version of the format. Neither may ever change."""
    text = (Path(__file__).parent / "state-1.json").read_bytes()
    kept = decode(text, "state-1.json")
    assert encode(kept) == text
    host = Firmware(Chip(kept.seed, GENERATIONS[kept.generation]), kept=kept)
    digest = hashlib.sha256()
    for _ in range(2):
        c = exported(host)
        digest.update(c.pdh + c.pek + c.oca + c.cek)
        succeed(host, Request(Command.FACTORY_RESET))
    assert digest.hexdigest() == (
        "18bdcbaf0cd195f7d15be853defaae9e3aa100bb041f49ff22dcfcceaef912a9"
    )


def test_what_was_kept_is_one_chips() -> None:
    with pytest.raises(ValueError, match="another chip's"):
        Firmware(Chip(bytes(32), GENOA), kept=OLD)


def test_without_a_directory_a_run_has_its_chip() -> None:
    one, again, other = (power_on(GENOA, chip_seed(run)) for run in (1, 1, 2))
    assert one.chip.identifier == again.chip.identifier != other.chip.identifier
