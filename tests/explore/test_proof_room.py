"""Where memory is too little for a proof, that is what is said."""

from __future__ import annotations

import pytest

from softsnp.explore import check
from softsnp.explore.layout import machine
from softsnp.explore.memory_use import resident
from softsnp.explore.proof import Proof
from softsnp.explore.room import Room
from softsnp.explore.rungs import backwards
from softsnp.explore.rungs.rung import OutOfRoom
from softsnp.explore.tabulate import tabulate

from .test_proof import ALL_FED, REST, Bell, OneByOne, Unlucky, all_awake, searched


def test_what_there_was_no_room_to_prove_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that there is no proof either; and what some number violates is violated as before."""
    monkeypatch.setattr(backwards, "STATE_BYTES", 1 << 60)
    for found in check(OneByOne(), None, [all_awake(), REST], []).outcomes:
        assert found.verdict == "undecided"
        assert found.reason == (
            "no number of members up to 6 violates it, and whether there is a proof for all is not "
            "known: this machine has no memory for it"
        )
    found = check(Unlucky(), None, ALL_FED, []).outcomes[0]
    assert (found.verdict, found.members) == ("violated", 2)


def test_a_proof_keeps_to_the_memory_that_is_allowed() -> None:
    found = searched(machine(tabulate(OneByOne(), {})), None, [REST])
    with pytest.raises(OutOfRoom, match="--max-memory 1 MiB has no room for it"):
        Proof(found.rung, memory=1 << 20)
    room = Room(resident() + (256 << 20))
    room.need(1 << 20)
    with pytest.raises(OutOfRoom, match="--max-memory"):
        room.need(1 << 30)


@pytest.mark.parametrize("looks", range(1, 4))
def test_a_proof_that_meets_its_bound_says_so(monkeypatch: pytest.MonkeyPatch, looks: int) -> None:
    """At its beginning, at the first state, and where it first asks for a state's ways."""
    left = iter([False] * (looks - 1))

    def need(self: Room, more: int = 0) -> None:
        if next(left, True):
            raise OutOfRoom("no room")

    monkeypatch.setattr(Room, "need", need)
    found = check(Bell(), None, [all_awake(), REST], []).outcomes
    assert [one.verdict for one in found] == ["undecided"] * 2
    assert all(one.reason.endswith("is not known: no room") for one in found)
