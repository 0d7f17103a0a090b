"""One look at a host: everything twice, since a machine moves while it is looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from softsnp.doctor.facts import (
    REGISTERS,
    Contradictory,
    Fact,
    Known,
    Observation,
    Reading,
    Unknown,
)

from .files import Files
from .log import log
from .registers import registers
from .sev_device import answers_without_change, firmware
from .sysfs import cpus, kernel, modules, processor

MOVED = "it changed between two looks"
KernelLevel = Callable[[], dict[str, Fact]]


def observe(
    host: str,
    root: Path = Path("/"),
    *,
    ask_firmware: bool = False,
    kernel_level: KernelLevel | None = None,
    clock: Callable[[], float] = time.time,
) -> Observation:
    """Everything that can be seen below ``root``. It changes nothing; see ``firmware``.

    ``kernel_level`` reads the kernel's memory, and gives facts of that level.
    """
    first = _look(host, root, ask_firmware, kernel_level, clock)
    second = _look(host, root, ask_firmware, kernel_level, clock)
    facts = {name: both(fact, second.facts[name]) for name, fact in first.facts.items()}
    levels = ("interfaces", "kernel") if kernel_level else ("interfaces",)
    return Observation(host, first.at, levels, facts, _both_registers(first, second))


def _look(
    host: str,
    root: Path,
    ask_firmware: bool,
    kernel_level: KernelLevel | None,
    clock: Callable[[], float],
) -> Observation:
    files = Files(root, clock())
    seen = Observation(host, files.now)
    for part in (processor, kernel, cpus, modules, log):
        seen.facts.update(part(files))
    if kernel_level:
        seen.facts.update(kernel_level())
    release = seen.value("release")
    up = seen.value("snp_initialized") is True  # what kvm-amd was told may be over since
    safe = isinstance(release, str) and answers_without_change(release)
    seen.facts.update(firmware(files, ask_firmware or up or safe))
    present, online = seen.cpus("present"), seen.cpus("online")
    if present is not None and online is not None:
        seen.registers = registers(files, present | online, online)
    return seen


def both(one: Fact, other: Fact) -> Fact:
    """What two looks make of a fact."""
    if isinstance(one, Known) and isinstance(other, Known):
        if one.value == other.value:
            return one
        return Contradictory((one.value, other.value), MOVED, one.source)
    if type(one) is type(other):
        return one
    unknown = one if isinstance(one, Unknown) else other
    assert isinstance(unknown, Unknown)
    return Unknown(f"{MOVED}: {unknown.because}", unknown.source)


def _both_registers(first: Observation, second: Observation) -> dict[str, list[Reading]]:
    """As ``both``, for each CPU."""
    found: dict[str, list[Reading]] = {}
    for name in REGISTERS:
        pairs: dict[Fact, int] = {}
        for one in first.registers.get(name, ()):
            left = one.cpus
            for other in second.registers.get(name, ()):
                together = left & other.cpus
                if together:
                    fact = both(one.fact, other.fact)
                    pairs[fact] = pairs.get(fact, 0) | together
                    left &= ~together
            if left:
                gone = Unknown(f"{MOVED}: the CPU is gone", one.fact.source)
                pairs[gone] = pairs.get(gone, 0) | left
        if pairs:
            found[name] = [Reading(cpus, fact) for fact, cpus in pairs.items()]
    return found
