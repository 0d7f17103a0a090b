"""Why a property breaks, and what it rests on where it does not."""

from __future__ import annotations

from dataclasses import dataclass

from . import options
from .asking import Asker, Place, fewest, once, searching
from .circumstances import Context, Question
from .minimal import Circumstances
from .progress import Meter
from .runs import Verdict
from .workers import Workers

Shown = tuple[Context, Verdict]
Change = tuple[Circumstances, tuple[str, ...]]
"""Circumstances that are not there by default, and what of a context is not, as clauses."""


@dataclass(frozen=True)
class Combination:
    """A minimal set of circumstances, and each context in which it is one."""

    present: Circumstances
    contexts: tuple[Context, ...]
    shown: Context
    """The one in which the violation is the shortest."""
    verdict: Verdict
    """The violation there."""
    fewest: int
    """CPUs that are enough for one, in exact runs."""


@dataclass(frozen=True)
class Support:
    """A minimal set of changes to the defaults that breaks what holds by default."""

    changes: Circumstances
    unusual: tuple[str, ...]
    """What of the context is changed, as clauses."""
    profiles: tuple[str, ...]
    """The firmware profiles with which it does."""


@dataclass(frozen=True)
class Reasons:
    """The whole answer. ``by_default``: firmware profile to the verdict without changes."""

    question: Question
    combinations: tuple[Combination, ...]
    by_default: dict[str, Verdict]
    rests_on: tuple[Support, ...]
    undecided: dict[Place, str]
    asked: int
    """How many combinations were asked about."""


def reasons(question: Question, pool: Workers, bar: Meter) -> Reasons:
    """Ask about everything. Raises Interrupted on Ctrl-C."""
    asker = Asker(question, pool, bar)
    contexts = question.contexts
    first = len(question.defaults)  # what is found with these is likely to be so with the others
    usual_ones = [question.usual]  # what breaks by default has a minimal set, whatever else mends
    found = asker.all([searching(question, c, usual_ones) for c in contexts[:first]])
    guesses = list(dict.fromkeys([*usual_ones, *(one for sets in found for one in sets)]))
    found += asker.all([searching(question, context, guesses) for context in contexts[first:]])
    where: dict[Circumstances, list[Context]] = {}
    for context, sets in zip(contexts, found, strict=True):
        for one in sets:
            where.setdefault(one, []).append(context)
    order = [c.name for c in question.circumstances]
    sets = sorted(where, key=lambda s: (len(s), sorted(map(order.index, s))))
    shown = [_shortest(asker, one, where[one]) for one in sets]
    counting = [
        fewest(at, one, options.least(dict(question.run(at, one).assume)), verdict.members or 1)
        for one, (at, verdict) in zip(sets, shown, strict=True)
    ]
    exact = question.members
    counts = asker.all(counting) if exact is None else [exact] * len(sets)
    usual = asker.all([once((c, question.usual, None)) for c in question.defaults])
    by_default = {c.firmware: v for c, v in zip(question.defaults, usual, strict=True)}
    return Reasons(
        question,
        tuple(
            Combination(one, tuple(where[one]), *at, count)
            for one, at, count in zip(sets, shown, counts, strict=True)
        ),
        by_default,
        _support(asker, where, by_default),
        asker.undecided,
        asker.answered,
    )


def _shortest(asker: Asker, present: Circumstances, contexts: list[Context]) -> Shown:
    """The first of the shortest violations under these circumstances."""
    found: list[Shown] = []
    for context in contexts:
        verdict = asker.known((context, present, None))
        assert verdict is not None, "a minimal set was asked about"
        found.append((context, verdict))
    return min(found, key=lambda one: one[1].steps or 0)


def _support(
    asker: Asker, where: dict[Circumstances, list[Context]], by_default: dict[str, Verdict]
) -> tuple[Support, ...]:
    """What of the minimal sets is not there by default, where it holds by default.

    Each is confirmed by a run with the defaults beside: where more circumstances may mend
    something, it need not break.
    """
    question = asker.question
    places: dict[Change, dict[str, Place]] = {}
    for present, contexts in where.items():
        for context in contexts:
            if by_default[context.firmware].verdict == "holds":
                change = present - question.usual, question.unusual(context)
                place = (context, present | question.usual, None)
                places.setdefault(change, {}).setdefault(context.firmware, place)
    breaking: dict[Change, list[str]] = {}
    for size in sorted({_size(change) for change in places}):  # what fewer changes do is no news
        asked = [
            (change, profile, at)
            for change, each in places.items()
            for profile, at in each.items()
            if _size(change) == size
            and not any(_less(other, change) and profile in breaking[other] for other in breaking)
        ]
        verdicts = asker.all([once(at) for _, _, at in asked])
        for (change, profile, _), verdict in zip(asked, verdicts, strict=True):
            if verdict.verdict == "violated":
                breaking.setdefault(change, []).append(profile)
    found = [
        Support(changes, unusual, tuple(p for p in by_default if p in profiles))
        for (changes, unusual), profiles in breaking.items()
    ]
    order = [c.name for c in question.circumstances]
    return tuple(
        sorted(
            found,
            key=lambda s: (
                len(s.changes) + len(s.unusual),
                sorted(map(order.index, s.changes)),
                s.unusual,
            ),
        )
    )


def _size(change: Change) -> int:
    return len(change[0]) + len(change[1])


def _less(one: Change, other: Change) -> bool:
    return one != other and one[0] <= other[0] and set(one[1]) <= set(other[1])
