"""The form of the specification: banners, sources, sentences, stable names, one screen a design."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from softsnp.lang import Field, Lock, Never, Population, declared
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
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import REACHABLE

CLASSES = list(
    dict.fromkeys(
        cls for d in LINEAGE for cls in d.__mro__ if cls.__module__.startswith("softsnp.spec")
    )
)
SCREEN = 80
KERNEL = "softsnp.spec.linux."
NO_MIRROR = {
    "drivers.crypto.ccp.sev_ioctl": "drivers/crypto/ccp/sev-dev.c",
    "kernel.cpu_pm": "kernel/cpu.c",
    "kernel.cpu_smt": "kernel/cpu.c",
    "arch.x86.virt.svm.sev_rmpopt": "arch/x86/virt/svm/sev.c",
}
"""Parts of C files that have a file of their own: the ioctls come in eras, each a class that a
design can be given; a run may leave out freezing, SMT control and RMPOPT."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function of the specification."""
    for cls in CLASSES:
        for name, value in vars(cls).items():
            if inspect.isfunction(value):
                yield f"{cls.__name__}.{name}", value


FUNCTIONS = dict(functions())
STEPS = {name: f for name, f in FUNCTIONS.items() if inspect.iscoroutinefunction(f)}
ABSTRACT = {name for name, f in STEPS.items() if "NotImplementedError" in inspect.getsource(f)}


@pytest.mark.parametrize("name", sorted(STEPS.keys() - ABSTRACT))
def test_every_function_says_its_c_name_its_locks_and_its_source(name: str) -> None:
    doc = inspect.getdoc(STEPS[name]) or ""
    assert re.search(r"^C: \S+", doc, re.MULTILINE), name
    assert re.search(r"^Locks: \S+", doc, re.MULTILINE), name
    assert re.search(r"^Source: (\[(code|msg|FW|ABI|hw|inf|asm)\]|none)", doc, re.MULTILINE), name


def c_file(module: str) -> str:
    """``arch/x86/lib/cache-smp.c`` for the module that mirrors it; a hyphen becomes ``_`` there."""
    return NO_MIRROR.get(module) or module.replace(".", "/") + ".c"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_tree_mirrors_the_kernels(name: str) -> None:
    """A function stands in the module of its C file; a design has those that it overrides."""
    module = FUNCTIONS[name].__module__
    said = re.search(r"^C: (\S+\.c)\b", inspect.getdoc(FUNCTIONS[name]) or "", re.MULTILINE)
    if said and not module.startswith("softsnp.spec.designs."):
        assert module.startswith(KERNEL), name
        mirrored = c_file(module.removeprefix(KERNEL))
        assert mirrored.replace("-", "_") == said[1].replace("-", "_"), name


def test_every_file_of_the_kernel_begins_with_its_c_file() -> None:
    modules = {f.__module__ for f in FUNCTIONS.values() if f.__module__.startswith(KERNEL)}
    assert {KERNEL + module for module in NO_MIRROR} <= modules
    for module in modules:
        said = (sys.modules[module].__doc__ or "").partition(":")[0]
        assert said.replace("-", "_") == c_file(module.removeprefix(KERNEL)).replace("-", "_")


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
        assert assumption.when_on and assumption.when_off, "clauses for softsnp why"


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
        assert check.state or f'self.event("{check.event}")' in source
    for prop in PROPERTIES:
        if isinstance(prop, Never):
            assert f'self.event("{prop.never}")' in source
            assert f'self.event("{prop.situation}")' in source


def test_every_operation_but_hot_add_has_a_command_and_every_fault_a_way() -> None:
    source = inspect.getsource(Host)
    operations = set(re.findall(r'operation == "([^"]+)"', source)) | {"kexec"}
    assert operations - COMMANDS.keys() == {"add a CPU"}
    faults = set(re.findall(r'self\.fault\("([^"]+)"\)', "".join(map(inspect.getsource, CLASSES))))
    assert faults <= FAULTS.keys()


def test_the_ioctls_of_either_era_can_be_had_with_any_design() -> None:
    for design in LINEAGE:
        for era, cls in IOCTLS.items():
            made = with_ioctls(design, era)
            assert made.ioctls == era
            assert made.name == design.name
            assert made.sev_ioctl_do_snp_commit is cls.sev_ioctl_do_snp_commit
