"""``softsnp export``: a design as a model for another checker."""

from __future__ import annotations

import argparse
from pathlib import Path

from softsnp.explore.export import MOST_MEMBERS, exported, promela
from softsnp.lang import Property
from softsnp.spec.catalog import BY_NAME, FIRMWARE, SCENARIOS, sentence

from . import options
from .designs import DesignRef, find
from .errors import UsageError

CPUS = 2
NOT_HERE = "Not to be seen in one state or step, and so not in here"
RUN = """\
spin -o2 -a FILE && gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -E -c0 -n
-o2 keeps variables that are only written in the states. -E, since the model says itself what a
deadlock is; -c0 goes on after a violation. See docs/export.md for what is counted."""


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "export",
        help="a design as a model for another checker",
        description="Write a design down as a model in Promela, for Spin: each CPU by itself, one "
        "block a step, and the properties that can be seen in one state or one step.",
    )
    parser.add_argument("format", choices=("promela",), help="what to write")
    parser.add_argument("design", metavar="DESIGN", help="a name, or a file.py")
    parser.add_argument(
        "--firmware",
        metavar="PROFILE",
        default=next(iter(FIRMWARE)),
        help=f"{' or '.join(FIRMWARE)} (default: {next(iter(FIRMWARE))})",
    )
    parser.add_argument(
        "--cpus", metavar="N", default=str(CPUS), help=f"how many (default: {CPUS})"
    )
    options.add_circumstances(parser)
    parser.add_argument(
        "--property", metavar="NAME", action="append", default=[], help="only this one"
    )
    parser.add_argument("--output", metavar="FILE", help="where to write it (default: stdout)")
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    ref = _only(args.design)
    (profile,) = options.firmware(args.firmware)
    members = options.members(args.cpus)
    if members is None or members > MOST_MEMBERS:
        raise UsageError(f"--cpus wants a number from 1 to {MOST_MEMBERS}; got {args.cpus!r}")
    assumed = options.assumptions(args.assume)
    options.enough(members, assumed)
    scenario, active = options.activities(args.scenario, args.activities)
    design = ref.load(options.ioctls(args.ioctls))
    if scenario in SCENARIOS:
        assumed = SCENARIOS[scenario].assume(assumed)
    spec = design(active, assumed, firmware=profile)
    asked, left_out = _properties(args.property)
    heading = "\n".join(
        [
            f"{ref.shown}: {sentence(design)}".rstrip(": "),
            "",
            f"Firmware: {profile}. Scenario: {scenario} ({', '.join(active)}). CPUs: {members}.",
            f"Assumed: {', '.join(n for n, on in spec.assumptions.items() if on) or 'nothing'}; "
            "every other assumption is off.",
            "",
            RUN.replace("FILE", args.output or "MODEL.pml"),
            *([f"{NOT_HERE}: {', '.join(left_out)}."] if left_out else []),
        ]
    )
    text = promela(spec, members, asked, heading)
    if args.output is None:
        print(text, end="")
        return 0
    try:
        Path(args.output).write_text(text)
    except OSError as error:
        raise UsageError(f"--output {args.output}: {error.strerror}") from None
    return 0


def _only(text: str) -> DesignRef:
    found = find(text)
    if len(found) > 1:
        names = ", ".join(ref.name for ref in found)
        raise UsageError(f"{text} has several designs ({names}), and a model is of one")
    return found[0]


def _properties(names: list[str]) -> tuple[list[Property], list[str]]:
    """(what the model says, the names of what it cannot say)."""
    wanted = [BY_NAME[name] for name in options.properties(names)]
    asked = exported(wanted)
    left_out = [prop.name for prop in wanted if prop not in asked]
    if names and left_out:
        raise UsageError(f"{left_out[0]} is not to be seen in one state or step: no model says it")
    return asked, left_out
