"""Tables and the oracle agree on specifications that nobody thought of."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, note, settings

from softsnp.explore import Ladder
from softsnp.explore.layout import machine
from softsnp.explore.oracle import Oracle
from softsnp.explore.replay import Replay
from softsnp.explore.search import Explored, Limits, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang.source_rules import check_class

from .explorers import numbers, of_tables
from .random_specs import loaded, sources
from .told_apart import transitions

MOST_STATES = 2000
NUMBERED = 60
"""How many states it may be for the members to be told apart, too."""
COMPILED = (2, None)
"""With so many members code is emitted too: to compile it takes longer than all the rest."""


def replays(explored: Explored) -> None:
    """Every violation is one of the specification itself."""
    for finding in explored.findings.values():
        if finding.steps is not None:
            trace = Replay(explored.layout).run(explored.path_to(finding))
            assert len(trace.steps) == finding.steps


@given(sources())
@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_tables_and_oracle_agree(source: str) -> None:
    note(source)
    made, properties = loaded(source)
    check_class(made)
    plain, merged = (
        machine(tabulate(made(), state_judges(properties, []), merge)) for merge in (False, True)
    )
    oracle = Oracle(made(), properties)
    for members in (0, 1, 2, 3, None):
        bound = Limits(states=MOST_STATES)
        full = Search(plain, members, properties, []).run(bound, ladder=Ladder("python"))
        if full.stopped:
            continue
        right = of_tables(full)
        assert numbers(oracle.explore(members)) == right, members
        faster = Search(plain, members, properties, []).run(ladder=Ladder("table"))
        assert of_tables(faster) == right, members
        if members in COMPILED:
            emitted = Search(plain, members, properties, []).run(ladder=Ladder("native"))
            assert of_tables(emitted) == right, members
        explored = Search(merged, members, properties, []).run()
        fewer = of_tables(explored)
        assert (fewer.violated, fewer.exercised) == (right.violated, right.exercised), members
        assert fewer.states <= right.states
        if members is not None:
            replays(explored)
            if right.states <= NUMBERED:
                forgetful = Oracle(made(), properties, numbered=True, remember=False)
                every = numbers(forgetful.explore(members))
                assert every.states == full.concrete_states()
                told_apart = Search(replace(plain, apart=True), members, properties, []).run()
                assert of_tables(told_apart) == every, members


@given(sources())
@settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_members_told_apart_come_to_what_counts_come_to(source: str) -> None:
    note(source)
    made, properties = loaded(source)
    tables = tabulate(made(), state_judges(properties, []))
    for members in (0, 1, 2, 3, 4):
        bound = Limits(states=MOST_STATES)
        counted = Search(machine(tables), members, properties, []).run(bound)
        if counted.stopped:
            continue
        concrete = counted.concrete_states()
        assert concrete is not None
        expected = replace(of_tables(counted), states=concrete, transitions=transitions(counted))
        for rung in ("python", "table"):
            search = Search(machine(tables, apart=True), members, properties, [])
            found = search.run(ladder=Ladder(rung))
            assert of_tables(found) == expected, (rung, members)
            assert found.concrete_states() == concrete
        replays(found)
