"""Many searches at once that ask about runs, on every core, and no run twice.

Two runs that differ only in assumptions that nothing looks at are one. (Whether a detail was looked
at is not known: no verdict is said to rest on one.)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TypeVar

from softsnp.spec.catalog import DETAILS

from .circumstances import SWITCHES, Context, Question
from .minimal import Asking, Circumstances, Reply, minimal_sets
from .progress import Meter
from .runs import Answer, Run, Verdict
from .workers import Workers

T = TypeVar("T")
Place = tuple[Context, Circumstances, int | None]
"""A context, the circumstances in it, and the number of CPUs (None: as the question says)."""
Asked = Generator[Place, Verdict, T]


SHORT = 1_000_000
"""States after which a run that may be long is asked whether it has found a violation already."""


class Interrupted(Exception):
    """Ctrl-C, before everything was answered."""


class Asker:
    """Answers places by runs, and remembers them."""

    def __init__(self, question: Question, pool: Workers, bar: Meter) -> None:
        self.question = question
        self._pool = pool
        self._bar = bar
        self._known: dict[Run, list[Answer]] = {}
        self._answered: set[Place] = set()
        self._long: set[Run] = set()
        """Those that a short exploration has not decided."""
        self.undecided: dict[Place, str] = {}
        """Where nothing could be said, and why."""

    @property
    def answered(self) -> int:
        """The number of places that were asked about. How many runs that took depends on which of
        them are under way at the same time."""
        return len(self._answered)

    def known(self, place: Place) -> Verdict | None:
        """The verdict of a run that was done, or of one that could not differ from it."""
        run = self.question.run(*place)
        assume = _all(run)
        for answer in self._known.get(_kind(run), ()):
            had = answer.assumptions
            looked_at = answer.consulted | DETAILS.keys()
            if all(had[name] == assume.get(name, had[name]) for name in looked_at):
                verdict = answer.verdict(self.question.prop)
                if verdict.verdict == "undecided":
                    self.undecided[place] = verdict.reason
                return verdict
        return None

    def all(self, asking: Sequence[Asked[T]]) -> list[T]:
        """What each of these returns; they are asked side by side."""
        results: dict[int, T] = {}
        waiting: dict[int, Place] = {}
        for number, one in enumerate(asking):
            self._go_on(number, one, None, waiting, results)
        under_way: dict[int, Run] = {}
        given = 0
        while waiting or under_way:
            self._hear(asking, waiting, results)
            wanted = dict.fromkeys(self.question.run(*place) for place in waiting.values())
            for run in wanted:
                if self._pool.idle and run not in under_way.values():
                    self._pool.give(given, run if run in self._long else _short(run))
                    under_way[given] = run
                    given += 1
            if not under_way:
                if waiting:
                    raise Interrupted
                break
            number, answer = self._pool.take(self._bar.watch)
            run = under_way.pop(number)
            if answer.stopped == "interrupted":
                raise Interrupted
            if answer.run != run and answer.verdict(self.question.prop).verdict == "undecided":
                self._long.add(run)
                continue
            self._bar.finished += 1
            self._known.setdefault(_kind(run), []).append(replace(answer, run=run))
        return [results[number] for number in range(len(asking))]

    def _hear(
        self, asking: Sequence[Asked[T]], waiting: dict[int, Place], results: dict[int, T]
    ) -> None:
        """Tell whoever waits for what is known, until nobody does."""
        for number in list(waiting):
            while number in waiting:
                verdict = self.known(waiting[number])
                if verdict is None:
                    break
                self._answered.add(waiting[number])
                self._go_on(number, asking[number], verdict, waiting, results)

    def _go_on(
        self,
        number: int,
        one: Asked[T],
        verdict: Verdict | None,
        waiting: dict[int, Place],
        results: dict[int, T],
    ) -> None:
        waiting.pop(number, None)
        try:
            waiting[number] = next(one) if verdict is None else one.send(verdict)
        except StopIteration as done:
            results[number] = done.value


def _short(run: Run) -> Run:
    """A violation that is found by then is a shortest one, whatever else there is to explore."""
    states = run.limits.states
    if states is not None and states <= SHORT:
        return run
    return replace(run, limits=replace(run.limits, states=SHORT))


def _kind(run: Run) -> Run:
    """What runs have in common that differ in assumptions."""
    return replace(run, assume=(), scenario="")


def _all(run: Run) -> dict[str, bool]:
    """The value of every assumption and detail in a run that says all that its scenario does."""
    return {**{name: a.default for name, a in SWITCHES.items()}, **dict(run.assume)}


# --- what may be asked ----------------------------------------------------------------------------


def searching(
    question: Question, context: Context, guesses: Sequence[Circumstances] = ()
) -> Asked[list[Circumstances]]:
    """Every minimal set of circumstances that breaks the property in one context."""
    asking: Asking = minimal_sets([c.name for c in question.circumstances], guesses)
    wanted = next(asking)
    while True:
        verdict = yield context, wanted, None
        try:
            wanted = asking.send(_reply(verdict))
        except StopIteration as done:
            found: list[Circumstances] = done.value
            return found


def _reply(verdict: Verdict) -> Reply:
    """A violation's steps say what it is likely to need: who steps, and what they looked at."""
    if verdict.verdict != "violated" or verdict.trace is None:
        return Reply(False)
    steps = {step.activity for step in verdict.trace.steps}
    return Reply(True, frozenset({*steps, *verdict.trace.consulted, *DETAILS}))


def once(place: Place) -> Asked[Verdict]:
    return (yield place)


def fewest(context: Context, present: Circumstances, least: int, most: int) -> Asked[int]:
    """The least number of CPUs that shows a violation that ``most`` show."""
    for members in range(least, most):
        verdict = yield context, present, members
        if verdict.verdict == "violated":
            return members
    return most
