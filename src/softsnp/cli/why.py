"""``softsnp why``: what a property needs to break, and what it rests on where it holds."""

from __future__ import annotations

import argparse
import os

from softsnp.spec.catalog import SCENARIOS

from . import asking, options
from .circumstances import question
from .designs import find_one
from .progress import meter
from .reasons import reasons
from .why_document import document
from .why_text import text
from .workers import workers

UNDECIDED = 3


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "why",
        help="the least that a property needs to break",
        description="Print every minimal set of circumstances under which a property breaks: "
        "assumptions at their less benign value, details and activities of the scenario, firmware "
        "profiles and ioctl eras. Each breaks it, and none can be taken away.",
        epilog="Exit status: 0 answered; 3 something is undecided; 2 bad usage.",
    )
    parser.add_argument("design", metavar="DESIGN", help="a name, or a file.py")
    parser.add_argument("property", metavar="PROPERTY", help="see softsnp list properties")
    parser.add_argument(
        "--scenario", metavar="NAME", help=f"who may be active: {', '.join(SCENARIOS)}"
    )
    options.add_firmware(parser)
    options.add_cpus(parser)
    options.add_exploring(parser)
    parser.add_argument("--no-charts", action="store_true", help="only say what, not how")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    (name,) = options.properties([args.property])
    design = find_one(args.design, "why")
    scenario, _ = options.activities(args.scenario, None)
    count = options.members(args.cpus)
    asked = question(
        design,
        name,
        scenario,
        count,
        options.firmware(args.firmware),
        options.limits(args.max_states, args.max_memory),
        options.rung(args.rung),
    )
    options.enough(count, {c.name: c.on for c in asked.circumstances if c.kind == "assumption"})
    cores = options.cores(args.cores)
    most = cores or os.cpu_count() or 1
    try:
        with workers(most, args.rung, many=True, cores=cores) as pool, meter(None) as bar:
            answer = reasons(asked, pool, bar)
    except asking.Interrupted:
        raise KeyboardInterrupt from None
    print(document(answer) if args.format == "json" else text(answer, not args.no_charts))
    return UNDECIDED if answer.undecided else 0
