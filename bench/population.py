"""``python -m bench.population``: what an answer costs against the number of CPUs, exact and any.

Each run is a process of its own, kept on one core, from its start to its verdicts on every
property, in the default scenario. Runs take turns within a round.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from softsnp.explore import Limits, check
from softsnp.spec.catalog import DESIGNS, FIRMWARE, SCENARIOS
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks

from .engine import EngineFailed
from .machine import ROOT, facts, peak, pinned
from .place import Place
from .plot import series
from .process import run
from .report import seconds

SIZES = (2, 4, 8, 16, 24, 32)
ANY = "any"
PLACE = Place("python -m bench.population")
FAILED = 1
COLUMNS = ("firmware", "CPUs", "states", "with CPUs told apart", "seconds of a core", "memory")
MEMORY = 6 << 30  # bytes that a run may have


@dataclass(frozen=True)
class Question:
    """One check. ``cpus`` is None for any number."""

    design: str
    firmware: str
    cpus: int | None

    @property
    def told(self) -> str:
        return ANY if self.cpus is None else str(self.cpus)


@dataclass(frozen=True)
class Cost:
    """What one check took. ``concrete`` is the number of states with CPUs told apart; seconds are
    from the process's start to its end; ``peak`` is in bytes.
    """

    states: int
    concrete: int | None
    transitions: int
    stopped: str
    peak: int
    wall: float = 0.0
    processor: float = 0.0


def answer(question: Question) -> Cost:
    """Do it in this process."""
    chosen = next(iter(SCENARIOS.values()))
    design = DESIGNS[question.design]
    spec = design(chosen.activities, chosen.assume({}), firmware=question.firmware)
    limits = Limits(memory=MEMORY)
    found = check(spec, question.cpus, PROPERTIES, checks(spec), limits=limits)
    return Cost(found.states, found.concrete_states, found.transitions, found.stopped, peak())


def asked(question: Question) -> Cost:
    """Do it in a process of its own. Raises EngineFailed."""
    command = [sys.executable, "-m", "bench.population", "--one", question.told]
    ended = run([*command, question.design, "--firmware", question.firmware], ROOT)
    return Cost(**{**json.loads(ended.said), "wall": ended.wall, "processor": ended.processor})


def measure(questions: Sequence[Question], rounds: int) -> dict[Question, list[Cost]]:
    """Raises EngineFailed, also when two runs of one question count differently."""
    found: dict[Question, list[Cost]] = {question: [] for question in questions}
    with pinned(1):
        for number in range(rounds):
            for question, costs in found.items():
                cost = asked(question)
                say(f"{number + 1}: {question.firmware}, {question.told} CPUs: {cost.wall:.1f} s")
                counts = (cost.states, cost.transitions, cost.stopped)
                if costs and counts != (costs[0].states, costs[0].transitions, costs[0].stopped):
                    raise EngineFailed(f"{question} counts differently from round to round")
                costs.append(cost)
    return found


# --- what is told ------------------------------------------------------------------------------


def table(found: dict[Question, list[Cost]]) -> str:
    """Markdown, one row a question."""
    rows = [COLUMNS, (":---", *["---:"] * (len(COLUMNS) - 1))]
    for question, costs in found.items():
        cost = costs[0]
        rows.append(
            (
                question.firmware,
                question.told,
                f"{cost.states:,}" + (f" ({cost.stopped})" if cost.stopped else ""),
                "" if cost.concrete is None else _large(cost.concrete),
                seconds(median(c.processor for c in costs)),
                f"{median(c.peak for c in costs) / (1 << 20):.0f} MiB",
            )
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _large(number: int) -> str:
    """Exact, or by its magnitude when nobody would read it to its end."""
    return f"{number:,}" if number < 10**9 else f"{number:.1e}".replace("e+", "·10^")


def plots(found: dict[Question, list[Cost]]) -> dict[str, str]:
    """(states, seconds) against the number of CPUs; any number is a line across."""
    sizes = [question.cpus for question in found if question.cpus is not None]
    states: dict[str, list[tuple[int, float]]] = {}
    times: dict[str, list[tuple[int, float]]] = {}
    for question, costs in found.items():
        kind = "any number" if question.cpus is None else "exact"
        name = f"{question.firmware}, {kind}"
        for size in sizes if question.cpus is None else [question.cpus]:
            if size not in [at for at, _ in states.setdefault(name, [])]:
                states[name].append((size, costs[0].states))
                times.setdefault(name, []).append((size, median(c.processor for c in costs)))
    return {
        "states": series(states, "CPUs", "states"),
        "seconds": series(times, "CPUs", "seconds of a core until all verdicts"),
    }


def document(found: dict[Question, list[Cost]], rounds: int) -> str:
    """The table, and the machine and how much of a core it had."""
    machine = facts()
    costs = [cost for each in found.values() for cost in each]
    share = sum(cost.processor for cost in costs) / sum(cost.wall for cost in costs)
    design = next(iter(found)).design
    return (
        f"{design}, scenario {next(iter(SCENARIOS))}. {machine['cpu']}, one core of "
        f"{machine['cores']}, {machine['memory_mib']} MiB; {machine['kernel']}; "
        f"{machine['python']}. Commit {machine['commit']}. Medians of {rounds} interleaved rounds, "
        f"which had {share:.0%} of their core.\n\n{table(found)}"
    )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.population", description=__doc__)
    parser.add_argument("design", nargs="?", choices=DESIGNS, default="linux-7.3")
    parser.add_argument("--firmware", choices=FIRMWARE, help="one profile (default: each)")
    parser.add_argument("--cpus", type=int, nargs="+", metavar="N", default=SIZES)
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the table and two plots into a document"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    parser.add_argument("--one", metavar="N", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("there has to be a round")
    if options.write and not PLACE.is_in(options.write):
        parser.error(f"{options.write} has no place for a table")
    return options


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    if options.one:
        cpus = None if options.one == ANY else int(options.one)
        cost = answer(Question(options.design, options.firmware, cpus))
        print(json.dumps({k: v for k, v in asdict(cost).items() if k not in ("wall", "processor")}))
        return 0
    profiles = [options.firmware] if options.firmware else list(FIRMWARE)
    sizes: list[int | None] = [*sorted(set(options.cpus)), None]
    questions = [Question(options.design, p, cpus) for p in profiles for cpus in sizes]
    began = time.monotonic()
    try:
        found = measure(questions, options.rounds)
    except EngineFailed as failed:
        say(f"bench: {failed}")
        return FAILED
    say(f"took {time.monotonic() - began:.0f} s")
    text = document(found, options.rounds)
    print(text, end="")
    if options.json:
        told = [{**asdict(q), "costs": [asdict(c) for c in costs]} for q, costs in found.items()]
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if options.write:
        write(options.write, text, plots(found))
    return 0


def write(file: Path, text: str, pictures: dict[str, str]) -> None:
    """Put the table between the markers, and the pictures beside the file."""
    shown = []
    for name, drawing in pictures.items():
        picture = file.with_name(f"population-{name}.svg")
        picture.write_text(drawing, encoding="utf-8")
        shown.append(f"![{name} against the number of CPUs]({picture.name})\n")
    PLACE.write(file, f"{text}\n{''.join(shown)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
