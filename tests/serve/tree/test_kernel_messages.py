"""What a kernel says about what happens."""

from __future__ import annotations

from pathlib import Path

import pytest

import softsnp.spec
from softsnp.serve.kernel_messages import EVENTS, NOTES, KernelMessages

from .fake import Bench, bench


def told() -> tuple[Bench, KernelMessages]:
    found = bench(4, threads=2)
    return found, KernelMessages(found.host, found.log, "root=/dev/vda1", "6.12.117-softsnp")


def test_a_kernel_that_boots_says_what_it_found() -> None:
    found, kernel = told()
    kernel.booted()
    text = "\n".join(found.said())
    assert "Linux version 6.12" in text
    assert "Command line: root=/dev/vda1" in text
    assert "SEV-SNP: RMP table physical range [0x" in text
    assert "Allowing 4 CPUs, 0 hotplug CPUs" in text


def test_cpus_that_come_and_go_are_told() -> None:
    found, kernel = told()
    kernel.cpu_changed(3, "online", False)
    kernel.cpu_changed(3, "online", True)
    kernel.cpu_changed(3, "snp_en", True)
    assert found.said() == [
        "smpboot: CPU 3 is now offline",
        "smpboot: Booting Node 0 Processor 3 APIC 0x3",
    ]


def test_the_driver_says_what_the_firmware_answered() -> None:
    found, kernel = told()
    kernel.note("SNP_INIT_EX → SUCCESS")
    kernel.note("INIT_EX → SUCCESS")
    kernel.note("SNP_COMMIT → HWERROR_PLATFORM")
    kernel.event("a command times out")
    api, legacy, failed, dead = found.said()
    assert api.endswith("SEV-SNP API:1.55 build:40")
    assert legacy.endswith("SEV API:1.55 build:40")
    assert "0xcb failed (0x00000013)" in failed
    assert "0xcb timed out" in dead


def test_a_warning_is_told_once() -> None:
    found, kernel = told()
    kernel.note("WARN: Unbalanced cpu hotplug enable")
    kernel.event("WARN: Unbalanced cpu hotplug enable")
    said = found.said()
    assert said.count("Unbalanced cpu hotplug enable") == 1
    assert "cut here" in said[0] and "end trace" in said[-1]


def test_what_explains_only_is_not_told() -> None:
    found, kernel = told()
    kernel.note("write() = -EBUSY")
    kernel.event("an ASID is given away again")
    assert found.said() == []


def test_kvm_says_what_it_enables() -> None:
    found, kernel = told()
    kernel.module_loaded("kvm_amd")
    assert "kvm_amd: SEV-SNP enabled (ASIDs 1 - 99)" in found.said()
    kernel.module_loaded("ccp")
    assert found.said()[-2].endswith("sev enabled")


@pytest.mark.parametrize(("error", "lines"), [(0, 3), (16, 4)])
def test_a_sleep_has_an_entry_and_an_exit(error: int, lines: int) -> None:
    found, kernel = told()
    kernel.began("suspend")
    kernel.ended("suspend", error)
    assert found.said()[0].startswith("PM: suspend entry")
    assert found.said()[-1] == "PM: suspend exit"
    assert len(found.said()) == lines


@pytest.mark.parametrize(("said", "names"), [("event", EVENTS), ("note", NOTES)])
def test_every_name_is_the_specifications(said: str, names: dict[str, object]) -> None:
    """A name that the specification changes would be a line that never comes again."""
    (where,) = softsnp.spec.__path__
    source = "".join(path.read_text(encoding="utf-8") for path in Path(where).rglob("*.py"))
    assert [name for name in names if f'self.{said}("{name}")' not in source] == []
