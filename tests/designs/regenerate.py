"""Make the pins anew: ``make pins``, or ``python -m tests.designs.regenerate``.

Each design has a file ``pins/NAME.json``: for each profile a run with any number of CPUs and one
with 3, and on legacy firmware the survey's other sets of assumptions; some have every scenario with
2 CPUs besides. Of each run the verdicts, the shortest lengths and the exact counts. Read the
difference before committing it: it is a change of what the project says.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from softsnp.spec.activities import Host
from softsnp.spec.catalog import SCENARIOS, SURVEY
from softsnp.spec.designs import LINEAGE, Linux73, Proposal, RmpoptV10

from .runs import PROFILES, label, result

PINS = Path(__file__).parent / "pins"
EXACT = 3
RUNS: dict[str, tuple[str, int | None, dict[str, bool], str]] = {
    **{f"{p}, any CPUs, defaults": (p, None, {}, "thread") for p in PROFILES},
    **{f"{p}, {EXACT} CPUs, defaults": (p, EXACT, {}, "thread") for p in PROFILES},
    **{
        f"legacy, any CPUs, {label(assume)}": ("legacy", None, assume, "thread")
        for assume in SURVEY[1:]
    },
}
FEW = 2
IN_SCENARIOS: dict[str, tuple[str, int | None, dict[str, bool], str]] = {
    f"{p}, {FEW} CPUs, {scenario}": (p, FEW, {}, scenario)
    for scenario in SCENARIOS
    for p in PROFILES
    if scenario != "thread"
}
EVERYWHERE = (Linux73, RmpoptV10, Proposal)
"""The designs whose every scenario is pinned."""
EVERY_RUN = {**RUNS, **IN_SCENARIOS}


def runs(design: type[Host]) -> list[str]:
    """What is pinned of a design."""
    return list(EVERY_RUN if design in EVERYWHERE else RUNS)


def pin(design: type[Host], run: str) -> dict[str, Any]:
    """What is pinned of one run. Every counterexample is replayed on the specification."""
    profile, members, assume, scenario = EVERY_RUN[run]
    found = result(design, profile, members, assume, scenario, traces=True)
    for outcome in found.outcomes:
        replayed = len(outcome.trace.steps) if outcome.trace else None
        assert replayed == outcome.steps, f"{outcome.prop.name} does not replay"
    return {
        "states": found.states,
        "concrete_states": found.concrete_states,
        "transitions": found.transitions,
        "depth": found.depth,
        "complete": found.complete,
        "never": sorted(name for name, can in found.reached.items() if not can),
        "verdicts": {
            o.prop.name: ("" if o.exercised else "never exercised, ") + o.verdict
            if o.steps is None
            else f"{o.verdict} in {o.steps}"
            for o in found.outcomes
        },
    }


def pins(design: type[Host]) -> dict[str, Any]:
    return {run: pin(design, run) for run in runs(design)}


def main() -> None:
    PINS.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool:
        for design, content in zip(LINEAGE, pool.map(pins, LINEAGE), strict=True):
            path = PINS / f"{design.name}.json"
            path.write_text(json.dumps(content, indent=2) + "\n")
            print(path.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
