"""``softsnp claims``: what was claimed on the list, and what the checker makes of it today."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import options
from .claims_file import Claim, packaged, parse, read
from .claims_text import document, page, text
from .errors import unknown
from .outcomes import UNDECIDED, outcome, together
from .progress import meter
from .runs import Answer
from .workers import answering

STATUS_UNDECIDED = 3


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "claims",
        help="what was claimed on the list, and whether it is so",
        description="Explore what was claimed of the designs. A claim is confirmed if it comes "
        "out as asserted with every firmware profile and set of assumptions that it leaves open, "
        "refuted if it does in none, and depends on them otherwise.",
        epilog="Exit status: 0 explored, whatever came out; 3 something is undecided, or "
        "interrupted; 2 bad usage, or a mistake in the file of claims.",
    )
    parser.add_argument("claims", nargs="*", metavar="ID", help="only these")
    parser.add_argument("--file", type=Path, metavar="FILE", help="other claims than our own")
    parser.add_argument("--no-charts", action="store_true", help="without counterexamples")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    options.add_exploring(parser)
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    file, content = read(args.file) if args.file else packaged()
    claims = chosen(parse(file, content), args.claims)
    limits, rung = options.limits(args.max_states, args.max_memory), options.rung(args.rung)
    asked = together(claims, limits, rung)
    answers: list[Answer] = []
    if asked:
        with answering(asked, options.cores(args.cores)) as answered, meter(len(asked)) as bar:
            for answer in answered(bar.watch):
                bar.finished += 1
                answers.append(answer)
    if len(answers) < len(asked) or any(a.stopped == "interrupted" for a in answers):
        print(f"interrupted: {len(answers)} of {len(asked)} runs done", file=sys.stderr)
        return STATUS_UNDECIDED
    outcomes = [outcome(claim, answers, limits, rung) for claim in claims]
    charts = not args.no_charts
    if args.format == "json":
        print(document(outcomes))
    elif args.format == "markdown":
        print(page(outcomes, content, charts))
    else:
        print(text(outcomes, charts))
    return STATUS_UNDECIDED if any(o.word == UNDECIDED for o in outcomes) else 0


def chosen(claims: list[Claim], ids: list[str]) -> list[Claim]:
    """Those asked for, in the file's order; all when none is."""
    known = [claim.id for claim in claims]
    for name in ids:
        if name not in known:
            raise unknown("claim", name, known)
    return [claim for claim in claims if not ids or claim.id in ids]
