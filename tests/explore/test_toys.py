"""Systems that everybody knows: their counts and verdicts, by tables and by the oracle."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import product

import pytest

from softsnp.lang import Property, Specification

from . import toys
from .explorers import by_tables, of_oracle, of_tables

CASES: list[tuple[type[Specification], list[Property], int, int, int, dict[str, int]]] = [
    (toys.Peterson, toys.MUTUAL, 20, 34, 6, {}),
    (toys.RudePeterson, toys.MUTUAL, 16, 29, 6, {"mutual-exclusion": 6}),
    (toys.Philosophers, [toys.DEADLOCK], 45, 111, 6, {"no-deadlock": 6}),
    (toys.CarefulPhilosophers, [toys.DEADLOCK], 42, 103, 6, {}),
    (toys.ReadersWriter, toys.ALONE, 31, 78, 6, {}),
    (toys.NestedReader, toys.ALONE, 40, 98, 7, {"no-deadlock": 5}),
    (toys.OneStepWriter, [toys.DEADLOCK], 10, 17, 4, {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
@pytest.mark.parametrize("merge", [False, True], ids=["plain", "merged"])
def test_counts_and_verdicts_are_the_known_ones(
    case: tuple[type[Specification], list[Property], int, int, int, dict[str, int]], merge: bool
) -> None:
    spec, properties, states, transitions, depth, violated = case
    found = of_tables(by_tables(spec(), properties, 0, merge=merge))
    assert (found.states, found.transitions, found.depth) == (states, transitions, depth)
    assert found.violated == violated


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
@pytest.mark.parametrize("remember", [True, False], ids=["remembering", "forgetful"])
def test_the_oracle_agrees(
    case: tuple[type[Specification], list[Property], int, int, int, dict[str, int]], remember: bool
) -> None:
    spec, properties = case[:2]
    tables = of_tables(by_tables(spec(), properties, 0, merge=False))
    oracle = of_oracle(spec(), properties, 0, remember=remember)
    assert (oracle.states, oracle.transitions, oracle.depth, oracle.violated) == (
        tables.states,
        tables.transitions,
        tables.depth,
        tables.violated,
    )


# --- the known counts, known from elsewhere: plain transition systems written by hand -------------


def count(start: Hashable, successors: Callable[[Hashable], Iterable[Hashable]]) -> tuple[int, int]:
    """(states, transitions) of a plain transition system."""
    seen, todo, transitions = {start}, [start], 0
    while todo:
        for successor in successors(todo.pop()):
            transitions += 1
            if successor not in seen:
                seen.add(successor)
                todo.append(successor)
    return len(seen), transitions


def peterson(state: Hashable) -> Iterable[Hashable]:
    """Places 0 outside, 1 flag up, 2 waiting, 3 inside; (place, place, turn)."""
    assert isinstance(state, tuple)
    *places, turn = state
    for me, other in ((0, 1), (1, 0)):
        here = places[me]
        if here == 2 and places[other] > 0 and turn != me:
            continue
        moved = list(places)
        moved[me] = (here + 1) % 4
        yield (*moved, other if here == 1 else turn)


def test_peterson_by_hand() -> None:
    assert count((0, 0, 0), peterson) == (20, 34)


def test_philosophers_by_hand() -> None:
    """Places 0 thinks, 1 wants, 2 has one fork, 3 has both: no fork is in two hands."""

    def possible(places: tuple[int, ...]) -> bool:
        left = [place >= 2 for place in places]
        right = [place == 3 for place in places]
        return all(not (right[i] and left[(i + 1) % 3]) for i in range(3))

    assert sum(possible(places) for places in product(range(4), repeat=3)) == 45


def test_readers_and_writer_by_hand() -> None:
    """Readers: 0 away, 1 wants, 2 reads. Writer: 0 away, 1 wants, 2 waits for readers, 3 writes."""

    def possible(first: int, second: int, writer: int) -> bool:
        return writer < 3 or 2 not in (first, second)

    assert sum(possible(*s) for s in product(range(3), range(3), range(4))) == 31
