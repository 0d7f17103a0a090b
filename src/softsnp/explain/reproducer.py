"""A trace as commands and fault points that one could try on a real machine."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from softsnp.lang import Property
from softsnp.lang.trace import Trace, TraceStep

from .chart import WIDTH
from .fold import function_of

OPERATION, FAULT = ("operation: ", "command: "), "fault: "


def reproducer(
    trace: Trace,
    prop: Property,
    title: str,
    commands: Mapping[str, Sequence[str]],
    faults: Mapping[str, str],
) -> str:
    """A shell script with a comment where no command exists.

    ``commands`` maps an operation to shell lines, in which ``{member}`` stands for the number of
    the member that the operation picks. ``faults`` maps what fails to how to make it fail.
    """
    lines = [
        "#!/bin/sh",
        *textwrap.wrap(title, WIDTH, initial_indent="# ", subsequent_indent="#   "),
        f"# One root shell for each of: {', '.join(s.activity for s in trace.standing)}.",
        "# Lines are in the order of time; HOLD and FAULT need a debugger, a kprobe or a delay.",
    ]
    before: TraceStep | None = None
    for number, step in enumerate(trace.steps):
        if before is not None and before.activity != step.activity:
            lines += _switch(trace, number, step)
        for choice in step.choices:
            lines += _decided(trace, number, choice, commands, faults)
        before = step
    lines.append(f"# Now {prop.broken}.")
    return "\n".join(lines) + "\n"


def _decided(
    trace: Trace,
    number: int,
    choice: str,
    commands: Mapping[str, Sequence[str]],
    faults: Mapping[str, str],
) -> list[str]:
    step = trace.steps[number]
    if choice.startswith(FAULT):
        what = choice.removeprefix(FAULT).removesuffix(" fails")
        how = faults.get(what, f"no fault point is known for {what}")
        return [f"# FAULT in {function_of(step)}: {how}"]
    name = choice
    for kind in OPERATION:
        name = name.removeprefix(kind)
    member = _member_of(trace, number)
    told = commands.get(name)
    if told is None:
        return [f"# [{step.activity}] {name}: no command does this"]
    return [f"# [{step.activity}] {name}", *(line.format(member=member) for line in told)]


def _switch(trace: Trace, number: int, step: TraceStep) -> list[str]:
    """Another activity goes on; whoever was in the middle of something has to be held there."""
    previous = trace.steps[number - 1].activity
    for later in trace.steps[number:]:
        if later.activity == previous:
            where = function_of(later)
            if where and later.frames:
                return [f"# HOLD {previous} before it goes on in {where}"]
            return []
    for standing in trace.standing:
        if standing.activity == previous and not standing.resting:
            inner = [f for f in standing.frames if f.function.endswith("()")]
            if inner:
                return [f"# HOLD {previous} in {inner[-1].function} ({Path(inner[-1].file).name})"]
    return []


def _member_of(trace: Trace, number: int) -> str:
    """The member that the operation begun at this step changes; N where it changes none."""
    activity = trace.steps[number].activity
    for later, step in enumerate(trace.steps[number:], number):
        if step.activity != activity:
            continue
        if later > number and any(c.startswith(OPERATION[0]) for c in step.choices):
            break
        for thing in step.changes:
            if trace.member and thing.startswith(f"{trace.member} "):
                return thing.removeprefix(f"{trace.member} ")
    return "N"
