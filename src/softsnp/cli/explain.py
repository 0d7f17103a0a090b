"""``softsnp explain``: the shortest way to a violation, as a chart for a mail."""

from __future__ import annotations

import argparse
import textwrap

from softsnp.explain import WIDTH, chart, reproducer
from softsnp.spec.catalog import BY_NAME
from softsnp.spec.commands import COMMANDS, FAULTS

from . import options
from .designs import find_one
from .errors import UsageError
from .progress import meter
from .recorded import explained, of_counterexample, save
from .runs import Answer, Run, Verdict
from .tables import changed, cpus
from .workers import answering


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "explain",
        help="print the shortest sequence of steps that breaks a property",
        description="Print the shortest sequence of steps that breaks a property, as a chart that "
        "can be pasted into a mail. Without --firmware: the first profile that breaks it.",
        epilog="Exit status: 0 explained, or the property holds; 3 undecided; 2 bad usage.",
    )
    parser.add_argument(
        "design", metavar="DESIGN", help="a name, or a file.py; or a recording, FILE.json, alone"
    )
    parser.add_argument(
        "property", metavar="PROPERTY", nargs="?", help="see softsnp list properties"
    )
    parser.add_argument(
        "--save", metavar="FILE", help="write it down as well, for softsnp run --replay"
    )
    parser.add_argument(
        "--reproducer", action="store_true", help="shell commands and fault points instead"
    )
    options.add_run_options(parser)
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    if args.design.endswith(".json") and args.property is None:
        print(explained(args.design), end="")
        return 0
    if args.property is None:
        raise UsageError(
            f"explain wants a property: softsnp explain {args.design} PROPERTY\n"
            "  see: softsnp list properties"
        )
    (name,) = options.properties([args.property])
    designs = [find_one(args.design, "explain")]
    sets = [options.assumptions(args.assume)]
    asked = options.runs(args, designs, sets, (name,), traces=True)
    answers: list[Answer] = []
    with answering(asked, options.cores(args.cores)) as answered, meter(len(asked)) as bar:
        for answer in answered(bar.watch):
            bar.finished += 1
            answers.append(answer)
            if answer.verdict(name).verdict == "violated":
                break
    for answer in answers:
        verdict = answer.verdict(name)
        if verdict.verdict == "violated":
            if args.save:
                save(of_counterexample(answer, verdict), args.save)
            print(violation(answer.run, verdict, args.reproducer), end="")
            return 0
    for answer in answers:
        print(_told(answer, answer.verdict(name)))
    decided = len(answers) == len(asked) and all(
        a.verdict(name).verdict == "holds" for a in answers
    )
    return 0 if decided else 3


def violation(run: Run, verdict: Verdict, commands: bool = False) -> str:
    """The chart of a violation, or the commands that reproduce it."""
    assert verdict.trace is not None
    prop = BY_NAME[verdict.name]
    title = (
        f"{run.design.name} breaks {prop.name} in {verdict.steps} steps, with "
        f"{cpus(verdict.members)} and {run.firmware} firmware{_under(run)}: {prop.sentence}."
    )
    if commands:
        return reproducer(verdict.trace, prop, title, COMMANDS, FAULTS)
    return chart(verdict.trace, prop, title)


def _told(answer: Answer, verdict: Verdict) -> str:
    prop, run = BY_NAME[verdict.name], answer.run
    where = f"{run.design.name}, {run.firmware} firmware, {cpus(run.members)}{_under(run)}"
    if verdict.verdict == "undecided":
        told = f"{prop.name} is undecided: {verdict.reason}"
    else:
        told = f"{prop.name} holds: {prop.sentence}"
        if not verdict.exercised:
            told += " (its situation never arises)"
    counts = f"{answer.states:,} states and {answer.transitions:,} transitions were explored"
    return textwrap.fill(f"{where}: {told}. {counts}.", WIDTH, subsequent_indent="  ")


def _under(run: Run) -> str:
    return "".join(f", {name}" for name in changed(run))
