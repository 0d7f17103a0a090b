"""A mistake in the specification changes a verdict, or it is said why it does not."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import softsnp.spec.linux
from softsnp.lang import source_rules
from softsnp.spec.catalog import IOCTLS
from softsnp.spec.linux.drivers.pci.pci_driver import PciDriver
from tests.mutation import mutated

from .mutate import main, run, sample
from .mutations import SEEDED
from .mutations_place import KINDS, Place, Seeded, answers, at, fate, unmutated

COUNT, SEED = 12, 3
HERE = at("rmpopt-v10", "sysfs", "x86-shutdown")
HARMLESS = Seeded(
    "harmless", "swap", PciDriver, "pci_call_probe", {"return 0": "return 0 + 0"}, HERE
)
ENABLE = "self.cpu_hotplug_enable_otherwise()"
FATAL = replace(HARMLESS, name="fatal", edits={ENABLE: "self.cpu_hotplug_enable()"})
REFUSED = replace(HARMLESS, name="refused", edits={f"await {ENABLE}": "pass"})
"""It counts without end, and the specification says how far one can."""


@pytest.mark.parametrize("seeded", sample(COUNT, SEED), ids=str)
def test_a_sample_fares_as_it_is_said(seeded: Seeded) -> None:
    found = fate(seeded)
    assert found.as_said, str(found)


def test_there_are_enough_and_few_have_to_be_explained() -> None:
    assert len({seeded.name for seeded in SEEDED}) == len(SEEDED)
    explained = sum(bool(seeded.explained) for seeded in SEEDED)
    assert len(SEEDED) - explained >= 40
    assert explained < len(SEEDED) / 5
    assert {seeded.kind for seeded in SEEDED} == set(KINDS)


def test_every_file_that_does_something_is_mutated() -> None:
    """Of the tree of Linux and of the firmware: those in which anything awaits or decides."""
    root = Path(inspect.getfile(softsnp.spec.linux)).parent
    files = [file for file in root.rglob("*.py") if "async def" in file.read_text()]
    touched = {Path(inspect.getfile(seeded.owner)) for seeded in SEEDED}
    assert {*files, root.parent / "fw" / "psp.py"} <= touched


@pytest.mark.parametrize("seeded", SEEDED, ids=str)
def test_its_texts_are_there_and_its_design_inherits_it(seeded: Seeded) -> None:
    mutation = seeded.mutation()
    assert mutation.new != mutation.old
    era = IOCTLS.get(seeded.place.era, seeded.owner)
    assert mutation.applies_to(seeded.place.host()) or issubclass(era, seeded.owner)


@pytest.mark.parametrize("seeded", SEEDED, ids=str)
def test_the_language_would_take_its_source(seeded: Seeded) -> None:
    """What check_class() asks of a file, asked of the mutated function."""
    mutation = seeded.mutation()
    node = ast.parse(textwrap.dedent(mutation.new)).body[0]
    assert isinstance(node, source_rules.Function)
    with mutated(mutation):
        wrong = vars(seeded.owner)[seeded.function]
        code = wrong.__code__
        files = {code.co_filename: {code.co_firstlineno: node}}
        source_rules._Rules(seeded.place.host(), wrong, files).check()


def test_what_survives_unexplained_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([HARMLESS]) == 1
    assert "SURVIVES, UNEXPLAINED" in capsys.readouterr().out
    assert run([replace(HARMLESS, explained="adding 0 changes no number")]) == 0
    assert "1 survive" in capsys.readouterr().out


def test_what_is_explained_and_killed_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([FATAL]) == 0
    assert "1 of 1 killed" in capsys.readouterr().out
    assert run([replace(FATAL, explained="nobody needs CPU hotplug")]) == 1
    assert "ALTHOUGH EXPLAINED" in capsys.readouterr().out


def test_what_the_language_refuses_is_not_killed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([REFUSED]) == 1
    assert "REFUSED BY THE LANGUAGE" in capsys.readouterr().out
    assert not fate(replace(REFUSED, explained="it is refused")).as_said


def test_a_text_that_is_not_there_once_is_refused() -> None:
    for text in ("no such text", "self."):
        with pytest.raises(ValueError, match="not once"):
            replace(HARMLESS, edits={text: ""}).mutation()


def test_the_command_takes_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "1", "--seed", str(SEED)]) == 0
    first, line, last = capsys.readouterr().out.splitlines()
    assert first == f"1 of {len(SEEDED)}, seed {SEED}"
    assert line.startswith(sample(1, SEED)[0].name)
    assert last.startswith(("1 of 1 killed", "0 of 1 killed"))
    assert sample(COUNT, SEED) == sample(COUNT, SEED) != sample(COUNT, SEED + 1)


def test_what_is_right_is_explored_without_the_mistake() -> None:
    """And anew: what a mutation says is not what was remembered of another."""
    assert unmutated(HERE) is unmutated(replace(HERE))
    before = answers(HERE)
    assert fate(FATAL).changed
    assert answers(HERE) == before == unmutated(HERE)


def test_a_place_says_what_it_is() -> None:
    place: Place = at("rmpopt-v10", "thread", cpu_hot_add=True, commands_may_fail=False)
    assert str(place) == "rmpopt-v10, thread, legacy, cpu-hot-add, no-commands-may-fail"
    assert Counter(seeded.place for seeded in SEEDED).total() == len(SEEDED)
