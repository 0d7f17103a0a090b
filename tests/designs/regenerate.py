"""Make the pins anew: ``make pins``, or ``python -m tests.designs.regenerate``.

Each design has a file ``pins/NAME.json``: for each profile a run with any number of CPUs and one
with 3, and on legacy firmware the survey's other sets of assumptions; of each the verdicts, the
shortest lengths and the exact counts. Read the difference before committing it: it is a change of
what the project says.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from softsnp.spec.activities import Host
from softsnp.spec.catalog import SURVEY
from softsnp.spec.designs import LINEAGE

from .runs import PROFILES, label, result

PINS = Path(__file__).parent / "pins"
EXACT = 3
RUNS: dict[str, tuple[str, int | None, dict[str, bool]]] = {
    **{f"{p}, any CPUs, defaults": (p, None, {}) for p in PROFILES},
    **{f"{p}, {EXACT} CPUs, defaults": (p, EXACT, {}) for p in PROFILES},
    **{f"legacy, any CPUs, {label(assume)}": ("legacy", None, assume) for assume in SURVEY[1:]},
}


def pin(design: type[Host], run: str) -> dict[str, Any]:
    """What is pinned of one run. Every counterexample is replayed on the specification."""
    profile, members, assume = RUNS[run]
    found = result(design, profile, members, assume, traces=True)
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
    return {run: pin(design, run) for run in RUNS}


def main() -> None:
    PINS.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool:
        for design, content in zip(LINEAGE, pool.map(pins, LINEAGE), strict=True):
            path = PINS / f"{design.name}.json"
            path.write_text(json.dumps(content, indent=2) + "\n")
            print(path.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
