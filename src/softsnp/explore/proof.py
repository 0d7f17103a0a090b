"""What can still be reached whatever the number of members: a proof, or none.

That the images have a way to a goal is no proof: no one number may have it. Here a state is *sure*
when, for every number of members, from every exact state of which it is the image, a state with
the goal can be reached. Two rules make states sure:

1. A state with the goal is; so is one from which some way has sure outcomes only.
2. A set of states is when there is a class L so that one can go on from each of them until L has
   lost a member or a sure state is reached, and then again, and L gains nothing meanwhile. For L
   has some number of members, whichever it is, and cannot lose more than it has.

The second is what a loop over "any one that has not been reached yet" is about, and the rule is the
one by which qualitative numerical planning knows that a plan ends (Srivastava et al., AAAI 2011;
Bonet and Geffner, JAIR 2020). Both rules are sound for all states, reachable or not. They are not
complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

from softsnp.lang import AlwaysPossible, Property

from .descent import Link, descending
from .game import Game
from .room import Room
from .rungs.rung import ASKS, FAR, SURE, Backwards, Rung

LINKS_BYTES = 4000
"""What is kept of each state whose ways are looked at, about."""
LOOK = 1 << 10
"""It looks at the memory once in so many of these."""
FIRST, TIMES = 1 << 9, 4
"""So many states are looked at together at first, and so many times as many after that."""
BEGIN = 1 << 4
"""From one in so many of them it begins."""


def unsure(
    rung: Rung, properties: Sequence[Property], memory: int | None = None
) -> dict[str, bool]:
    """By name of a property, whether a state lacks a proof that what it asks for can be reached.

    Of ``no-deadlock`` that is its second half: everybody can come to rest again. ``rung`` has
    searched all that there is at any number of members. ``memory`` bounds the whole process, in
    bytes. Raises OutOfRoom when there is too little for a proof, or for finding that there is none.
    """
    everybody = range(len(rung.program.layout.at))
    found = {}
    proof = None
    for prop in properties:
        asked: list[tuple[str | None, str | int]] = [(None, activity) for activity in everybody]
        if isinstance(prop, AlwaysPossible):
            asked = [(prop.situation().name, prop.arrival().name)]
        found[prop.name] = False
        for situation, goal in asked:
            marks = rung.marks(situation, goal)
            if ASKS in marks:  # for what nobody asks, no state need be gone through
                proof = proof or Proof(rung, memory)
                found[prop.name] |= proof.lacks(marks)
    return found


class Proof:
    """Which states are sure to have a way to some goals. ``rung`` has searched all that there is at
    any number of members. ``memory`` bounds the whole process, in bytes: OutOfRoom is raised where
    it is too little.
    """

    def __init__(self, rung: Rung, memory: int | None = None) -> None:
        self.room = Room(memory)
        self.game = Game(rung.program)
        self.rung = rung
        self.states = rung.states
        self.certain = rung.backwards(self.game.certain(), self.room.need)
        self._ways: dict[int, list[tuple[Link, ...]]] = {}

    def lacks(self, marks: bytearray) -> bool:
        """Whether a state that asks is not sure. Marks as SURE what it finds to be."""
        self.certain.spread(marks)
        size, steps = FIRST, None
        while (last := marks.rfind(ASKS)) >= 0:
            steps = steps or self.every.distances(marks)
            begin = [last]
            while len(begin) < size // BEGIN and (last := marks.rfind(ASKS, 0, last)) >= 0:
                begin.append(last)
            ways, closed = self._near(begin, size, marks, steps)
            found = descending(ways)
            if closed and not found:
                return True
            self.certain.spread(marks, list(found))
            size *= TIMES
        return False

    @cached_property
    def every(self) -> Backwards:
        """Every step, what the number decides included."""
        return self.rung.backwards(self.rung.program, self.room.need)

    def _near(
        self, begin: list[int], size: int, marks: bytearray, steps: Sequence[int]
    ) -> tuple[dict[int, list[tuple[Link, ...]]], bool]:
        """Ways of so many states that can be come to without passing a sure one, and whether there
        are no more of these. They lead to sure states and to each other.

        Those that are fewer steps from what was sure come first. Where there are none, nothing can
        be sure.
        """
        todo = [(steps[number], number) for number in begin]
        seen = set(begin)
        ways: dict[int, list[tuple[Link, ...]]] = {}
        heapify(todo)
        while todo and len(ways) < size:
            _, number = heappop(todo)
            ways[number] = self._links(number)
            for way in ways[number]:
                for state, _, _ in way:
                    if state not in seen and not marks[state] & SURE and steps[state] != FAR:
                        seen.add(state)
                        heappush(todo, (steps[state], state))
        inside = {
            number: [way for way in every if all(s in ways or marks[s] & SURE for s, _, _ in way)]
            for number, every in ways.items()
        }
        return inside, not todo

    def _links(self, number: int) -> list[tuple[Link, ...]]:
        """Every way from a state."""
        if number not in self._ways:
            if not len(self._ways) % LOOK:
                self.room.need(LOOK * LINKS_BYTES)
            self._ways[number] = [
                tuple([(self.certain.number(o.state), o.fewer, o.more) for o in way])
                for way in self.game.ways(self.states[number])
            ]
        return self._ways[number]
