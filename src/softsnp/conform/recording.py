"""What a kernel did, kept: the specification can be compared with it where there is no kernel.

One JSON object a line. The first says of which kernel and how; each other one is a sequence of
operations from boot, every one with what the kernel's functions returned, what could be seen
from outside (by number, into the first line's list), and what of the state has changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from softsnp.spec.activities import Host

from .guided import power_on
from .operations import KINDS, Operation
from .specified import SpecifiedHost, watched
from .steps import Divergence, Step, specified_step

VERSION = 1


@dataclass(frozen=True)
class About:
    """Of which kernel, and what its hardware and firmware were."""

    kernel: str
    design: str
    firmware: str
    cpus: int
    assume: Mapping[str, bool]
    seed: int
    version: int = VERSION


@dataclass(frozen=True)
class Recording:
    about: About
    start: dict[str, str]
    sequences: list[list[tuple[Operation, Step]]]


def replay(recording: Recording, design: type[Host]) -> Divergence | None:
    """The first difference between what the kernel did and the design."""
    about = recording.about
    spec = watched(design)(None, about.assume, firmware=about.firmware)
    host = SpecifiedHost(spec, power_on(spec, about.cpus))
    host.boot()
    booted = host.world.copy()
    if host.state() != recording.start:
        return Divergence((), Step(None, (), recording.start), Step(None, (), host.state()))
    for sequence in recording.sequences:
        host.reset(booted.copy())
        for number, (operation, kernel) in enumerate(sequence, 1):
            step = specified_step(host, operation, kernel)
            if step != kernel:
                done = tuple(operation for operation, _ in sequence[:number])
                return Divergence(done, kernel, step)
            if KINDS[operation.kind].panics:
                host.reset(booted.copy())
    return None


# --- files ----------------------------------------------------------------------------------------


def to_text(recording: Recording) -> str:
    events: dict[tuple[str, ...], int] = {}
    lines = []
    for sequence in recording.sequences:
        before = recording.start
        steps: list[Any] = []
        for operation, step in sequence:
            number = events.setdefault(step.events, len(events))
            changed = {k: v for k, v in step.state.items() if before[k] != v}
            steps.append([operation.kind, operation.cpu, operation.failing])
            steps[-1] += [step.returned, number, changed]
            before = recording.start if KINDS[operation.kind].panics else step.state
        lines.append(json.dumps(steps, separators=(",", ":")))
    head = {**asdict(recording.about), "start": recording.start, "events": list(events)}
    return "\n".join([json.dumps(head), *lines]) + "\n"


def from_text(text: str) -> Recording:
    """Raises ValueError for what is no recording of this version."""
    head, *lines = (json.loads(line) for line in text.splitlines() or ["{}"])
    if head.get("version") != VERSION:
        raise ValueError(f"a recording of version {head.get('version')}, not {VERSION}")
    start, events = head.pop("start"), head.pop("events")
    sequences = []
    for line in lines:
        state = start
        steps = []
        for kind, cpu, failing, returned, number, changed in line:
            state = {**state, **changed}
            step = Step(returned, tuple(events[number]), state)
            steps.append((Operation(kind, cpu, failing), step))
            state = start if KINDS[kind].panics else state
        sequences.append(steps)
    return Recording(About(**head), start, sequences)


def load(path: Path) -> Recording:
    return from_text(path.read_text(encoding="utf-8"))
