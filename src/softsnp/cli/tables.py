"""Answers as text: a table a design, and a line a violation. No table is wider than 80 columns."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence

from softsnp.lang import AlwaysPossible
from softsnp.spec.catalog import ASSUMPTIONS, BY_NAME, DETAILS, SCENARIOS

from .runs import Answer, Run, Verdict

WIDTH = 80
NAME = 25  # the longest name of a property
IDLE = "holds, never exercised"


def changed(run: Run) -> tuple[str, ...]:
    """What a run assumes otherwise than its scenario does by default, as one types it."""
    usual = {name: a.default for name, a in {**ASSUMPTIONS, **DETAILS}.items()}
    if run.scenario in SCENARIOS:
        usual |= SCENARIOS[run.scenario].assume({})
    return tuple(name if on else f"no-{name}" for name, on in run.assume if on != usual[name])


def table(answers: Sequence[Answer], properties: Sequence[str], counts: bool) -> str:
    """One design: a row a property, a column a firmware profile.

    Several answers for one profile are one cell: its first is what the others are compared with.
    What is never exercised in any column has no row: it is named at the end.
    """
    columns: dict[str, list[Answer]] = {}
    for answer in answers:
        columns.setdefault(answer.run.firmware, []).append(answer)
    width = (WIDTH - NAME) // len(columns) - 1
    rows = [(answers[0].run.design.name, list(columns))]
    idle: list[str] = []
    for name in properties:
        cells = [cell(c, name) for c in columns.values()]
        if all(text == IDLE for text in cells):
            idle.append(name)
        else:
            rows.append((name, cells))
    if any(never(c) for c in columns.values()):
        rows.append(("(never happens)", [never(c) or "-" for c in columns.values()]))
    if counts:
        rows += [
            ("(states)", [f"{c[0].states:,}" for c in columns.values()]),
            ("(transitions)", [f"{c[0].transitions:,}" for c in columns.values()]),
            ("(depth)", [f"{c[0].depth}" for c in columns.values()]),
        ]
    lines = [line for name, cells in rows for line in _row(name, cells, width)]
    if idle:
        lines.append(_named("(never exercised)", idle))
    return "\n".join(lines)


def _named(what: str, names: Sequence[str]) -> str:
    """A row that lists names, none of them broken."""
    return textwrap.fill(
        ", ".join(names),
        WIDTH,
        initial_indent=what.ljust(NAME + 1),
        subsequent_indent=" " * (NAME + 1),
        break_on_hyphens=False,
    )


def _row(name: str, cells: list[str], width: int) -> list[str]:
    names = textwrap.wrap(name, NAME) or [""]
    wrapped = [_lines(text, width) for text in cells]
    height = max(len(names), *(len(lines) for lines in wrapped))
    found = []
    for at in range(height):
        line = (names[at] if at < len(names) else "").ljust(NAME)
        for lines in wrapped:
            line += " " + (lines[at] if at < len(lines) else "").ljust(width)
        found.append(line.rstrip())
    return found


def _lines(text: str, width: int) -> list[str]:
    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(part, width, subsequent_indent="  ") or [""]
    ]


def cell(answers: Sequence[Answer], name: str) -> str:
    """One property under one profile: the first answer's verdict, and what the others change."""
    first, *others = answers
    verdict = first.verdict(name)
    possible = isinstance(BY_NAME[name], AlwaysPossible)
    if verdict.verdict == "violated":
        return f"{'no way back' if possible else 'violated'} ({verdict.steps} steps)"
    if verdict.verdict == "undecided":
        return "undecided"
    conditions = []
    exercised = verdict.exercised
    for other in others:
        under = other.verdict(name)
        exercised = exercised or under.exercised
        told = ", ".join(changed(other.run))
        if under.verdict == "violated":
            lost = "no way back" if possible else "only"
            conditions.append(f"{lost} if {told} ({under.steps})")
        elif under.verdict == "undecided":
            conditions.append(f"undecided if {told}")
    if conditions:
        return "\n".join(conditions)
    if not exercised:
        return IDLE
    return "always possible" if possible else "holds"


def never(answers: Sequence[Answer]) -> str:
    """What can never happen, of the reachability checks; nothing is said of unfinished runs."""
    if any(a.stopped for a in answers):
        return ""
    return ", ".join(n for n in answers[0].reached if not any(a.reached[n] for a in answers))


def remarks(answers: Sequence[Answer]) -> list[str]:
    """A line a violation with the command that explains it, and a line for what is undecided."""
    seen: set[tuple[str, str]] = set()
    lines = []
    for answer in answers:
        for verdict in answer.verdicts:
            key = (answer.run.firmware, verdict.name)
            if verdict.verdict == "violated" and key not in seen:
                if not answer.run.assume:
                    seen.add(key)
                lines.append(violation(answer, verdict))
        if answer.stopped:
            lines.append(f"undecided on {answer.run.firmware}: {answer.stopped}")
        for verdict in answer.verdicts:
            if verdict.verdict == "undecided" and verdict.reason != answer.stopped:
                lines.append(f"{verdict.name} is undecided: {verdict.reason}")
    return lines


def violation(answer: Answer, verdict: Verdict) -> str:
    """What happens, and the command that explains it."""
    told = f": {verdict.reason}" if verdict.reason else ""
    return f"  {explain_command(answer.run, verdict.name)}  # {BY_NAME[verdict.name].broken}{told}"


def explain_command(run: Run, prop: str) -> str:
    words = ["softsnp", "explain", run.design.shown, prop, "--firmware", run.firmware]
    if run.members is not None:
        words += ["--cpus", str(run.members)]
    for name in changed(run):
        words += ["--assume", name]
    if run.ioctls:
        words += ["--ioctls", run.ioctls]
    if run.scenario == "custom":
        words += ["--activities", ",".join(run.activities)]
    elif run.scenario != next(iter(SCENARIOS)):
        words += ["--scenario", run.scenario]
    return shlex.join(words)


def cpus(members: int | None) -> str:
    if members is None:
        return "any number of CPUs"
    return "1 CPU" if members == 1 else f"{members} CPUs"
