"""The designs of released kernels against what those kernels did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from softsnp.conform.configurations import CONFIGURATIONS
from softsnp.conform.recording import from_text, load, replay, to_text
from softsnp.spec.catalog import DESIGNS

from .mutations import RECORDINGS


def test_every_released_kernel_is_recorded_with_every_firmware() -> None:
    profiles = [f"{k}-{f}" for k in ("linux-6.12", "linux-7.3") for f in ("legacy", "x86-shutdown")]
    names = {"-".join(filter(None, (p, c.name))) for p in profiles for c in CONFIGURATIONS}
    assert {path.stem for path in RECORDINGS} == names


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_the_specification_does_what_the_kernel_did(path: Path) -> None:
    recording = load(path)
    found = replay(recording, DESIGNS[recording.about.design])
    assert found is None, [*map(str, found.operations), *found.differences()]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_has_something_to_say(path: Path) -> None:
    sequences = load(path).sequences
    steps = [step for sequence in sequences for _, step in sequence]
    assert len(steps) > 900
    kinds = {operation.kind for s in sequences for operation, _ in s}
    assert kinds > {"kexec", "online", "suspend", "hibernate", "panic", "pek-gen", "snp-status"}
    assert kinds > ({"smt on", "smt forceoff"} if "threads" in path.stem else {"add"})
    assert path.stat().st_size < 120 << 10
    assert any(step.returned == -16 for step in steps), "nothing was ever busy"
    assert any("WARN" in step.events for step in steps)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_recording_survives_its_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert to_text(from_text(text)) == text


def test_kernels_differ() -> None:
    """A recording tells one kernel from another: neither design does what the other kernel did."""
    for path, other in (("linux-6.12-legacy", "linux-7.3"), ("linux-7.3-legacy", "linux-6.12")):
        recording = load(RECORDINGS[0].with_name(f"{path}.jsonl"))
        assert replay(recording, DESIGNS[other]) is not None


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="a recording of version 7, not 1"):
        from_text('{"version": 7}\n')


def test_comparing_with_a_recording_needs_no_emulator() -> None:
    code = (
        "import sys, softsnp.conform.recording; "
        "sys.exit(sorted({'unicorn', 'drgn', 'capstone', 'greenlet'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
