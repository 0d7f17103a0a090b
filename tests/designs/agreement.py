"""The survey: designs, firmware and sets of assumptions at 2 CPUs or any number, and who counts.

What the oracle counts is pinned in ``oracle/NAME.json``, one file a design. Every engine has to
come to the same numbers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from softsnp.explore import Ladder
from softsnp.explore.layout import Machine, machine
from softsnp.explore.oracle import Oracle
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.spec.activities import Host
from softsnp.spec.catalog import SURVEY
from softsnp.spec.designs import LINEAGE, Proposal, ReviewDisableOfflining, RmpoptV10
from softsnp.spec.properties import PROPERTIES
from tests.explore.explorers import Numbers, numbers, of_tables

from .runs import HOST, PROFILES, label

PINNED = Path(__file__).parent / "oracle"


@dataclass(frozen=True)
class Combination:
    """One specification of the survey."""

    design: type[Host]
    profile: str
    survey: int
    """Which of the survey's sets of assumptions."""

    @property
    def name(self) -> str:
        return f"{self.design.name}-{self.profile}-{label(SURVEY[self.survey])}"

    @property
    def members(self) -> tuple[int | None, ...]:
        """For which numbers of CPUs it is counted: any number takes the oracle too long for all."""
        return (None, 2) if self.design in DEEP else (2,)

    def run(self, members: int | None) -> str:
        """What a run of it is called in its design's file."""
        cpus = "any" if members is None else members
        return f"{self.profile}, {cpus} CPUs, {label(SURVEY[self.survey])}"

    def spec(self) -> Host:
        return self.design(HOST, SURVEY[self.survey], firmware=self.profile)

    def machine(self, *, merge: bool) -> Machine:
        return machine(tabulate(self.spec(), state_judges(PROPERTIES, []), merge))


Run = tuple[Combination, int | None]
DEEP = (RmpoptV10, Proposal, ReviewDisableOfflining)
COMBINATIONS = [
    *(Combination(RmpoptV10, PROFILES[0], survey) for survey in range(len(SURVEY))),
    *(Combination(design, p, 0) for design in LINEAGE if design is not RmpoptV10 for p in PROFILES),
]
RUNS: list[Run] = [(c, members) for c in COMBINATIONS for members in c.members]


# --- who counts ------------------------------------------------------------------------------


Engine = Callable[[Machine, int | None], Numbers]


def by_rung(rung: str) -> Engine:
    def explore(machine: Machine, members: int | None) -> Numbers:
        return of_tables(Search(machine, members, PROPERTIES, []).run(ladder=Ladder(rung)))

    return explore


ENGINES = {rung: by_rung(rung) for rung in ("python", "table")}


def by_oracle(combination: Combination, members: Iterable[int | None]) -> list[Numbers]:
    oracle = Oracle(combination.spec(), PROPERTIES)
    return [numbers(oracle.explore(each)) for each in members]


def differences(
    combination: Combination,
    truth: dict[int | None, Numbers],
    engines: dict[str, Engine] | None = None,
) -> list[str]:
    """Where an engine says something else than the oracle: in each run one line for each engine.

    Merging makes the states fewer, and may change nothing else of what is asked.
    """
    plain, merged = combination.machine(merge=False), combination.machine(merge=True)
    found = []
    merged_says: dict[int | None, Numbers] = {}
    for (name, engine), (members, right) in product((engines or ENGINES).items(), truth.items()):
        where = f"{combination.design.name}, {combination.run(members)}: {name}"
        said = engine(plain, members)
        if said != right:
            found.append(f"{where} says {said}, the oracle {right}")
        fewer = engine(merged, members)
        if (fewer.violated, fewer.exercised) != (right.violated, right.exercised):
            found.append(f"{where}, merged, says {fewer}, the oracle {right}")
        if fewer.states > right.states:
            found.append(f"{where}, merged, has {fewer.states} states, the oracle {right.states}")
        if fewer != merged_says.setdefault(members, fewer):
            found.append(f"{where}, merged, says {fewer}, another rung {merged_says[members]}")
    return found


# --- pins ------------------------------------------------------------------------------------


def to_text(runs: dict[str, Numbers]) -> str:
    """A JSON document, one line a run."""
    lines = []
    for name, each in sorted(runs.items()):
        content = {**asdict(each), "exercised": sorted(each.exercised)}
        lines.append(f"  {json.dumps(name)}: {json.dumps(content)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_text(text: str) -> dict[str, Numbers]:
    return {
        name: Numbers(**{**content, "exercised": frozenset(content["exercised"])})
        for name, content in json.loads(text).items()
    }


def path(design: type[Host]) -> Path:
    return PINNED / f"{design.name}.json"


def pinned(design: type[Host]) -> dict[str, Numbers]:
    return from_text(path(design).read_text())


def affordable(states: int) -> dict[Combination, dict[int | None, Numbers]]:
    """What is pinned of the smallest runs that have so many states together, by combination."""
    by_name: dict[type[Host], dict[str, Numbers]] = {d: pinned(d) for d in LINEAGE}
    every = [(c, m, by_name[c.design][c.run(m)]) for c, m in RUNS]
    found: dict[Combination, dict[int | None, Numbers]] = {}
    for combination, members, right in sorted(every, key=lambda each: each[2].states):
        states -= right.states
        if states >= 0:
            found.setdefault(combination, {})[members] = right
    return found
