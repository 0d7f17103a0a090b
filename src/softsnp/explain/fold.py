"""Rows of a chart: neighbouring steps of one activity in one function become one row."""

from __future__ import annotations

from dataclasses import dataclass, field

from softsnp.lang.trace import TraceStep

DECIDED = ("operation: ", "command: ", "fault: ")


@dataclass
class Row:
    """Steps ``first`` to ``last`` of a trace, all of one activity."""

    activity: str
    first: int
    last: int
    function: str
    decisions: list[str] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    """(function, what happened in it), in order of time."""

    @property
    def numbers(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def function_of(step: TraceStep) -> str:
    """The innermost function of the step that has a C counterpart; empty between operations."""
    for frame in reversed(step.frames):
        if frame.function.endswith("()"):
            return frame.function
    return ""


def remarks_of(step: TraceStep) -> list[tuple[str, str]]:
    """What a step changed and noted, in order of time, each with the function it happened in."""
    return [
        (function, f"{what}: {step.changes[what]}" if what in step.changes else what)
        for what, function in step.places.items()
    ]


def decisions_of(step: TraceStep) -> list[str]:
    """What was decided in the step, without the word for its kind."""
    found = []
    for choice in step.choices:
        for kind in DECIDED:
            choice = choice.removeprefix(kind)
        found.append(choice)
    return found


def fold(steps: tuple[TraceStep, ...]) -> list[Row]:
    """The rows of a chart, in order. Nothing that changed is left out."""
    rows: list[Row] = []
    for number, step in enumerate(steps, 1):
        function = function_of(step)
        decisions, remarks = decisions_of(step), remarks_of(step)
        last = rows[-1] if rows else None
        if last and (last.activity, last.function) == (step.activity, function):
            if not decisions and (not remarks or not last.remarks):
                last.last = number
                last.remarks += remarks
                continue
        rows.append(Row(step.activity, number, number, function, decisions, remarks))
    return rows
