"""``softsnp findings``: the page of everything that the checker finds wrong with designs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from softsnp.explore import Limits
from softsnp.spec.catalog import BY_NAME, DESIGNS, SCENARIOS, SURVEY

from . import options
from .circumstances import SWITCHES
from .designs import DesignRef, find
from .findings_text import page
from .progress import meter
from .runs import Answer, Run, Verdict
from .tables import changed
from .workers import finishing

USUAL = ("linux-7.3", "rmpopt-v10")
STATUS_UNDECIDED = 3


@dataclass(frozen=True)
class Finding:
    """A property that a design breaks: where, the shortest way, and what that rests on."""

    design: DesignRef
    prop: str
    where: tuple[Run, ...]
    explored: tuple[Run, ...]
    """Each exploration of the design."""
    run: Run
    """That with the shortest way (by default, if it breaks by default), and the verdict there."""
    verdict: Verdict
    rests_on: tuple[str, ...]
    """The assumptions and details that, one changed alone, make the property hold there."""


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "findings",
        help="a page of everything that is found wrong",
        description="Explore designs in every scenario, with every firmware profile, under the "
        "sets of assumptions of a survey, and print a page (Markdown): each property that breaks, "
        f"how, and how sure that is. Without a design: {' and '.join(USUAL)}.",
        epilog="Exit status: 0 explored, whatever was found; 3 something is undecided, or "
        "interrupted; 2 bad usage.",
    )
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help="a name, or a file.py")
    options.add_scenarios(parser)
    options.add_firmware(parser)
    options.add_exploring(parser)
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    names = args.designs or [name for name in USUAL if name in DESIGNS]
    designs = list(dict.fromkeys(ref for name in names for ref in find(name)))
    scenarios = options.scenarios(args.scenario)
    profiles = options.firmware(args.firmware)
    limits, rung = options.limits(args.max_states, args.max_memory), options.rung(args.rung)
    asked = list(_runs(designs, scenarios, profiles, limits, rung))
    cores = options.cores(args.cores)
    answers = explored(asked, cores)
    if answers is None:
        return STATUS_UNDECIDED
    shortest = list(_shortest(answers))
    flips = [list(_flips(one)) for one in shortest]
    flipped = explored(_together([other for each in flips for _, other in each]), cores)
    if flipped is None:
        return STATUS_UNDECIDED
    cells = {_cell(answer.run): answer for answer in flipped}
    findings = []
    for one, each in zip(shortest, flips, strict=True):
        needed = tuple(
            name
            for name, other in each
            if cells[_cell(other)].verdict(one.prop).verdict != "violated"
        )
        findings.append(replace(one, rests_on=needed))
    print(page(findings, answers, [ref.shown for ref in designs], scenarios, profiles))
    undecided = any(v.verdict == "undecided" for a in answers for v in a.verdicts)
    return STATUS_UNDECIDED if undecided else 0


def explored(asked: list[Run], cores: int | None) -> list[Answer] | None:
    """The answers in the order of the runs; None if a Ctrl-C came first."""
    if not asked:
        return []
    found: dict[int, Answer] = {}
    with finishing(asked, cores) as finished, meter(len(asked), estimate=True) as bar:
        for number, answer in finished(bar.watch):
            if answer.stopped != "interrupted":
                found[number] = answer
                bar.finished += 1
    if len(found) < len(asked):
        print(f"interrupted: {len(found)} of {len(asked)} runs done", file=sys.stderr)
        return None
    return [found[number] for number in range(len(asked))]


def _runs(
    designs: list[DesignRef], scenarios: list[str], profiles: list[str], limits: Limits, rung: str
) -> Iterator[Run]:
    for design in designs:
        for scenario in scenarios:
            for profile in profiles:
                for changes in SURVEY:
                    yield Run(
                        design,
                        profile,
                        tuple(sorted(changes.items())),
                        None,
                        scenario,
                        SCENARIOS[scenario].activities,
                        None,
                        tuple(BY_NAME),
                        limits,
                        traces=True,
                        rung=rung,
                    )


def _shortest(answers: list[Answer]) -> Iterator[Finding]:
    """A finding for each design and property that is broken anywhere."""
    for design in dict.fromkeys(a.run.design for a in answers):
        mine = [a for a in answers if a.run.design == design]
        for name in BY_NAME:
            broken = [a for a in mine if a.verdict(name).verdict == "violated"]
            if broken:
                best = min(broken, key=partial(_far, name))
                yield Finding(
                    design,
                    name,
                    tuple(a.run for a in broken),
                    tuple(a.run for a in mine),
                    best.run,
                    best.verdict(name),
                    (),
                )


def _far(name: str, answer: Answer) -> tuple[int, int]:
    """How far a violation is: what is found by default comes before what needs a change."""
    return len(changed(answer.run)), answer.verdict(name).steps or 0


def _flips(one: Finding) -> Iterator[tuple[str, Run]]:
    """The shortest way's run with each assumption that it looked at the other way."""
    assert one.verdict.trace is not None
    for name, on in one.verdict.trace.consulted.items():
        if name in SWITCHES:
            assume = {**dict(one.run.assume), name: not on}
            yield (
                name,
                replace(
                    one.run,
                    assume=tuple(sorted(assume.items())),
                    properties=(one.prop,),
                    traces=False,
                ),
            )


def _cell(run: Run) -> Run:
    return replace(run, properties=())


def _together(runs: list[Run]) -> list[Run]:
    """Runs that differ in properties only as one with all of these."""
    wanted: dict[Run, set[str]] = {}
    for one in runs:
        wanted.setdefault(_cell(one), set()).update(one.properties)
    return [
        replace(run, properties=tuple(name for name in BY_NAME if name in names))
        for run, names in wanted.items()
    ]
