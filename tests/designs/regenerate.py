"""Make the pins anew: ``make pins``, or ``python -m tests.designs.regenerate``.

Each design has a file ``pins/NAME.json``: for each profile, each number of CPUs and each set of
assumptions of the survey, the verdicts, the shortest lengths and the exact counts. Read the
difference before committing it: it is a change of what the project says.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from softsnp.spec.activities import Host
from softsnp.spec.designs import LINEAGE

from .runs import PROFILES, SETS, result

PINS = Path(__file__).parent / "pins"
NUMBERS: dict[str, int | None] = {"any": None, "3": 3}


def pin(design: type[Host], profile: str, number: str, assumed: str) -> dict[str, Any]:
    """What is pinned of one run. Every counterexample is replayed on the specification."""
    found = result(design, profile, NUMBERS[number], SETS[assumed], traces=True)
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
    return {
        f"{profile}, {number} CPUs, {assumed}": pin(design, profile, number, assumed)
        for profile in PROFILES
        for number in NUMBERS
        for assumed in SETS
    }


def main() -> None:
    PINS.mkdir(exist_ok=True)
    with ProcessPoolExecutor() as pool:
        for design, content in zip(LINEAGE, pool.map(pins, LINEAGE), strict=True):
            path = PINS / f"{design.name}.json"
            path.write_text(json.dumps(content, indent=2) + "\n")
            print(path.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
