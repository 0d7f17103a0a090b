"""Minimal sets against brute force, for functions of either kind, written by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.cli.minimal import Circumstances, Reply, minimal_sets, smallest_hitting

NAMES = ["a", "b", "c", "d", "e", "f"]
SETS = st.frozensets(st.sampled_from(NAMES))
GUESSES = st.lists(SETS, max_size=4)
Breaks = Callable[[Circumstances], bool]


def every_set() -> list[Circumstances]:
    return [frozenset(s) for n in range(len(NAMES) + 1) for s in combinations(NAMES, n)]


def minimal(sets: Iterable[Circumstances]) -> set[Circumstances]:
    known = set(sets)
    return {s for s in known if not any(other < s for other in known)}


def search(
    breaks: Breaks, hint: Circumstances, guesses: Iterable[Circumstances] = ()
) -> tuple[list[Circumstances], int]:
    """What is found, and how many questions that took."""
    asking = minimal_sets(NAMES, list(guesses))
    question = next(asking)
    count = 1
    while True:
        try:
            question = asking.send(Reply(breaks(question), hint))
        except StopIteration as done:
            return done.value, count
        count += 1
        assert count < 2000


@given(causes=st.frozensets(SETS, max_size=8), hint=SETS, guesses=GUESSES)
def test_of_a_monotone_function_all_minimal_sets_are_found(
    causes: frozenset[Circumstances], hint: Circumstances, guesses: list[Circumstances]
) -> None:
    found, _ = search(lambda s: any(cause <= s for cause in causes), hint, guesses)
    assert len(found) == len(set(found))
    assert set(found) == minimal(causes)


@settings(max_examples=300)
@given(
    bad=st.frozensets(st.sampled_from(every_set())), hint=SETS, guesses=st.lists(SETS, max_size=4)
)
def test_of_any_function_each_set_breaks_and_each_of_it_is_needed(
    bad: frozenset[Circumstances], hint: Circumstances, guesses: list[Circumstances]
) -> None:
    found, _ = search(lambda s: s in bad, hint, guesses)
    assert len(found) == len(set(found))
    for one in found:
        assert one in bad
        assert not any(one - {name} in bad for name in one)
    small = [s for s in bad if len(s) < 2 or len(s) == len(NAMES)]
    assert bool(found) or not small, "none, one and all are always asked about"


@given(sets=st.frozensets(SETS.filter(bool), max_size=6))
def test_hitting_sets(sets: frozenset[Circumstances]) -> None:
    hitting = smallest_hitting(NAMES, sorted(sets, key=sorted))
    wanted = minimal(s for s in every_set() if all(s & one for one in sets))
    assert set(hitting) == wanted
    assert len(hitting) == len(wanted)


def test_few_questions_where_little_is_needed() -> None:
    """One each alone, none, and those for the largest sets; not two to the sixth."""
    found, count = search(lambda s: "b" in s or {"a", "d"} <= s, frozenset("ad"))
    assert found == [frozenset("b"), frozenset("ad")]
    assert count <= 14
