"""The form of the specification: banners, sources, sentences, stable names, one screen a design."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from softsnp.lang import Field, Lock, Population, declared
from softsnp.spec.activities import Host
from softsnp.spec.catalog import (
    ACTIVITIES,
    ASSUMPTIONS,
    BY_NAME,
    DESIGNS,
    FIRMWARE,
    IOCTLS,
    SCENARIOS,
    with_ioctls,
)
from softsnp.spec.commands import COMMANDS, FAULTS
from softsnp.spec.designs import LINEAGE
from softsnp.spec.properties import PROPERTIES, REACHABLE

CLASSES = list(
    dict.fromkeys(
        cls for d in LINEAGE for cls in d.__mro__ if cls.__module__.startswith("softsnp.spec")
    )
)
SCREEN = 80


def steps() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every coroutine of the specification."""
    for cls in CLASSES:
        for name, value in vars(cls).items():
            if inspect.iscoroutinefunction(value):
                yield f"{cls.__name__}.{name}", value


STEPS = dict(steps())
ABSTRACT = {name for name, f in STEPS.items() if "NotImplementedError" in inspect.getsource(f)}


@pytest.mark.parametrize("name", sorted(STEPS.keys() - ABSTRACT))
def test_every_function_says_its_c_name_its_locks_and_its_source(name: str) -> None:
    doc = inspect.getdoc(STEPS[name]) or ""
    assert re.search(r"^C: \S+", doc, re.MULTILINE), name
    assert re.search(r"^Locks: \S+", doc, re.MULTILINE), name
    assert re.search(r"^Source: (\[(code|msg|FW|ABI|hw|inf|asm)\]|none)", doc, re.MULTILINE), name


@pytest.mark.parametrize("design", LINEAGE, ids=lambda design: design.name)
def test_a_design_fits_one_screen_and_cites_what_it_is(design: type[Host]) -> None:
    file = inspect.getsourcefile(design)
    assert file is not None
    assert len(Path(file).read_text().splitlines()) <= SCREEN
    assert "Source: " in (design.__doc__ or "")
    assert Path(file).stem == design.name.replace("-", "_").replace(".", "_")


def test_names_are_kebab_case_and_unlike() -> None:
    names = [*DESIGNS, *BY_NAME, *ASSUMPTIONS, *ACTIVITIES, *FIRMWARE, *IOCTLS, *SCENARIOS]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*", name), name
    assert len(DESIGNS) == len(LINEAGE)


def test_everything_declared_has_a_sentence() -> None:
    for design in LINEAGE:
        population = next(iter(declared(design, Population).values()))
        assert all(field.doc for field in declared(design, Field).values())
        assert all(lock.doc for lock in declared(design, Lock).values())
        assert all(bit.doc for bit in population.bits.values())
    for prop in PROPERTIES:
        assert prop.sentence and prop.why and prop.broken
    for assumption in ASSUMPTIONS.values():
        assert assumption.sentence and re.match(r"\[\w+\] ", assumption.source)


def test_guards_and_memories_are_names_that_exist() -> None:
    for design in LINEAGE:
        locks = declared(design, Lock)
        for field in declared(design, Field).values():
            assert field.guard is None or field.guard in locks
            assert field.memory in ("", "kernel", "module")


def test_reachability_checks_name_events_that_the_specification_raises() -> None:
    source = "".join(
        inspect.getsource(cls) for cls in CLASSES if inspect.getsourcefile(cls) is not None
    )
    for check in REACHABLE:
        assert f'self.event("{check.event}")' in source


def test_every_operation_but_hot_add_has_a_command_and_every_fault_a_way() -> None:
    source = inspect.getsource(Host)
    operations = set(re.findall(r'operation == "([^"]+)"', source)) | {"kexec"}
    assert operations <= COMMANDS.keys()
    faults = set(re.findall(r'self\.fault\("([^"]+)"\)', "".join(map(inspect.getsource, CLASSES))))
    assert faults <= FAULTS.keys()


def test_the_ioctls_of_either_era_can_be_had_with_any_design() -> None:
    for design in LINEAGE:
        for era, cls in IOCTLS.items():
            made = with_ioctls(design, era)
            assert made.ioctls == era
            assert made.name == design.name
            assert made.sev_ioctl_do_snp_commit is cls.sev_ioctl_do_snp_commit
