"""MSRs of many CPUs, in parallel, through /dev/cpu/N/msr."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from softsnp.doctor import cpuset
from softsnp.doctor.facts import REGISTERS, Fact, Known, Reading, Unknown

from .files import Files, told

THREADS = 32
"""The kernel asks each CPU by an interrupt, and a reader waits for it."""
WHERE = "/dev/cpu/*/msr"
NO_MODULE = "there is no such file: modprobe msr"
OFFLINE = "the CPU is offline"
LACKING = "the CPU has no such register"


def registers(files: Files, present: int, online: int) -> dict[str, list[Reading]]:
    """Of every CPU that is present. Alike ones are one reading."""
    numbers = list(cpuset.each(present & online))
    with ThreadPoolExecutor(min(THREADS, max(1, len(numbers)))) as pool:
        found = list(pool.map(lambda cpu: _of_cpu(files.path(f"/dev/cpu/{cpu}/msr")), numbers))
    made: dict[str, list[Reading]] = {}
    for name in REGISTERS:
        alike: dict[int | str, int] = {}
        for cpu, values in zip(numbers, found, strict=True):
            alike[values[name]] = alike.get(values[name], 0) | 1 << cpu
        made[name] = [Reading(cpus, _fact(files, said)) for said, cpus in alike.items()]
        if present & ~online:
            made[name].append(Reading(present & ~online, Unknown(OFFLINE, WHERE)))
    return made


def _fact(files: Files, said: int | str) -> Fact:
    return Known(said, WHERE, files.now) if isinstance(said, int) else Unknown(said, WHERE)


def _of_cpu(node: Path) -> dict[str, int | str]:
    """Each register's value, or why it is not known."""
    try:
        device = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        why = NO_MODULE if error.errno == errno.ENOENT else told(error)
        return dict.fromkeys(REGISTERS, OFFLINE if error.errno == errno.ENXIO else why)
    try:
        return {name: _read(device, register.number) for name, register in REGISTERS.items()}
    finally:
        os.close(device)


def _read(device: int, number: int) -> int | str:
    try:
        data = os.pread(device, 8, number)
    except OSError as error:
        if error.errno == errno.EIO:  # #GP: there is none
            return LACKING
        return OFFLINE if error.errno == errno.ENXIO else told(error)
    if len(data) != 8:
        return f"wanted 8 bytes; got {len(data)}"
    return int.from_bytes(data, "little")
