"""``softsnp sweep``: every design, scenario, firmware profile and set of assumptions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from softsnp.spec.catalog import ASSUMPTIONS, DESIGNS, DETAILS, SCENARIOS, SURVEY

from . import options
from .cluster import FORMS, Address, address, clustered
from .designs import DesignRef, find
from .errors import Stopped, UsageError, unknown
from .progress import meter
from .results import Key, Results, Row, key, opened
from .runs import Answer, Run, Watch
from .tables import cpus
from .workers import finishing

CHANGES = 2
VERDICTS = ("holds", "violated", "undecided")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "sweep",
        help="explore everything, and go on where it was stopped",
        description="Explore every design in every scenario, with every firmware profile and set "
        "of assumptions, and keep what comes of it in a file. Whatever stopped it, the same "
        "command goes on from there.",
        epilog="Exit status: 0 all is decided; 3 something is undecided, or interrupted; 2 bad "
        "usage, or a file with results of another specification.",
    )
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help="a name, or a file.py")
    parser.add_argument(
        "--assumptions",
        choices=("survey", "all"),
        default="survey",
        help="the sets that a survey goes through (the default), or every set of some changes",
    )
    parser.add_argument(
        "--changes",
        type=int,
        default=CHANGES,
        metavar="N",
        help=f"how many at most, with --assumptions all ({CHANGES}; {len(ASSUMPTIONS)} is every "
        "set there is)",
    )
    options.add_scenarios(parser)
    options.add_firmware(parser)
    options.add_cpus(parser)
    options.add_exploring(parser)
    parser.add_argument(
        "--with",
        dest="details",
        metavar="DETAIL",
        action="append",
        default=[],
        help="go through everything without a detail, and with it where that is something else; "
        "may be given several times (command-lines: maxcpus=, nosmt and nr_cpus= at every boot)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        default="none",
        help=f"who explores: {FORMS}; without it, this machine's cores, without Ray",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", default=Path("sweep.jsonl"))
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    place, cores = address(args.cluster), options.cores(args.cores)
    if place is not None and cores is not None:
        raise UsageError("--cores is of this machine; who explores with --cluster, ADDRESS says")
    asked = runs(args)
    with opened(args.out) as results:
        todo = [run for run in asked if not results.have(run)]
        ended = _explore(todo, len(asked), results, place, cores) if todo else ""
        print(summary(asked, results.rows))
    missing = sum(key(run) not in results.rows for run in asked)
    if ended or missing:
        print(
            f"\n{ended or 'interrupted'}: {len(asked) - missing} of {len(asked)} runs are in "
            f"{args.out}; the same command goes on from there",
            file=sys.stderr,
        )
        return 3
    undecided = any("undecided" in results.rows[key(run)].verdicts.values() for run in asked)
    return 3 if undecided else 0


def _explore(
    todo: list[Run], total: int, results: Results, place: Address | None, cores: int | None
) -> str:
    """Do runs and keep each as it finishes; what ended that early, or an empty string."""
    ended = ""
    done = total - len(todo)
    with _doing(todo, place, cores) as finished, meter(total, done, estimate=True) as bar:
        try:
            for _, answer in finished(bar.watch):
                if answer.stopped == "interrupted":
                    ended = "interrupted"
                    continue
                results.add(answer)
                bar.finished += 1
        except KeyboardInterrupt:  # between two answers; what is under way is lost
            ended = "interrupted"
        except Stopped as error:
            ended = str(error)
    return ended


def _doing(
    todo: list[Run], place: Address | None, cores: int | None
) -> AbstractContextManager[Callable[[Watch], Iterator[tuple[int, Answer]]]]:
    return finishing(todo, cores) if place is None else clustered(todo, place)


def runs(args: argparse.Namespace) -> list[Run]:
    """What is to be done, design by design; in this order it is told."""
    sets = [dict(s) for s in SURVEY] if args.assumptions == "survey" else every_set(args.changes)
    sets = [{**s, **more} for more in _switched(args.details) for s in sets]
    names = args.designs or list(DESIGNS)
    designs = list(dict.fromkeys(ref for name in names for ref in find(name)))
    scenarios = options.scenarios(args.scenario)
    return list(_runs(args, designs, scenarios, sets))


def _runs(
    args: argparse.Namespace,
    designs: list[DesignRef],
    scenarios: list[str],
    sets: list[dict[str, bool]],
) -> Iterator[Run]:
    limits = options.limits(args.max_states, args.max_memory)
    count = options.members(args.cpus)
    for assumed in sets:
        options.enough(count, assumed)
    for scenario in scenarios:
        for design in designs:
            for profile in options.firmware(args.firmware):
                for assumed in sets:
                    if not assumed.keys().isdisjoint(SCENARIOS[scenario].details):
                        continue  # it has that detail anyway
                    yield Run(
                        design,
                        profile,
                        tuple(sorted(assumed.items())),
                        None,
                        scenario,
                        SCENARIOS[scenario].activities,
                        count,
                        options.properties([]),
                        limits,
                        traces=False,
                        rung=options.rung(args.rung),
                    )


def _switched(details: list[str]) -> list[dict[str, bool]]:
    """Every way of switching some of these details on."""
    for name in details:
        if name not in DETAILS:
            raise unknown("detail", name, DETAILS, "details")
    names = list(dict.fromkeys(details))
    return [
        dict.fromkeys(some, True)
        for size in range(len(names) + 1)
        for some in combinations(names, size)
    ]


def every_set(most: int) -> list[dict[str, bool]]:
    """Every set of so many changes to the defaults at most, the smaller ones first."""
    return [
        {name: not ASSUMPTIONS[name].default for name in names}
        for size in range(most + 1)
        for names in combinations(ASSUMPTIONS, size)
    ]


# --- what is told ---------------------------------------------------------------------------------


@dataclass
class _Count:
    """The runs of one design in one scenario."""

    runs: int = 0
    done: int = 0
    verdicts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))


def summary(asked: list[Run], rows: Mapping[Key, Row]) -> str:
    """How many properties hold, scenario by scenario and design by design."""
    counts: dict[str, dict[str, _Count]] = {}
    for run in asked:
        count = counts.setdefault(run.scenario, {}).setdefault(run.design.name, _Count())
        count.runs += 1
        row = rows.get(key(run))
        if row is not None:
            count.done += 1
            for verdict in row.verdicts.values():
                count.verdicts[verdict] += 1
    lines = [f"{len(asked)} runs, {cpus(asked[0].members)}; each decides every property."]
    for scenario, designs in counts.items():
        lines += ["", _line(scenario, ["runs", *VERDICTS])]
        for name, count in designs.items():
            done = f"{count.runs}" if count.done == count.runs else f"{count.done}/{count.runs}"
            told = [f"{count.verdicts[v]:,}" if count.verdicts[v] else "-" for v in VERDICTS]
            lines.append(_line(f"  {name}", [done, *told]))
    return "\n".join(lines)


def _line(name: str, cells: list[str]) -> str:
    return name.ljust(36) + "".join(cell.rjust(11) for cell in cells)
