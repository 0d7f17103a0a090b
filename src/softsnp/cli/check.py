"""``softsnp check``: what holds, what does not, and how to see why."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from itertools import groupby

from softsnp.spec.catalog import DESIGNS, SURVEY

from . import options
from .designs import DesignRef, find
from .document import document
from .progress import meter
from .runs import Answer, Run
from .tables import WIDTH, changed, cpus, remarks, table
from .workers import answering

MODEL = "Memory is sequentially consistent here; there is no NMI or interrupt context."


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "check",
        help="explore every interleaving of designs",
        description="Explore every interleaving of designs, and say which properties hold. "
        "Without a design: a survey of the whole lineage.",
        epilog="Exit status with designs: 0 all hold, 1 something is violated, 3 undecided or "
        "interrupted; 2 bad usage. A complete survey: 0.",
    )
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help="a name, or a file.py")
    options.add_run_options(parser)
    parser.add_argument(
        "--property", metavar="NAME", action="append", default=[], help="only this one"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--timing", action="store_true", help="say how long each run took")
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    survey = not args.designs
    wanted = options.properties(args.property)
    assumed = options.assumptions(args.assume)
    names = args.designs or list(DESIGNS)
    designs = list(dict.fromkeys(ref for name in names for ref in find(name)))
    sets = [dict(s) for s in SURVEY] if survey and not assumed else [assumed]
    asked = options.runs(args, designs, sets, wanted, traces=args.format == "json")
    answers: list[Answer] = []
    with answering(asked, options.cores(args.cores)) as answered, meter(len(asked)) as bar:
        found = answered(bar.watch)
        heading = _heading(designs, survey, asked[0])
        if args.format == "text" and survey:  # a wrong design is to be one message, and alone
            with bar.aside():
                print(heading)
            heading = ""
        for design, group in groupby(found, key=lambda a: a.run.design):
            mine: list[Answer] = []
            for answer in group:
                mine.append(answer)
                bar.finished += 1
                answers.append(answer)
            if args.format == "text":
                with bar.aside():
                    if heading:
                        print(heading)
                    _print(design, mine, wanted, counts=not survey, timing=args.timing)
                heading = ""
    complete = len(answers) == len(asked) and not any(a.stopped for a in answers)
    if args.format == "json":
        print(document(answers, args.timing))
    elif len(answers) < len(asked):
        print(f"\ninterrupted: {len(answers)} of {len(asked)} runs done", file=sys.stderr)
    return status(answers, complete, survey)


def status(answers: Sequence[Answer], complete: bool, survey: bool) -> int:
    verdicts = {v.verdict for a in answers for v in a.verdicts}
    if survey:
        return 0 if complete else 3
    if "violated" in verdicts:
        return 1
    return 0 if complete and "undecided" not in verdicts else 3


def _heading(designs: Sequence[DesignRef], survey: bool, first: Run) -> str:
    who = f"A survey of {len(designs)} designs" if survey else ", ".join(d.name for d in designs)
    many = cpus(first.members) + (" told apart" if first.apart else "")
    told = ", ".join([who, many, *changed(first)])
    return f"{textwrap.fill(told + '.', WIDTH)}\n{MODEL}"


def _print(
    design: DesignRef, answers: list[Answer], wanted: Sequence[str], counts: bool, timing: bool
) -> None:
    lines = ["", table(answers, wanted, counts), *remarks(answers)]
    if timing:
        lines += [f"  {a.run.firmware}: {a.seconds:.2f} s" for a in answers]
    print("\n".join(lines))
