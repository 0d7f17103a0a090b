"""The first rung: emitted Python over sets of integers. Ready at once, for small runs."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property

from softsnp.explore.lower import Program
from softsnp.explore.tree import asks_at_rest

from .backwards import PythonBackwards
from .emit import Emitted
from .rung import ASKS, SURE, Backwards, Need, depth, failed

CHUNK = 2048


class PythonRung:
    """A search by emitted Python. ``at_rest`` names the properties that speak of rest only."""

    name = "python"

    def __init__(self, program: Program, at_rest: set[str]) -> None:
        self.program = program
        self.layout = program.layout
        self.at_rest = at_rest
        self.states: list[int] = []
        self.index: dict[int, int] = {}
        self.parents = array("q")
        self.levels = [0]
        self.done = 0
        self.transitions = 0
        self.deadlock = -1
        self.hits: dict[int, tuple[int, int]] = {}
        self.edges, self.offsets = array("I"), array("Q", [0])
        self._current = -1
        self._data: dict[int, int] | None = None
        self._resting: list[int] | None = None
        for state in self.layout.initial_states():
            if state not in self.index:
                self.index[state] = len(self.states)
                self.states.append(state)
                self.parents.append(-1)
        self.level_end = len(self.states)

    @cached_property
    def emitted(self) -> Emitted:
        """Made when it is needed: a search that climbs at once needs none."""
        return Emitted(self.program, self._hit, self._fail)

    def _hit(self, event: int, successor: int) -> None:
        self.hits.setdefault(event, (self._current, successor))

    def _fail(self, message: int) -> None:
        raise failed(self.program.failures[message], depth(self.levels, self._current))

    def parent(self, number: int) -> int:
        return self.parents[number]

    def advance(self) -> None:
        states, expand, number = self.states, self.emitted.expand, self.index.setdefault
        edge, resting = self.edges.append, self.layout.everyone_rests
        successors: list[int] = []
        append, known = successors.append, len(states)
        for current in range(self.done, min(self.level_end, self.done + CHUNK)):
            self._current = current
            successors.clear()
            expand(states[current], append)
            if not successors and self.deadlock < 0 and not resting(states[current]):
                self.deadlock = current
            for successor in successors:
                where = number(successor, known)
                if where == known:
                    known += 1
                    states.append(successor)
                    self.parents.append(current)
                edge(where)
            self.offsets.append(len(self.edges))
            self.done = current + 1
        self.transitions = len(self.edges)
        if self.done == self.level_end < known:
            self.levels.append(self.level_end)
            self.level_end = known

    # --- what was found --------------------------------------------------------------------------

    def judge(self, name: str) -> tuple[bool, int | None]:
        """A predicate that does not ask where activities stand is judged once for equal data."""
        judge = self.emitted.judges[name]
        where: Iterable[int] = range(len(self.states))
        if name in self.at_rest:
            where = self._at_rest()
        elif not asks_at_rest(self.layout.machine.tables.judges[name]):
            where = self._first_of_equal_data().values()
        exercised = False
        for number in where:
            verdict = judge(self.states[number], None)
            if verdict:
                exercised = True
                if verdict & 2:
                    return True, number
        return exercised, None

    def _first_of_equal_data(self) -> dict[int, int]:
        if self._data is None:
            self._data = {}
            places = ~self.layout.places_mask
            for number, state in enumerate(self.states):
                self._data.setdefault(state & places, number)
        return self._data

    def _at_rest(self) -> list[int]:
        if self._resting is None:
            places, rests = self.layout.places_mask, self._who_rests()
            everyone = (1 << len(self.layout.at)) - 1
            at_rest = {at for at, who in rests.items() if who == everyone}
            self._resting = [n for n, s in enumerate(self.states) if s & places in at_rest]
        return self._resting

    def _who_rests(self) -> dict[int, int]:
        """The places of a state to the set (by bits) of the activities that rest there."""
        found = {}
        for places in {state & self.layout.places_mask for state in self.states}:
            found[places] = sum(
                1 << activity
                for activity, ((shift, mask), resting) in enumerate(
                    zip(self.layout.at, self.layout.machine.resting, strict=True)
                )
                if resting[places >> shift & mask]
            )
        return found

    def no_return(self) -> int | None:
        every = (1 << len(self.layout.at)) - 1
        places, rests = self.layout.places_mask, self._who_rests()
        row = bytearray if every < 256 else list[int]
        return self._settle(row([rests[state & places] for state in self.states]), every)

    def no_ways(self, asked: Sequence[tuple[str, str]]) -> list[tuple[bool, int | None]]:
        situations = [self._exercised(when) for when, _ in asked]
        every = sum(1 << bit for bit, situation in enumerate(situations) if situation)
        can = [0] * len(self.states)
        for bit, (_, goal) in enumerate(asked):
            for number in self._exercised(goal) if situations[bit] else ():
                can[number] |= 1 << bit
        self._settle(can, every)
        return [
            (bool(situation), next((n for n in situation if not can[n] >> bit & 1), None))
            for bit, situation in enumerate(situations)
        ]

    def marks(self, situation: str | None, goal: str | int) -> bytearray:
        made = bytearray([0 if situation else ASKS]) * len(self.states)
        for number in self._exercised(situation) if situation else ():
            made[number] = ASKS
        if isinstance(goal, str):
            for number in self._exercised(goal):
                made[number] |= SURE
            return made
        places, rests = self.layout.places_mask, self._who_rests()
        resting = {at for at, who in rests.items() if who >> goal & 1}
        for number, state in enumerate(self.states):
            if state & places in resting:
                made[number] |= SURE
        return made

    def backwards(self, program: Program, need: Need) -> Backwards:
        return PythonBackwards(self.states, self.index, program, need)

    def _exercised(self, name: str) -> list[int]:
        """The states in which a property's situation arises."""
        judge = self.emitted.judges[name]
        where = self._at_rest() if name in self.at_rest else range(len(self.states))
        return [number for number in where if judge(self.states[number], None)]

    def _settle(self, can: bytearray | list[int], every: int) -> int | None:
        """Give each state the bits of those it leads to. The first that lacks one in the end."""
        open_states = [n for n in range(len(can)) if can[n] != every]
        edges, offsets = self.edges, self.offsets
        while open_states:
            changed = False
            left = []
            for number in reversed(open_states):
                value = can[number]
                for successor in edges[offsets[number] : offsets[number + 1]]:
                    value |= can[successor]
                    if value == every:
                        break
                changed |= value != can[number]
                can[number] = value
                if value != every:
                    left.append(number)
            if not changed:
                return min(left) if left else None
            open_states = left[::-1]
        return None

    def first_at(self) -> list[dict[int, int]]:
        found: list[dict[int, int]] = [{} for _ in self.layout.at]
        places = self.layout.places_mask
        first: dict[int, int] = {}
        for number, state in enumerate(self.states):
            first.setdefault(state & places, number)
        for state, number in first.items():
            for known, (shift, mask) in zip(found, self.layout.at, strict=True):
                known.setdefault(state >> shift & mask, number)
        return found

    def orbits(self) -> int:
        counts: dict[int, int] = {}
        for state in self.states:
            number = state >> self.layout.number_at
            counts[number] = counts.get(number, 0) + 1
        return sum(self.layout.populations.orbit(n) * count for n, count in counts.items())
