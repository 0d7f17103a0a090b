"""Bounds and Ctrl-C end a run as undecided, with what was learnt so far."""

from __future__ import annotations

import pytest

from softsnp.explore import Limits, Progress, check
from softsnp.spec.designs import RmpoptV10
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks

HOST = ("administrator", "hotplugger")


def spec() -> RmpoptV10:
    return RmpoptV10(HOST, firmware="legacy")


def test_a_bound_on_states_leaves_no_property_holding() -> None:
    found = check(spec(), None, PROPERTIES, checks(spec()), limits=Limits(states=2000))
    assert not found.complete
    assert found.stopped == "--max-states 2000 reached"
    verdicts = {o.prop.name: o.verdict for o in found.outcomes}
    assert set(verdicts.values()) == {"undecided", "violated"}
    assert verdicts["failed-init-keeps-hold"] == "violated", "found before the bound"


def test_a_bound_that_is_not_reached_changes_nothing() -> None:
    bounded = check(spec(), 2, PROPERTIES, checks(spec()), limits=Limits(states=10**9))
    free = check(spec(), 2, PROPERTIES, checks(spec()))
    assert bounded == free or [o.verdict for o in bounded.outcomes] == [
        o.verdict for o in free.outcomes
    ]
    assert bounded.complete


def test_a_bound_on_memory_ends_a_run() -> None:
    found = check(spec(), None, PROPERTIES, checks(spec()), limits=Limits(memory=1))
    assert found.stopped.startswith("--max-memory")
    assert "holds" not in {o.verdict for o in found.outcomes}


def test_ctrl_c_ends_a_run_with_what_it_has() -> None:
    def watch(progress: Progress) -> None:
        if progress.states > 2000:
            raise KeyboardInterrupt

    found = check(spec(), None, PROPERTIES, checks(spec()), watch=watch)
    assert found.stopped == "interrupted"
    assert found.states > 2000
    assert "holds" not in {o.verdict for o in found.outcomes}


@pytest.mark.parametrize("members", [None, 3])
def test_the_same_question_has_the_same_answer(members: int | None) -> None:
    first = check(spec(), members, PROPERTIES, checks(spec()), traces=True)
    second = check(spec(), members, PROPERTIES, checks(spec()), traces=True)
    assert first == second
