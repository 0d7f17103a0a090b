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

from array import array
from collections.abc import Sequence

from softsnp.lang import AlwaysPossible, Property

from .descent import Link, descending
from .game import Game
from .lower import Program
from .room import Room
from .rungs.emit import Emitted

STATE_BYTES = 300
"""What a proof keeps of each state, about, as measured with millions; more where many are left when
certain steps have been followed.
"""
LOOK = 1 << 14
"""It looks at the memory once in so many states."""


def unsure(
    program: Program,
    states: Sequence[int],
    properties: Sequence[Property],
    memory: int | None = None,
) -> dict[str, bool]:
    """By name of a property, whether a state lacks a proof that what it asks for can be reached.

    Of ``no-deadlock`` that is its second half: everybody can come to rest again. ``states`` are all
    that a search at any number of members has found. ``memory`` bounds the whole process, in bytes.
    Raises OutOfRoom when there is too little for a proof, or for finding that there is none.
    """
    proof = Proof(program, states, memory)
    everybody = range(len(program.layout.at))
    asked: list[tuple[str, int | str, Sequence[int]]] = []
    for prop in properties:
        if isinstance(prop, AlwaysPossible):
            asked.append((prop.name, prop.arrival().name, proof.situation(prop)))
        else:
            asked += [(prop.name, activity, range(len(states))) for activity in everybody]
    found = dict.fromkeys([name for name, _, _ in asked], False)
    asked = [one for one in asked if one[2]]  # for what nobody asks, no state need be gone through
    open_states = proof.unsure([goal for _, goal, _ in asked], [where for _, _, where in asked])
    for (name, _, _), left in zip(asked, open_states, strict=True):
        found[name] |= bool(left)
    return found


class Proof:
    """Which states of a saturated program are sure to have a way to some goals.

    ``states`` are closed under steps. A goal is a name of a judge, which is exercised where the
    goal is, or the number of an activity, which is to rest. ``memory`` bounds the whole process, in
    bytes: OutOfRoom is raised where it is too little.
    """

    def __init__(self, program: Program, states: Sequence[int], memory: int | None = None) -> None:
        self.room = Room(memory)
        self.room.need(STATE_BYTES * len(states))
        self.layout = program.layout
        self.game = Game(program)
        self.states = states
        self.numbers = {state: number for number, state in enumerate(states)}
        """In order; a rung makes each state anew, so here they are gone through."""
        self.emitted = Emitted(self.game.certain(), lambda *_: None, lambda _: None)
        self.edges, self.offsets = array("I"), array("Q", [0])
        self._ways: dict[int, list[tuple[Link, ...]]] = {}
        self._find_certain_steps()

    def unsure(
        self, goals: Sequence[int | str], asking: Sequence[Sequence[int]]
    ) -> list[list[int]]:
        """For each goal the states, of those (by number) that ask for it, that are not sure."""
        sure = self._goals(goals)
        every = (1 << len(goals)) - 1
        self._spread(sure, every)
        for bit, states in enumerate(asking):
            goal = 1 << bit
            while concerned := self._behind([n for n in states if not sure[n] & goal], sure, goal):
                found = descending({number: self._links(number) for number in concerned})
                if not found:
                    break
                for number in found:
                    sure[number] |= goal
                self._spread(sure, every)
        return [[n for n in states if not sure[n] >> bit & 1] for bit, states in enumerate(asking)]

    def situation(self, prop: AlwaysPossible) -> list[int]:
        """The states (by number) of which a property speaks."""
        judge, places = self.emitted.judges[prop.name], self.layout.places_mask
        rests: dict[int, bool] = {}  # there are far fewer places than states
        found = []
        for state, number in self.numbers.items():
            if prop.at_rest:
                at = state & places
                if at not in rests:
                    rests[at] = self.layout.everyone_rests(at)
                if not rests[at]:
                    continue
            if judge(state, None):
                found.append(number)
        return found

    # --- steps -----------------------------------------------------------------------------------

    def _find_certain_steps(self) -> None:
        """Those of state ``n`` are in ``edges`` from ``offsets[n]`` on."""
        edge, expand, numbers = self.edges.append, self.emitted.expand, self.numbers
        successors: list[int] = []
        for state, number in numbers.items():
            if not number % LOOK:
                self.room.need()
            successors.clear()
            expand(state, successors.append)
            for successor in successors:
                edge(numbers[successor])
            self.offsets.append(len(self.edges))

    def _links(self, number: int) -> list[tuple[Link, ...]]:
        """Every way from a state."""
        if number not in self._ways:
            if not len(self._ways) % LOOK:
                self.room.need()
            self._ways[number] = [
                tuple([(self.numbers[o.state], o.fewer, o.more) for o in way])
                for way in self.game.ways(self.states[number])
            ]
        return self._ways[number]

    def _behind(self, begin: list[int], sure: list[int], goal: int) -> set[int]:
        """The unsure states that can be come to from these without passing a sure one."""
        found = set(begin)
        while begin:
            for way in self._links(begin.pop()):
                for state, _, _ in way:
                    if state not in found and not sure[state] & goal:
                        found.add(state)
                        begin.append(state)
        return found

    # --- goals -----------------------------------------------------------------------------------

    def _goals(self, goals: Sequence[int | str]) -> list[int]:
        """By state, the goals (by bits) that are there."""
        judges = [
            (1 << b, self.emitted.judges[g]) for b, g in enumerate(goals) if isinstance(g, str)
        ]
        resting = [
            (1 << bit, *self.layout.at[goal], self.layout.machine.resting[goal])
            for bit, goal in enumerate(goals)
            if isinstance(goal, int)
        ]
        found = []
        same: dict[int, int] = {}
        for state in self.numbers:
            here = 0
            for bit, shift, mask, rests in resting:
                if rests[state >> shift & mask]:
                    here |= bit
            for bit, judge in judges:
                if judge(state, None):
                    here |= bit
            found.append(same.setdefault(here, here))  # equal ones are one object
        return found

    def _spread(self, sure: list[int], every: int) -> None:
        """Rule 1 for certain steps. From the last state to the first: most steps go forward."""
        edges, offsets = self.edges, self.offsets
        every_number = zip(self.numbers.values(), sure, strict=True)  # objects that there are
        todo = [number for number, goals in every_number if goals != every]
        changed = True
        while changed:
            changed = False
            left = []
            for number in reversed(todo):
                goals = sure[number]
                for successor in edges[offsets[number] : offsets[number + 1]]:
                    goals |= sure[successor]
                    if goals == every:
                        break
                if goals != sure[number]:
                    sure[number] = every if goals == every else goals  # most are one object
                    changed = True
                if goals != every:
                    left.append(number)
            todo = left[::-1]
