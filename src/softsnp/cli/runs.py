"""Runs: one exploration each, and what is told of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from softsnp.explore import Ladder, Limits, Progress, Result, check
from softsnp.lang.trace import Trace
from softsnp.spec.catalog import BY_NAME, SCENARIOS
from softsnp.spec.reachable import checks

from .designs import DesignRef


@dataclass(frozen=True)
class Run:
    """What to explore. ``members`` is None for any number of CPUs."""

    design: DesignRef
    firmware: str
    assume: tuple[tuple[str, bool], ...]
    ioctls: str | None
    scenario: str
    activities: tuple[str, ...]
    members: int | None
    properties: tuple[str, ...]
    limits: Limits
    traces: bool
    rung: str = "auto"
    apart: bool = False
    """Whether CPUs are told apart; then there is a number of them."""


@dataclass(frozen=True)
class Verdict:
    """What is known of one property: holds, violated or undecided (for this reason)."""

    name: str
    verdict: str
    exercised: bool
    steps: int | None
    members: int | None
    trace: Trace | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """What a run found; plain data, so that it can come from another process."""

    run: Run
    ioctls: str
    assumptions: dict[str, bool]
    states: int
    concrete_states: int | None
    transitions: int
    depth: int
    stopped: str
    verdicts: tuple[Verdict, ...]
    reached: dict[str, bool]
    consulted: frozenset[str]
    """The assumptions that anything looked at."""
    seconds: float

    def verdict(self, name: str) -> Verdict:
        return next(v for v in self.verdicts if v.name == name)


Watch = Callable[[Progress], None]


def execute(run: Run, watch: Watch | None = None, ladder: Ladder | None = None) -> Answer:
    """Do one run in this process. Raises SpecError for what is wrong in the design.

    A ``ladder`` that several runs share is climbed once for all of them.
    """
    began = time.monotonic()
    design = run.design.load(run.ioctls)
    assume = dict(run.assume)
    if run.scenario in SCENARIOS:
        assume = SCENARIOS[run.scenario].assume(assume)
    spec = design(run.activities, assume, firmware=run.firmware)
    result: Result = check(
        spec,
        run.members,
        [BY_NAME[name] for name in run.properties],
        checks(spec),
        limits=run.limits,
        watch=watch,
        ladder=ladder if ladder and ladder.rung == run.rung else Ladder(run.rung),
        traces=run.traces,
        apart=run.apart,
    )
    return Answer(
        run,
        design.ioctls,
        dict(spec.assumptions),
        result.states,
        result.concrete_states,
        result.transitions,
        result.depth,
        result.stopped,
        tuple(
            Verdict(o.prop.name, o.verdict, o.exercised, o.steps, o.members, o.trace, o.reason)
            for o in result.outcomes
        ),
        result.reached,
        result.consulted,
        time.monotonic() - began,
    )
