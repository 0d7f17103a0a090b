"""The answer of ``softsnp why`` in words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import product

from softsnp.spec.catalog import ASSUMPTIONS, BY_NAME

from .circumstances import Context, Question
from .explain import violation
from .minimal import Circumstances
from .reasons import Combination, Reasons, Support
from .tables import WIDTH, cpus, explain_command

MOST_CLAUSES = 6


def text(answer: Reasons, charts: bool) -> str:
    """The whole answer; each combination's chart is as ``softsnp explain`` prints it."""
    asked = answer.question
    parts = [
        "\n".join([_filled(sentence(answer)), *_by_default(answer)]),
        "\n".join(_explored(answer)),
    ]
    for number, one in enumerate(answer.combinations, 1):
        parts.append(_combination(asked, number, one))
        if charts:
            parts.append(violation(asked.run(one.shown, one.present), one.verdict).rstrip("\n"))
    return "\n\n".join(parts)


# --- sentences ------------------------------------------------------------------------------------


def sentence(answer: Reasons) -> str:
    """What a reviewer would say."""
    asked = answer.question
    who = f"{asked.design.name} breaks {asked.prop}"
    always, beside, clauses = _factored(answer)
    if not clauses and answer.undecided:
        return f"Whether {who} is undecided."
    if not clauses:
        return (
            f"{asked.design.name} keeps {asked.prop} under every combination of "
            f"{len(asked.circumstances)} circumstances."
        )
    if len(clauses) > MOST_CLAUSES:
        return f"{who} in {len(clauses)} ways, listed below."
    if any(not one.present for one in answer.combinations):
        told = [c or "whatever the circumstances" for c in clauses]
        return f"{who}{beside} {', or if '.join(told)}."
    if always:
        return f"{who}{beside} only if {always}, and besides {', or '.join(clauses)}."
    return f"{who}{beside} only if {', or if '.join(clauses)}."


def _factored(answer: Reasons) -> tuple[str, str, list[str]]:
    """(what each combination has, in which contexts each is, what each has of its own)."""
    asked, several = answer.question, answer.combinations
    if not several:
        return "", "", []
    common = frozenset.intersection(*(one.present for one in several))
    if len(several) == 1 or common in [one.present for one in several]:
        common = frozenset()
    places = {where(asked, one.contexts) for one in several}
    alike = places.pop() if len(places) == 1 else ""
    clauses = []
    for one in several:
        told = _and(asked, one.present - common)
        place = "" if alike else where(asked, one.contexts)
        clauses.append(f"{told} {place}".strip())
    return _and(asked, common), f" {alike}" if alike else "", clauses


def _and(asked: Question, present: Circumstances) -> str:
    return " and ".join(c.clause() for c in asked.named(present))


def where(asked: Question, contexts: Sequence[Context]) -> str:
    """In which contexts, or nothing for all of them."""
    everywhere = [_values(c) for c in asked.contexts]
    here = [_values(c) for c in contexts]
    sides = [list(dict.fromkeys(side)) for side in zip(*here, strict=True)]
    if set(here) == set(product(*sides)):
        wholes = [set(side) for side in zip(*everywhere, strict=True)]
        told = [
            _or(_side(number, value) for value in side)
            for number, (side, whole) in enumerate(zip(sides, wholes, strict=True))
            if set(side) != whole
        ]
        return f"({'; '.join(told)})" if told else ""
    halves = [[c for c in contexts if c.firmware == firmware] for firmware in sides[0]]
    if len(halves) == 1:
        halves = [[c] for c in contexts]
    return " or ".join(where(asked, half) for half in halves)


def _values(context: Context) -> tuple[object, ...]:
    return (context.firmware, context.ioctls, *context.either)


def _side(number: int, value: object) -> str:
    if number == 0:
        return f"{value} firmware"
    if number == 1:
        return f"{value} ioctls"
    assert isinstance(value, tuple)
    return ASSUMPTIONS[value[0]].clause(value[1])


def _or(told: Iterable[str]) -> str:
    return " or ".join(told)


def _by_default(answer: Reasons) -> list[str]:
    verdicts = answer.by_default
    said = [
        f"{word} ({_or(profiles)} firmware)" if len(profiles) < len(verdicts) else word
        for verdict, word in (("violated", "breaks"), ("holds", "holds"), ("undecided", "is open"))
        if (profiles := [p for p, v in verdicts.items() if v.verdict == verdict])
    ]
    told = f"By default it {' and '.join(said)}"
    if "holds" in {v.verdict for v in verdicts.values()} and not answer.rests_on:
        return [_filled(f"{told}; nothing that is varied here changes that.")]
    if not answer.rests_on:
        return [_filled(f"{told}.")]
    lines = [_filled(f"{told}; it rests on:")]
    holding = [p for p, v in verdicts.items() if v.verdict == "holds"]
    return [*lines, *(_item(support(answer.question, s, holding)) for s in answer.rests_on)]


def support(asked: Question, one: Support, holding: Sequence[str]) -> str:
    """What must not change, as one line."""
    changed = asked.named(one.changes)
    only = f" ({_or(one.profiles)} firmware)" if len(one.profiles) < len(holding) else ""
    if len(changed) == 1 and not one.unusual:
        return f"{changed[0].clause(present=False)}{only}"
    told = [*(c.clause() for c in changed), *one.unusual]
    return (
        f"not {'both' if len(told) == 2 else 'all of'}: {'; '.join(told)}{only}"
        if len(told) > 1
        else f"not that {told[0]}{only}"
    )


def _explored(answer: Reasons) -> list[str]:
    asked = answer.question
    lines = [
        f"{asked.prop}: {BY_NAME[asked.prop].sentence}.",
        f"Scenario {asked.scenario}, {cpus(asked.members)}. {len(asked.circumstances)} "
        f"circumstances: {', '.join(_switch(c.name, c.on) for c in asked.circumstances)}.",
        f"Beside {len(asked.contexts)} combinations of firmware, ioctls"
        f"{''.join(f', {name}' for name, _ in asked.contexts[0].either)}; "
        f"{answer.asked} questions. A set that holds is taken to hold with fewer "
        "circumstances too; none, and each alone, were explored.",
    ]
    for (context, present, members), reason in answer.undecided.items():
        one = asked.run(context, present, members)
        lines.append(f"Undecided ({reason}): {explain_command(one, asked.prop)}")
    return [_filled(line) for line in lines]


def _switch(name: str, on: bool) -> str:
    return name if on else f"no-{name}"


def _combination(asked: Question, number: int, one: Combination) -> str:
    head = _and(asked, one.present) or "no circumstance is needed"
    told = " ".join(filter(None, [head, where(asked, one.contexts)]))
    least = cpus(one.fewest) if asked.members is None else f"exactly {cpus(asked.members)}"
    enough = "is enough" if one.fewest == 1 else "are enough"
    if asked.members is not None:
        enough = "were asked for"
    lines = [f"{number}. {told}: {one.verdict.steps} steps; {least} {enough}."]
    lines = [_filled(lines[0], "", "   ")]
    lines += [_filled(f"{c.name}: {c.sentence}", "   ", "     ") for c in asked.named(one.present)]
    lines.append(f"   {explain_command(asked.run(one.shown, one.present), asked.prop)}")
    return "\n".join(lines)


def _filled(told: str, first: str = "", then: str = "") -> str:
    return textwrap.fill(
        told, WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )


def _item(told: str) -> str:
    return _filled(f"- {told}", "  ", "    ")
