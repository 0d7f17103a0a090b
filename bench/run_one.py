"""One exploration by one of our engines, in this process: ``bench.run_one MODEL CPUS --rung NAME``.

Prints a JSON object with what ``engine.Sample`` has, but for the time from the process's start,
which only its parent can tell. What is asked is what Spin is asked: do the properties hold, and
can somebody always step. The exit status is 1 when something does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from softsnp.explore import RUNGS, Ladder, Limits
from softsnp.explore.layout import Machine, machine
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import Property

from .machine import peak
from .models import MODELS


@dataclass(frozen=True)
class Seen:
    """What a rung has found. ``violated`` names properties."""

    states: int
    transitions: int
    violated: list[str]


Explore = Callable[[], Seen]


def ready(rung: str, cores: int, tables: Machine, members: int, asked: list[Property]) -> Explore:
    """Load what was compiled before, and give what explores."""
    search = Search(tables, members, asked, [])
    ladder = Ladder(rung, cores)
    if rung != "python":
        search.run(Limits(states=1), ladder=ladder)

    def explore() -> Seen:
        explored = search.run(ladder=ladder)
        assert explored.rung.name == rung, explored.stopped
        violated = [n for n, f in explored.findings.items() if f.steps is not None]
        if explored.rung.deadlock >= 0:
            violated.append("deadlock")
        return Seen(len(explored.states), explored.transitions, violated)

    return explore


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run_one", description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("cpus", type=int)
    parser.add_argument("--rung", choices=RUNGS, default="python")
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args()
    model = MODELS[options.model]
    began = time.perf_counter()
    spec = model.specification(options.cpus)
    tables = machine(tabulate(spec, state_judges(model.properties, [])), model.apart)
    members = options.cpus if model.apart else 0
    explore = ready(options.rung, options.cores, tables, members, model.properties)
    loaded = time.perf_counter()
    seen = explore()
    done = time.perf_counter()
    print(
        json.dumps(
            {
                "states": seen.states,
                "transitions": seen.transitions,
                "exploring": done - loaded,
                "ready": loaded - began,
                "peak": peak(),
            }
        )
    )
    for name in seen.violated:
        print(f"{name} does not hold", file=sys.stderr)
    return 1 if seen.violated else 0


if __name__ == "__main__":
    sys.exit(main())
