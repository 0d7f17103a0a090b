"""What becomes of claims, as text, as a page, and as JSON after claims.schema.json."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from softsnp.spec.catalog import FIRMWARE

from .claims_file import Asserted
from .explain import violation
from .outcomes import CONFIRMED, DEPENDS, REFUTED, UNDECIDED, Case, Outcome, Told
from .pages import block, filled, header, item
from .runs import Run
from .tables import WIDTH, changed, explain_command

SCHEMA = "softsnp.claims/1"
WORDS = (CONFIRMED, REFUTED, DEPENDS, UNDECIDED)
INTRODUCTION = """\
What was claimed on the list of the designs, in our own words, and what exploring them makes of it.
A claim is *confirmed* if it comes out as asserted with every firmware profile and every set of
assumptions that it leaves open (those of `softsnp check`), *refuted* if it does in none, and
otherwise *depends* on what is said below it. The number of CPUs is any."""


def text(outcomes: Sequence[Outcome], charts: bool) -> str:
    parts = [
        "\n".join(
            [
                f"{one.claim.id}: {one.word}",
                _indented(one.claim.text),
                _indented(f"{one.claim.by}, {one.claim.date}, {one.claim.message}"),
                _indented(one.claim.source),
                *(_indented(line, "  - ") for line in _lines(one)),
                *(f"  {command}" for command in _commands(one)),
            ]
        )
        + _chart(one, charts)
        for one in outcomes
    ]
    return "\n\n".join([*parts, _counts(outcomes)])


def _indented(told: str, first: str = "  ") -> str:
    return textwrap.fill(
        told,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )


def page(outcomes: Sequence[Outcome], content: str, charts: bool) -> str:
    """The page docs/claims.md; ``content`` is the file of claims."""
    parts = [header("softsnp claims --format markdown", content), "# Claims", INTRODUCTION]
    parts.append(
        "\n".join(
            ["| claim | by | outcome |", "|---|---|---|"]
            + [f"| [{o.claim.id}](#{o.claim.id}) | {o.claim.by} | {o.word} |" for o in outcomes]
        )
    )
    for one in outcomes:
        claim = one.claim
        parts += [
            f"## {claim.id}",
            filled(f"**{one.word.capitalize()}**: {claim.text}"),
            filled(f'{claim.by}, {claim.date}, "{claim.message}". Source: {claim.source}'),
            "\n".join(item(line) for line in _lines(one)),
        ]
        commands = _commands(one)
        told = "\n".join(commands) + _chart(one, charts)
        if told:
            parts.append(block(told.lstrip("\n")))
    return "\n\n".join(parts)


def _counts(outcomes: Sequence[Outcome]) -> str:
    found = [o.word for o in outcomes]
    told = ", ".join(f"{found.count(word)} {word}" for word in WORDS if word in found)
    return f"{len(outcomes)} claim{'' if len(outcomes) == 1 else 's'}: {told or 'nothing to do'}."


# --- one claim ------------------------------------------------------------------------------------


def _lines(one: Outcome) -> Iterator[str]:
    for told in one.told:
        yes = [case for case in told.cases if case.comes_out]
        no = [case for case in told.cases if not case.comes_out]
        line = f"{question(told.asked)}: "
        if not no:
            line += f"so in {_all(told)}"
        elif not yes:
            line += f"not so in {_all(told)}: {_gots(no)}"
        else:
            line += f"so with {_where(told, yes)}; not with {_where(told, no)}: {_gots(no)}"
        idle = [c for c in told.cases if c.got == "holds" and not c.exercised]
        if idle and told.asked.verdict == "holds":
            line += f"; never exercised with {_where(told, idle)}"
        yield f"{line}."


def question(asked: Asserted) -> str:
    """What is asserted, in words."""
    where = ", ".join(filter(None, [asked.design, f"scenario {asked.scenario}", _fixed(asked)]))
    verb = {"reached": "is exercised"}.get(asked.verdict, asked.verdict)
    if asked.verdict == "violated":
        verb = "is violated"
    if asked.verdict == "never":
        verb = "never happens"
    return f"{asked.name} {verb} ({where})"


def _fixed(asked: Asserted) -> str:
    told = [f"{asked.firmware} firmware"] if asked.firmware else []
    if asked.assume is not None:
        told += [n if on else f"no-{n}" for n, on in asked.assume] or ["default assumptions"]
    if asked.ioctls:
        told.append(f"{asked.ioctls} ioctls")
    return ", ".join(told)


def _all(told: Told) -> str:
    return "the exploration" if len(told.cases) == 1 else f"all {len(told.cases)} explorations"


def _gots(cases: Sequence[Case]) -> str:
    """What came out instead, with the shortest way to it."""
    words = []
    for got in dict.fromkeys(case.got for case in cases):
        steps = [c.verdict.steps for c in cases if c.got == got and c.verdict and c.verdict.steps]
        shortest = f" in {min(s for s in steps if s)} steps" if steps else ""
        words.append(f"{got}{shortest}")
    return ", ".join(words)


def _where(told: Told, cases: Sequence[Case]) -> str:
    """Under which assumptions, and with which firmware where not with all that was asked."""
    asked = list(dict.fromkeys(case.run.firmware for case in told.cases))
    sets: dict[str, list[str]] = {}
    for case in cases:
        sets.setdefault(_set(case.run), []).append(case.run.firmware)
    if len(sets) == len({_set(c.run) for c in told.cases}) and len(asked) > 1:
        common = list(dict.fromkeys(tuple(profiles) for profiles in sets.values()))
        if len(common) == 1:
            return f"{' and '.join(common[0])} firmware"
    return ", ".join(
        name if len(profiles) == len(asked) else f"{name} ({' and '.join(profiles)} firmware)"
        for name, profiles in sets.items()
    )


def _set(run: Run) -> str:
    return " and ".join(changed(run)) or "default assumptions"


def _commands(one: Outcome) -> list[str]:
    """The shortest violation of each question that says it holds, as one would see it."""
    found = []
    for told in one.told:
        cases = [c for c in told.cases if c.got == "violated" and not c.comes_out and c.verdict]
        if cases:
            case = min(cases, key=lambda c: (c.verdict.steps or 0) if c.verdict else 0)
            found.append(explain_command(case.run, told.asked.name))
    return list(dict.fromkeys(found))


def _chart(one: Outcome, charts: bool) -> str:
    case = one.counterexample()
    if not charts or case is None or case.verdict is None:
        return ""
    return "\n\n" + violation(case.run, case.verdict).rstrip("\n")


# --- JSON -----------------------------------------------------------------------------------------


def document(outcomes: Sequence[Outcome]) -> str:
    from importlib.metadata import version  # slow to import, and only this needs it

    content = {
        "schema": SCHEMA,
        "version": version("softsnp"),
        "firmware": list(FIRMWARE),
        "claims": [
            {
                "id": one.claim.id,
                "text": one.claim.text,
                "by": one.claim.by,
                "date": one.claim.date,
                "message": one.claim.message,
                "source": one.claim.source,
                "outcome": one.word,
                "questions": [_question(told) for told in one.told],
            }
            for one in outcomes
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _question(told: Told) -> dict[str, Any]:
    asked = told.asked
    return {
        "design": asked.design,
        "name": asked.name,
        "kind": "reached" if asked.reached else "property",
        "scenario": asked.scenario,
        "verdict": asked.verdict,
        "outcome": told.outcome,
        "cases": [
            {
                "firmware": case.run.firmware,
                "ioctls": case.run.ioctls,
                "assume": dict(case.run.assume),
                "got": case.got,
                "comes_out": case.comes_out,
                "exercised": case.exercised,
                "steps": case.verdict.steps if case.verdict else None,
            }
            for case in told.cases
        ],
    }
