"""What becomes of claims: explored anew, every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from softsnp.explore import Limits
from softsnp.spec.catalog import BY_NAME, FIRMWARE, SCENARIOS, SURVEY

from .claims_file import Asserted, Claim
from .designs import DesignRef
from .runs import Answer, Run, Verdict

CONFIRMED, REFUTED, DEPENDS, UNDECIDED = "confirmed", "refuted", "depends", "undecided"
Cells = dict[Run, Answer]


@dataclass(frozen=True)
class Case:
    """One exploration that a question asks for, and what came out."""

    run: Run
    got: str
    """holds, violated, undecided; happens, never; reached, or not reached."""
    comes_out: bool
    exercised: bool
    verdict: Verdict | None
    """None for what is only reached."""


@dataclass(frozen=True)
class Told:
    """A question and its cases, in the order of profiles and assumption sets."""

    asked: Asserted
    cases: tuple[Case, ...]

    @property
    def outcome(self) -> str:
        if all(case.comes_out for case in self.cases):
            return CONFIRMED
        if any(case.got == "undecided" for case in self.cases):
            return UNDECIDED
        return DEPENDS if any(case.comes_out for case in self.cases) else REFUTED


@dataclass(frozen=True)
class Outcome:
    claim: Claim
    told: tuple[Told, ...]

    @property
    def word(self) -> str:
        """The worst of its questions: what one of them refutes is refuted."""
        found = {one.outcome for one in self.told}
        return next(w for w in (REFUTED, UNDECIDED, DEPENDS, CONFIRMED) if w in found)

    def counterexample(self) -> Case | None:
        """The shortest violation of what a refuted claim says holds."""
        cases = [
            case
            for one in self.told
            if one.outcome == REFUTED and one.asked.verdict == "holds"
            for case in one.cases
            if case.verdict is not None and case.verdict.trace is not None
        ]
        return min(cases, key=_steps, default=None)


def _steps(case: Case) -> int:
    assert case.verdict is not None
    return case.verdict.steps or 0


def places(asked: Asserted, limits: Limits, rung: str) -> list[Run]:
    """The explorations that a question leaves open; of each, only this property."""
    sets = (
        [asked.assume] if asked.assume is not None else [tuple(sorted(s.items())) for s in SURVEY]
    )
    return [
        Run(
            DesignRef(asked.design),
            profile,
            assume,
            asked.ioctls,
            asked.scenario,
            SCENARIOS[asked.scenario].activities,
            None,
            () if asked.reached else (asked.name,),
            limits,
            traces=True,
            rung=rung,
        )
        for profile in ([asked.firmware] if asked.firmware else list(FIRMWARE))
        for assume in sets
    ]


def together(claims: Sequence[Claim], limits: Limits, rung: str) -> list[Run]:
    """Every exploration that claims need, once, with every property that any asks of it."""
    wanted: dict[Run, set[str]] = {}
    for claim in claims:
        for asked in claim.questions:
            for run in places(asked, limits, rung):
                wanted.setdefault(replace(run, properties=()), set()).update(run.properties)
    return [
        replace(run, properties=tuple(name for name in BY_NAME if name in names))
        for run, names in wanted.items()
    ]


def outcome(claim: Claim, answers: Sequence[Answer], limits: Limits, rung: str) -> Outcome:
    cells = {replace(answer.run, properties=()): answer for answer in answers}
    told = [
        Told(
            asked,
            tuple(
                _case(asked, run, cells[replace(run, properties=())])
                for run in places(asked, limits, rung)
            ),
        )
        for asked in claim.questions
    ]
    return Outcome(claim, tuple(told))


def _case(asked: Asserted, run: Run, answer: Answer) -> Case:
    if asked.reached:
        if answer.reached[asked.name]:
            got = "happens"
        else:
            got = "undecided" if answer.stopped else "never"
        return Case(run, got, got == asked.verdict, True, None)
    verdict = answer.verdict(asked.name)
    got = verdict.verdict
    if asked.verdict == "reached":
        got = "reached" if verdict.exercised else "not reached"
        if answer.stopped and not verdict.exercised:
            got = "undecided"
    return Case(run, got, got == asked.verdict, verdict.exercised, verdict)
