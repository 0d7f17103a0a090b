"""``softsnp doctor --ahead``: what each operation would do to the host that was observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from softsnp.explore import Ladder, check
from softsnp.lang import Property
from softsnp.lang.trace import Trace
from softsnp.operate.beginning import (
    BEGINNER,
    NOTHING,
    OPERATOR,
    UNDERTAKINGS,
    Beginning,
    Undertaking,
    ahead,
    begun,
)
from softsnp.spec.catalog import DETAILS
from softsnp.spec.properties import PROPERTIES

from .designs import DesignRef
from .workers import START

WORKER = "rmpopt-worker"


@dataclass(frozen=True)
class Question:
    """One exploration. It can be asked in another process."""

    design: DesignRef
    firmware: str
    smt: bool
    beginning: Beginning
    undertaking: Undertaking
    traces: bool = True


@dataclass(frozen=True)
class Broken:
    """A property that an undertaking breaks: the steps of it alone, and the state then."""

    name: str
    trace: Trace | None
    firmware: str
    hangs_on: tuple[str, ...] = ()
    """What is not known, on which it depends; empty where it breaks whatever that is."""


@dataclass(frozen=True)
class Prospect:
    """``verdict``: safe, breaks, depends, or undecided."""

    undertaking: Undertaking
    broken: tuple[Broken, ...]
    undecided: str = ""

    @property
    def verdict(self) -> str:
        if self.undecided:
            return "undecided"
        if not self.broken:
            return "safe"
        return "breaks" if any(not b.hangs_on for b in self.broken) else "depends"


Answers = dict[str, Trace | None]
"""Property that is broken to the way there."""
Said = tuple[Answers, str]
"""What is broken, and why it is undecided."""
Fixed = tuple[Question, str, str]
"""A question in which one thing that is open is known: what, and its value."""


def explore(question: Question) -> Said:
    design = begun(question.design.load(), question.beginning, question.undertaking)
    assume = {**dict.fromkeys(DETAILS, True), "smt": question.smt}
    assume["one-ipi-a-step"] = False  # nobody is in between
    spec = design([BEGINNER, OPERATOR, WORKER], assume, firmware=question.firmware)
    members = sum(kind.count or 0 for kind in spec.members())
    asked: list[Property] = ahead(PROPERTIES)
    result = check(spec, members, asked, [], ladder=Ladder(), traces=question.traces)
    undecided = [o for o in result.outcomes if o.verdict == "undecided"]
    return (
        {
            o.prop.name: o.trace and _without_beginning(o.trace)
            for o in result.outcomes
            if o.verdict == "violated"
        },
        undecided[0].reason if undecided else "",
    )


def _without_beginning(trace: Trace) -> Trace:
    steps = tuple(step for step in trace.steps if step.activity != BEGINNER)
    return replace(trace, steps=steps)


@contextmanager
def exploring(cores: int) -> Iterator[Callable[[Sequence[Question]], Iterator[Any]]]:
    """A function that answers questions, in their order, on so many cores."""
    if cores == 1:
        yield lambda questions: map(explore, questions)
        return
    with ProcessPoolExecutor(cores, get_context(START)) as pool:
        yield lambda questions: pool.map(explore, questions)


def prospects(
    question: Question,
    firmware: Sequence[str],
    undertakings: Sequence[Undertaking],
    cores: int,
    done: Callable[[], None] = lambda: None,
) -> Iterator[Prospect]:
    """What each undertaking would do, in their order. ``firmware``: each profile it may have."""
    profiles = [replace(question, firmware=profile) for profile in firmware]
    with exploring(cores) as answer:

        def ask(questions: Sequence[Question]) -> list[Said]:
            found = []
            for one in answer(questions):
                found.append(one)
                done()
            return found

        every = (NOTHING, *undertakings)
        answers = ask([replace(one, undertaking=u) for u in every for one in profiles])
        by = {u: answers[n * len(profiles) :][: len(profiles)] for n, u in enumerate(every)}
        fixed = _fixed(profiles)
        lost = any(broken for broken, _ in by[NOTHING])
        before = ask([one for one, _, _ in fixed]) if lost else [({}, "")] * len(fixed)
        for undertaking in undertakings:
            said = by[undertaking]
            undecided = next((why for _, why in said if why), "")
            broken: list[Broken] = []
            if any(set(now) for now, _ in said):
                after = ask([replace(one, undertaking=undertaking) for one, _, _ in fixed])
                broken = list(_broken(profiles, by[NOTHING], said, fixed, before, after))
            yield Prospect(undertaking, tuple(broken), undecided)


def _broken(
    profiles: list[Question],
    nothing: list[Said],
    said: list[Said],
    fixed: list[Fixed],
    before: list[Said],
    after: list[Said],
) -> Iterator[Broken]:
    """Each property that the undertaking breaks, with what it hangs on.

    ``nothing`` and ``said``: what is broken without and with it, for each profile; ``before`` and
    ``after`` the same where one of what is open is known.
    """
    for name in dict.fromkeys(name for now, _ in said for name in now):
        new = [
            name in now and name not in was
            for (now, _), (was, _) in zip(said, nothing, strict=True)
        ]
        hangs_on: dict[str, None] = {}
        if any(new) and not all(new):
            hangs_on["the firmware's profile"] = None
        known: dict[str, list[bool]] = {}
        for (_, what, _), (was, _), (now, _) in zip(fixed, before, after, strict=True):
            known.setdefault(what, []).append(name in now and name not in was)
        for what, breaks in known.items():
            if (any(breaks) or any(new)) and not all(breaks):
                hangs_on[what] = None
        if any(new) or any(any(breaks) for breaks in known.values()):
            where = next(n for n, (now, _) in enumerate(said) if name in now)
            yield Broken(name, said[where][0][name], profiles[where].firmware, tuple(hangs_on))


def _fixed(questions: list[Question]) -> list[Fixed]:
    """For each value of each thing that is open: the question with that known."""
    found = []
    for question in questions:
        for what, value, known in _known(question.beginning):
            found.append((replace(question, beginning=known, traces=False), what, value))
    return found


def _known(beginning: Beginning) -> Iterator[tuple[str, str, Beginning]]:
    """(what, its value, the beginning with that)."""
    for name, values in beginning.open.items():
        left = {n: v for n, v in beginning.open.items() if n != name}
        for value in values:
            scalars = {**beginning.scalars, name: value}
            yield name, str(value), replace(beginning, scalars=scalars, open=left)
    for number, group in enumerate(beginning.cpus):
        for bit in group.open:
            left_open = tuple(other for other in group.open if other != bit)
            for on in (False, True):
                one = replace(group, bits={**group.bits, bit: on}, open=left_open)
                cpus = (*beginning.cpus[:number], one, *beginning.cpus[number + 1 :])
                yield f"{bit} of offline CPUs", str(on), replace(beginning, cpus=cpus)


__all__ = ["UNDERTAKINGS", "Broken", "Prospect", "Question", "prospects"]
