"""Steps are gone from their ends alike by Python and by tables."""

from __future__ import annotations

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from softsnp.explore import Ladder, Limits
from softsnp.explore.game import Game
from softsnp.explore.layout import machine
from softsnp.explore.rungs.rung import ASKS, FAR, SURE
from softsnp.explore.search import Explored, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.explore.walk import successors
from softsnp.lang import AlwaysPossible, Property, Specification

from . import toys
from .random_specs import loaded, sources
from .test_rungs import TwoWords

BOUND = Limits(states=3000)


def searched(
    spec: Specification, properties: list[Property], members: int | None
) -> list[Explored]:
    """By Python and by tables."""
    shared = machine(tabulate(spec, state_judges(properties, [])))
    search = Search(shared, members, properties, [])
    return [search.run(BOUND, ladder=Ladder(rung)) for rung in ("python", "table")]


def agree(spec: Specification, properties: list[Property], members: int | None) -> None:
    both = searched(spec, properties, members)
    if both[0].stopped:
        return
    states = list(both[0].states)
    asked: list[tuple[str | None, str | int]] = [
        (prop.situation().name, prop.arrival().name)
        for prop in properties
        if isinstance(prop, AlwaysPossible)
    ]
    asked += [(None, activity) for activity in range(len(both[0].layout.at))]
    programs = [explored.rung.program for explored in both]
    if members is None:
        programs = [Game(program).certain() for program in programs]
    python, table = (
        explored.rung.backwards(program, lambda _: None)
        for explored, program in zip(both, programs, strict=True)
    )
    assert [table.number(state) for state in states] == list(range(len(states)))
    for situation, goal in asked:
        marks, same = (explored.rung.marks(situation, goal) for explored in both)
        assert marks == same
        far = list(python.distances(marks))
        assert list(table.distances(marks)) == far
        for number, state in enumerate(states):
            after = [far[python.number(s)] for s in successors(programs[0], state)]
            nearest = min([*(n + 1 for n in after if n != FAR), FAR])
            assert far[number] == (0 if marks[number] & SURE else nearest)
        python.spread(marks, [0])
        table.spread(same, [0])
        assert marks == same
        assert marks[0] & SURE
        python.spread(marks)
        table.spread(same)
        assert marks == same
        assert all(marks[n] & SURE for n, steps in enumerate(far) if steps != FAR)


@given(sources(), st.sampled_from([None, 2]))
@settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_by_chance(source: str, members: int | None) -> None:
    note(source)
    made, properties = loaded(source)
    agree(made(), properties, members)


def test_states_of_two_words() -> None:
    agree(TwoWords(), [*toys.SOMEBODY_AWAKE], None)


def test_nobody_asks() -> None:
    both = searched(toys.Herd(), [], 2)
    for explored in both:
        marks = explored.rung.marks(None, 0)
        assert set(marks) <= {ASKS, ASKS | SURE}
