"""Runs of the explorers for tests: by tables, merged or not, and by the oracle."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.explore.layout import machine
from softsnp.explore.oracle import Oracle, Seen
from softsnp.explore.search import Explored, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import Property, Specification


@dataclass(frozen=True)
class Numbers:
    """What two explorations must agree on."""

    states: int
    transitions: int
    depth: int
    violated: dict[str, int]
    exercised: frozenset[str]
    """All but no-deadlock, whose situation is always there."""


def by_tables(
    spec: Specification, properties: list[Property], members: int | None, *, merge: bool
) -> Explored:
    tables = tabulate(spec, state_judges(properties, []), merge)
    return Search(machine(tables), members, properties, []).run()


def of_tables(explored: Explored) -> Numbers:
    findings = explored.findings
    return Numbers(
        len(explored.states),
        explored.transitions,
        explored.depth,
        {name: f.steps for name, f in sorted(findings.items()) if f.steps is not None},
        frozenset(n for n, f in findings.items() if f.exercised and n != "no-deadlock"),
    )


def of_oracle(
    spec: Specification, properties: list[Property], members: int | None, *, remember: bool = True
) -> Numbers:
    return numbers(Oracle(spec, properties, remember=remember).explore(members))


def numbers(seen: Seen) -> Numbers:
    return Numbers(
        seen.states,
        seen.transitions,
        seen.depth,
        dict(sorted(seen.violated.items())),
        frozenset(seen.exercised),
    )
