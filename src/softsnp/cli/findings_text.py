"""The page that ``softsnp findings`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from softsnp.spec.catalog import BY_NAME

from .circumstances import SWITCHES
from .explain import violation
from .pages import block, filled, header, item
from .runs import Answer, Run
from .sources import SETTLES, TAGS, Source, least, of_functions, of_switches
from .tables import changed, explain_command

if TYPE_CHECKING:
    from .findings import Finding

COMMAND = "softsnp findings"
INTRODUCTION = """\
Every violation that exploring these designs finds, in every scenario, with every firmware profile,
by default and under each assumption of a survey; the number of CPUs is any. Nothing is here that
the checker did not produce. A finding is as sure as the least sure of what it goes through: the
functions that its steps are in, and the assumptions without which it is not there (tried, one at a
time). The chart is of the shortest way, by default if there is one by default."""


def page(
    findings: Sequence[Finding],
    answers: Sequence[Answer],
    designs: Sequence[str],
    scenarios: Sequence[str],
    profiles: Sequence[str],
) -> str:
    """Markdown, without a time."""
    parts = [header(COMMAND, *designs, *scenarios, *profiles), "# Findings", INTRODUCTION]
    parts.append(
        filled(
            f"Designs: {', '.join(designs)}. Scenarios: {', '.join(scenarios)}. Firmware: "
            f"{', '.join(profiles)}. {len(answers)} explorations, {len(findings)} findings."
        )
    )
    kinds = "; ".join(f"[{tag}] {meaning}" for tag, meaning in TAGS.items())
    parts.append(filled(f"Kinds of source, the surest first: {kinds}."))
    if findings:
        parts.append("\n".join(_index(findings)))
    for one in findings:
        parts += _section(one)
    unfinished = [a for a in answers if any(v.verdict == "undecided" for v in a.verdicts)]
    if unfinished:
        parts.append("## Undecided")
        parts.append("\n".join(item(_undecided(a)) for a in unfinished))
    return "\n\n".join(parts)


def _index(findings: Sequence[Finding]) -> Iterator[str]:
    yield "| design | property | steps | as sure as |"
    yield "|---|---|---|---|"
    for one in findings:
        title = f"[{one.prop}](#{_anchor(one)})"
        yield f"| {one.design.name} | {title} | {one.verdict.steps} | [{sure(one)}] |"


def _anchor(one: Finding) -> str:
    """As GitHub makes it of the title: no dot, no colon."""
    return f"{one.design.name}-{one.prop}".replace(".", "")


def _undecided(answer: Answer) -> str:
    names = [v.name for v in answer.verdicts if v.verdict == "undecided"]
    reasons = dict.fromkeys(v.reason for v in answer.verdicts if v.verdict == "undecided")
    return (
        f"{', '.join(names)}: {_told(answer.run)}, {answer.run.design.name} ({'; '.join(reasons)})"
    )


def _told(run: Run) -> str:
    return ", ".join([run.scenario, f"{run.firmware} firmware", *changed(run)])


# --- one finding ----------------------------------------------------------------------------------


def _section(one: Finding) -> Iterator[str]:
    prop = BY_NAME[one.prop]
    yield f"## {one.design.name} {one.prop}"
    yield filled(f"{_capital(prop.broken)}: {prop.why}.")
    lines = [f"Where: {_where(one)}.", f"Rests on: {_rests_on(one)}.", *_sure(one)]
    yield "\n".join(item(line) for line in lines)
    yield block(
        f"$ {explain_command(one.run, one.prop)}\n{violation(one.run, one.verdict)}".rstrip()
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _where(one: Finding) -> str:
    """Scenario by scenario: under which assumptions, and with which firmware where not with all."""
    profiles = list(dict.fromkeys(run.firmware for run in one.explored))
    told = []
    for scenario in dict.fromkeys(run.scenario for run in one.where):
        asked = [run for run in one.explored if run.scenario == scenario]
        here = [run for run in one.where if run.scenario == scenario]
        if len(here) == len(asked):
            told.append(f"in {scenario}, always")
            continue
        sets: dict[str, list[str]] = {}
        for run in here:
            name = " and ".join(changed(run)) or "default assumptions"
            sets.setdefault(name, []).append(run.firmware)
        whole = {tuple(have) for have in sets.values()}
        if len(sets) == len({run.assume for run in asked}) and len(whole) == 1:
            told.append(f"in {scenario} with {' and '.join(whole.pop())} firmware")
            continue
        listed = [
            name if have == profiles else f"{name} ({' and '.join(have)} firmware)"
            for name, have in sets.items()
        ]
        told.append(f"in {scenario} with {', '.join(listed)}")
    return "; ".join(told)


def _rests_on(one: Finding) -> str:
    assert one.verdict.trace is not None
    consulted = one.verdict.trace.consulted
    told = [
        f"{name if consulted[name] else f'no-{name}'} ({SWITCHES[name].clause(consulted[name])})"
        for name in one.rests_on
    ]
    return ", ".join(told) or "no single assumption"


def _ways(one: Finding) -> list[Source]:
    assert one.verdict.trace is not None
    return [*of_functions(one.verdict.trace), *of_switches(one.rests_on)]


def sure(one: Finding) -> str:
    return least(_ways(one))


def _sure(one: Finding) -> Iterator[str]:
    sources = _ways(one)
    tag = least(sources)
    weak = [s for s in sources if tag in s.tags]
    shown = ", ".join(dict.fromkeys(s.what for s in weak))
    if tag == "code":
        yield f"How sure: [{tag}] {TAGS[tag]}, all {len(sources)} sources."
        yield f"What would settle it: {SETTLES[tag]}."
        return
    yield f"How sure: [{tag}] {TAGS[tag]}, of {len(sources)} sources: {shown}."
    told = "; ".join(dict.fromkeys(f"{s.what}: {s.text}" for s in weak))
    yield f"What would settle it: {SETTLES[tag]} ({told})."
