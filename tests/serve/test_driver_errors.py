"""/dev/sev beside the real driver's own code: what each call returns, writes and asks."""

from __future__ import annotations

from typing import Any

import pytest

from recordings.ioctl.cases import Case, cases
from recordings.ioctl.recording import HERE, Recording, dump, load
from recordings.ioctl.user import ARGUMENT, DATA, PAGE
from recordings.ioctl.virtual import VirtualSide
from tests.conform.kernels import NAMES, kernel

OWN = (ARGUMENT & -PAGE, DATA)
"""The pages with struct sev_issue_cmd and the command's own struct."""


def comparable(answer: dict[str, Any], without_blobs: bool) -> dict[str, Any]:
    """What is to be the same. Where the kernel frees pages that do not begin an allocation, it has
    copied another page than the one that the firmware wrote, and that is nothing to imitate.
    """
    kept = {key: value for key, value in answer.items() if key != "bugs"}
    if without_blobs:
        written = answer["written"].items()
        kept["written"] = {at: data for at, data in written if int(at, 16) & -PAGE in OWN}
    return kept


def differences(recording: Recording, name: str) -> list[str]:
    virtual = VirtualSide(name)
    found = []
    for case in cases():
        said = recording.answers[case.name]
        without_blobs = "bugs" in said
        wanted = comparable(said, without_blobs)
        got = comparable(virtual.call(case), without_blobs)
        if got != wanted:
            found.append(f"{case.name}\n  kernel:  {wanted}\n  virtual: {got}")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_call_comes_to_what_it_comes_to_in_the_driver(name: str) -> None:
    found = differences(load(HERE / f"{name}.json"), name)
    assert not found, f"{len(found)} differ:\n" + "\n".join(found[:10])


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_does_again_what_was_recorded(name: str) -> None:
    vmlinux, _ = kernel(name)
    for module in ("unicorn", "drgn", "capstone", "elftools"):
        pytest.importorskip(module, reason=f"{module} is not there: pip install 'softsnp[conform]'")
    from recordings.ioctl.record import record

    path = HERE / f"{name}.json"
    again = record(name, vmlinux.parent)
    if again.kernel != load(path).kernel:
        pytest.skip(f"{vmlinux} is {again.kernel}; the recording's is {load(path).kernel}")
    assert dump(again) == path.read_text(encoding="utf-8")


def test_every_call_has_a_name_of_its_own_and_was_recorded() -> None:
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)
    for kept in NAMES:
        assert list(load(HERE / f"{kept}.json").answers) == names


def test_a_wrong_answer_would_be_found() -> None:
    """A recording in which one call returned something else is told, with its name."""
    recording = load(HERE / "linux-7.3.json")
    name = Case("both", 9, "a good call").name
    said = recording.answers[name]
    other = {**recording.answers, name: {**said, "returned": -5}}
    (told,) = differences(Recording(recording.kernel, other), "linux-7.3")
    assert told.startswith(name)
