"""How large a campaign and a state space some machines reach: ``python -m bench.campaign``.

Measures what that rests on: some runs of ``softsnp sweep`` chosen by lot, the rate at which answers
are stored and at which Ray hands out work, one large search. The rest is arithmetic, and
docs/campaigns.md shows it. Ray is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, median

from softsnp.cli.cluster import address, clustered
from softsnp.cli.main import parser
from softsnp.cli.results import line, opened
from softsnp.cli.runs import Answer, Run, execute
from softsnp.cli.sweep import runs
from softsnp.explore import Ladder, Limits

from .machine import facts
from .place import Place
from .rungs import Table

SEED = 1
PLACE = Place("python -m bench.campaign")
BOUND = 1_000_000
"""States after which a run is left undecided: a few large runs would take most of the time."""
EVERYTHING = ("sweep", "--assumptions", "all", "--with", "command-lines")
CAMPAIGNS: dict[str, tuple[str, ...]] = {
    "the survey": ("sweep",),
    "every two changes": ("sweep", "--assumptions", "all"),
    "and command lines": EVERYTHING,
    "every four changes": (*EVERYTHING, "--changes", "4"),
}
MACHINES = (1, 10, 100)
SEARCHED = 5
"""CPUs of the model that one large search explores."""
STORED = 2_000  # answers, to see how fast they are
HANDED = 400  # runs that end at once, to see how fast Ray is
GIB = 1 << 30
TELLING = Callable[[str], None]


@dataclass(frozen=True)
class Figures:
    """What was measured. Times are of a processor, in seconds, and of one core."""

    run: list[float]
    states: list[int]
    undecided: int
    """Runs that reached the bound."""
    line: float
    """Bytes of a stored answer."""
    stored: float
    """Answers a second."""
    handed: float
    """Parcels a second, or 0 without Ray."""
    rate: float
    """States a second of one search."""
    state: float
    """Bytes a state of it."""
    successors: float
    """Transitions a state."""


def asked(arguments: tuple[str, ...]) -> list[Run]:
    return runs(parser().parse_args(arguments))


def measure(sample: int, say: TELLING) -> Figures:
    chosen = random.Random(SEED).sample(asked(EVERYTHING), sample)
    ladder = Ladder()
    ladder.load()
    answers: list[Answer] = []
    times: list[float] = []
    for number, run in enumerate(chosen):
        say(f"run {number + 1} of {sample}: {run.design.name}, {run.scenario}")
        began = time.process_time()
        answers.append(execute(replace(run, limits=Limits(states=BOUND)), None, ladder))
        times.append(time.process_time() - began)
    say("storing, handing out, searching")
    rate, state, successors = _search()
    return Figures(
        times,
        [answer.states for answer in answers],
        sum(bool(answer.stopped) for answer in answers),
        mean(len(line(answer)) + 1 for answer in answers),
        _stored(answers),
        _handed(answers[0].run) if find_spec("ray") else 0.0,
        rate,
        state,
        successors,
    )


def _stored(answers: list[Answer]) -> float:
    with tempfile.TemporaryDirectory() as directory, opened(Path(directory, "x")) as results:
        began = time.perf_counter()
        for number in range(STORED):
            results.add(answers[number % len(answers)])
        return STORED / (time.perf_counter() - began)


def _handed(run: Run) -> float:
    """Runs that end at their first state: nearly nothing but what it takes to hand them out."""
    small = replace(run, scenario="thread", limits=Limits(states=1), rung="python")
    alone = time.perf_counter()
    for _ in range(10):
        execute(small)
    alone = (time.perf_counter() - alone) / 10
    cores = os.cpu_count() or 1
    place = address(f"local:{cores}")
    assert place is not None
    with clustered([small] * HANDED, place) as finished:
        answers = finished(lambda _: None)
        for _ in range(4 * cores):  # the workers have imported what they need by then
            next(answers)
        began, rest = time.perf_counter(), 0
        for _ in answers:
            rest += 1
        took = time.perf_counter() - began
    spared = took - rest * alone / cores
    return rest / max(spared, took / 20)


def _search() -> tuple[float, float, float]:
    """(states a second, bytes a state, transitions a state) of the table engine."""
    engine = Table("hotplug")
    least, large = engine.run(1), engine.run(SEARCHED)
    size = (large.peak - least.peak) / (large.states - least.states)
    return large.states / large.exploring, size, (large.transitions or 0) / large.states


# --- what is told --------------------------------------------------------------------------------


def told(figures: Figures, cores: int, memory: int, machine: dict[str, str | int]) -> str:
    """``cores`` and ``memory`` (GiB) are what each of the machines is assumed to have."""
    longest, usual = max(figures.run), median(figures.run)
    handed = f"Ray hands out {figures.handed:,.0f} parcels a second; " if figures.handed else ""
    return (
        f"Measured on {machine['cpu']}, {machine['cores']} cores, {machine['python']}, commit "
        f"{machine['commit']}: {len(figures.run)} runs by lot took {mean(figures.run):.2f} s of a "
        f"core each (half of them under {usual:.2f} s, the longest {longest:.1f} s) and had "
        f"{mean(figures.states):,.0f} states; {figures.undecided} of them were left undecided at "
        f"{BOUND:,} states. An answer is {figures.line:,.0f} bytes in the file, "
        f"which takes {figures.stored:,.0f} a second; {handed}one search explores "
        f"{figures.rate / 1e6:.1f} M states a second on a core, at {figures.state:.0f} bytes a "
        f"state and {figures.successors:.1f} steps from each. A machine below has {cores} cores "
        f"and {memory} GiB.\n\n"
        f"{_campaigns(figures, cores)}\n{_spaces(figures, cores, memory)}"
    )


def _campaigns(figures: Figures, cores: int) -> str:
    each = mean(figures.run)
    sizes = {name: len(asked(arguments)) for name, arguments in CAMPAIGNS.items()}
    heads = ["machines", "runs an hour", *(f"{n}: {size:,} runs" for n, size in sizes.items())]
    rows = [heads, ["---:"] * len(heads)]
    for machines in MACHINES:
        most = min(machines * cores / each, figures.stored)
        last = max(figures.run)  # one run is never shared
        took = [duration(max(size / most, last)) for size in sizes.values()]
        rows.append([str(machines), f"{most * 3600:,.0f}", *took])
    return _table(rows)


def _spaces(figures: Figures, cores: int, memory: int) -> str:
    heads = ["machines", "states that fit", "to fill it, one search a core", "to exchange, if one"]
    rows = [heads, ["---:"] * len(heads)]
    for machines in MACHINES:
        states = machines * memory * GIB / figures.state
        filled = states / (machines * cores * figures.rate)
        others = (machines - 1) / machines
        sent = cores * figures.rate * figures.successors * 8 * others * 8 / 1e9
        exchanged = f"{sent:,.0f} Gbit/s a machine" if machines > 1 else "nothing"
        rows.append([str(machines), f"{states:.1e}", duration(filled), exchanged])
    return _table(rows)


def _table(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def main(arguments: list[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m bench.campaign", description=__doc__)
    options.add_argument("--runs", type=int, default=60, metavar="N", help="how many to try")
    options.add_argument("--cores", type=int, default=32, metavar="N", help="of a machine")
    options.add_argument("--memory", type=int, default=128, metavar="GIB", help="of a machine")
    options.add_argument("--write", type=Path, metavar="FILE", help="put it into a document")
    chosen = options.parse_args(arguments)
    if chosen.write and not PLACE.is_in(chosen.write):
        options.error(f"{chosen.write} has no place for it")
    figures = measure(chosen.runs, lambda text: print(text, file=sys.stderr, flush=True))
    text = told(figures, chosen.cores, chosen.memory, facts())
    print(text, end="")
    if chosen.write:
        PLACE.write(chosen.write, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
