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
    NOTHING,
    OPERATOR,
    UNDERTAKINGS,
    Beginning,
    Undertaking,
    ahead,
    begun,
    steps_of_beginning,
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


def explore(question: Question) -> tuple[Answers, str]:
    """(what is broken, why it is undecided)."""
    design = begun(question.design.load(), question.beginning, question.undertaking)
    assume = {**dict.fromkeys(DETAILS, True), "smt": question.smt}
    assume["one-ipi-a-step"] = False  # nobody is in between
    spec = design([OPERATOR, WORKER], assume, firmware=question.firmware)
    members = sum(kind.count or 0 for kind in spec.members())
    asked: list[Property] = ahead(PROPERTIES)
    result = check(spec, members, asked, [], ladder=Ladder(), traces=question.traces)
    undecided = [o for o in result.outcomes if o.verdict == "undecided"]
    skip = steps_of_beginning(question.beginning)
    return (
        {
            o.prop.name: o.trace and replace(o.trace, steps=o.trace.steps[skip:])
            for o in result.outcomes
            if o.verdict == "violated"
        },
        undecided[0].reason if undecided else "",
    )


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
    with exploring(cores) as answer:

        def ask(questions: Sequence[Question]) -> list[tuple[Answers, str]]:
            found = []
            for one in answer(questions):
                found.append(one)
                done()
            return found

        profiles = [replace(question, firmware=profile) for profile in firmware]
        asked = [
            replace(one, undertaking=undertaking)
            for undertaking in (NOTHING, *undertakings)
            for one in profiles
        ]
        answers = ask(asked)
        many = len(profiles)
        already = [set(broken) for broken, _ in answers[:many]]
        for number, undertaking in enumerate(undertakings, 1):
            found = answers[many * number : many * (number + 1)]
            new = [
                {name: trace for name, trace in broken.items() if name not in before}
                for (broken, _), before in zip(found, already, strict=True)
            ]
            undecided = next((why for _, why in found if why), "")
            mine = [replace(one, undertaking=undertaking) for one in profiles]
            yield Prospect(undertaking, tuple(_broken(mine, new, ask)), undecided)


def _broken(
    questions: list[Question],
    found: list[Answers],
    ask: Callable[[Sequence[Question]], list[tuple[Answers, str]]],
) -> Iterator[Broken]:
    """Each broken property once, with what it hangs on."""
    names = list(dict.fromkeys(name for answers in found for name in answers))
    if not names:
        return
    fixed = _fixed(questions)
    said = ask([question for question, _, _ in fixed])
    for name in names:
        where = next(n for n, answers in enumerate(found) if name in answers)
        hangs_on: dict[str, None] = {}
        if not all(name in answers for answers in found):
            hangs_on["the firmware's profile"] = None
        for what in dict.fromkeys(what for _, what, _ in fixed):
            values = {
                value: name in broken
                for (_, other, value), (broken, _) in zip(fixed, said, strict=True)
                if other == what
            }
            if not all(values.values()):
                hangs_on[what] = None
        yield Broken(name, found[where][name], questions[where].firmware, tuple(hangs_on))


def _fixed(questions: list[Question]) -> list[tuple[Question, str, str]]:
    """(the question with one open thing known, what, its value)."""
    found = []
    for question in questions:
        beginning = question.beginning
        for name, values in beginning.open.items():
            left = {n: v for n, v in beginning.open.items() if n != name}
            for value in values:
                known = replace(beginning, scalars={**beginning.scalars, name: value}, open=left)
                found.append((_asked(question, known), name, str(value)))
        for number, group in enumerate(beginning.cpus):
            for bit in group.open:
                for on in (False, True):
                    one = replace(
                        group,
                        bits={**group.bits, bit: on},
                        open=tuple(b for b in group.open if b != bit),
                    )
                    cpus = (*beginning.cpus[:number], one, *beginning.cpus[number + 1 :])
                    what = f"{bit} of offline CPUs"
                    known = replace(beginning, cpus=cpus)
                    found.append((_asked(question, known), what, str(on)))
    return found


def _asked(question: Question, beginning: Beginning) -> Question:
    return replace(question, beginning=beginning, traces=False)


__all__ = ["UNDERTAKINGS", "Broken", "Prospect", "Question", "prospects"]
