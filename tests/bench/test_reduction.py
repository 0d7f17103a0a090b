"""What a reduction could leave out at most: of a graph that is known, and of a small design."""

from __future__ import annotations

import pytest

from bench.reduction import Graph, Steps, commuting, main, reduced

NOTHING = frozenset[str]()


def square(seen: list[object], event: str = "") -> Graph:
    """Two activities with one step each: 0 to 1 and 2, and both to 3."""
    happens = frozenset([event]) if event else NOTHING
    steps: list[Steps] = [
        [[(1, happens)], [(2, NOTHING)]],
        [[], [(3, NOTHING)]],
        [[(3, happens)], []],
        [[], []],
    ]
    return Graph([0], steps, seen, frozenset(["bang"]))


def test_of_two_ways_round_a_square_one_is_left_out() -> None:
    assert reduced(square([0, 0, 0, 0])) == (3, 2)
    assert commuting(square([0, 0, 0, 0])) == 1


def test_what_properties_see_is_left_in() -> None:
    assert reduced(square([0, 1, 2, 3])) == (4, 4)
    assert reduced(square([0, 0, 2, 2], "bang")) == (4, 4)
    assert reduced(square([0, 0, 0, 0], "bang")) == (3, 2), "the other activity's step is unseen"


def test_a_design(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rmpopt-v10", "--cpus", "2"]) == 0
    assert capsys.readouterr().out.startswith("rmpopt-v10, thread, legacy, 2 CPUs: 708 states, 0%")
