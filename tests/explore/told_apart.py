"""Transitions with every member told apart, counted on states that count members."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from softsnp.explore.layout import Snapshot
from softsnp.explore.search import Explored
from softsnp.explore.tree import (
    AnyMember,
    Ask,
    AtRest,
    Bad,
    Choose,
    Do,
    Leaf,
    MemberBit,
    MemberUpdate,
    Node,
    Peek,
    Pick,
    Read,
    Release,
    Restart,
    Update,
    UpdateOne,
)
from softsnp.lang import Change, Cube

Counts = dict[int, int]
"""Class to number of free members, or activity to the class of the member it has picked."""


def transitions(explored: Explored) -> int:
    """How many steps there are, when each member is a way of its own for a step that takes one."""
    layout = explored.layout
    machine, populations = layout.machine, layout.populations
    read = [[sorted(_reads(tree)) for tree in trees] for trees in machine.trees]
    known: dict[object, int] = {}
    total = 0
    for state in explored.states:
        number, seen = state >> layout.number_at, layout.decode(state)
        ways = 0
        for activity, place in enumerate(seen.at):
            values = tuple(seen.scalars[name] for name in read[activity][place])
            key = (activity, place, number, values, seen.at)
            if key not in known:
                tree = machine.trees[activity][place]
                known[key] = _Step(explored, seen, activity).ways(tree, seen.free, seen.picked)
            ways += known[key]
        total += populations.orbit(number) * ways
    return total


def _reads(node: Node) -> set[str]:
    if isinstance(node, Do):
        return _reads(node.then)
    if isinstance(node, Ask):
        mine = {node.question.field} if isinstance(node.question, Read) else set()
        return mine.union(*(_reads(kid) for _, kid in node.kids))
    return set()


class _Step:
    """A step of one activity in one state."""

    def __init__(self, explored: Explored, state: Snapshot, activity: int) -> None:
        self.machine = explored.layout.machine
        self.state = state
        self.activity = activity
        self.restarted = False

    def ways(self, node: Node, free: Counts, picked: Counts) -> int:
        if isinstance(node, Leaf):
            return 1
        if isinstance(node, Ask):
            return self.asked(node, free, picked)
        if isinstance(node, Do):
            return self.done(node, free, picked)
        assert not isinstance(node, Bad), node
        return 0

    def asked(self, node: Ask, free: Counts, picked: Counts) -> int:
        question, kids = node.question, dict(node.kids)
        if isinstance(question, Choose):
            return sum(self.ways(kid, free, picked) for kid in kids.values())
        if isinstance(question, Peek):
            cubes = {answer: question.where(answer) for answer in kids}
            return sum(
                self.ways(kids[answer], free, picked)
                for answer, cube in cubes.items()
                if cube is not None and _any(cube, free, picked)
            )
        if isinstance(question, Read):
            answer = self.state.scalars[question.field]
        elif isinstance(question, AnyMember):
            answer = int(_any(question.cube, free, {} if question.free else picked))
        elif isinstance(question, MemberBit):
            answer = picked[self.activity] >> question.bit & 1
        else:
            assert isinstance(question, AtRest)
            back = self.restarted and question.activity != self.activity
            place = 0 if back else self.state.at[question.activity]
            answer = int(self.machine.resting[question.activity][place])
        return self.ways(kids[answer], free, picked)

    def done(self, node: Do, free: Counts, picked: Counts) -> int:
        effect, me, then = node.effect, self.activity, node.then
        if isinstance(effect, Update):
            changed = self.change(effect.cube, effect.change)
            return self.ways(
                then, _moved(free, changed), {a: changed(c) for a, c in picked.items()}
            )
        if isinstance(effect, UpdateOne):
            changed = self.change(effect.cube, effect.change)
            ways = sum(
                count * self.ways(then, _given(_taken(free, cls), changed(cls)), picked)
                for cls, count in free.items()
                if effect.cube.holds(cls)
            )
            return ways + sum(
                self.ways(then, free, {**picked, other: changed(cls)})
                for other, cls in picked.items()
                if effect.cube.holds(cls)
            )
        if isinstance(effect, Pick):
            return sum(
                count * self.ways(then, _taken(free, cls), {**picked, me: cls})
                for cls, count in free.items()
                if effect.cube.holds(cls)
            )
        if isinstance(effect, MemberUpdate):
            mine = self.machine.canonical[effect.change(picked[me])]
            return self.ways(then, free, {**picked, me: mine})
        released = {a: c for a, c in picked.items() if (a == me) == isinstance(effect, Release)}
        assert isinstance(effect, Release | Restart)
        self.restarted = self.restarted or isinstance(effect, Restart)
        for cls in released.values():
            free = _given(free, cls)
        return self.ways(then, free, {a: c for a, c in picked.items() if a not in released})

    def change(self, cube: Cube, change: Change) -> Callable[[int], int]:
        return lambda cls: self.machine.canonical[change(cls)] if cube.holds(cls) else cls


def _any(cube: Cube, free: Mapping[int, int], picked: Mapping[int, int]) -> bool:
    return any(cube.holds(cls) for cls in (*free, *picked.values()))


def _moved(free: Counts, changed: Callable[[int], int]) -> Counts:
    found: Counts = {}
    for cls, count in free.items():
        found[changed(cls)] = found.get(changed(cls), 0) + count
    return found


def _taken(free: Counts, cls: int) -> Counts:
    left = {**free, cls: free[cls] - 1}
    return {each: count for each, count in left.items() if count}


def _given(free: Counts, cls: int) -> Counts:
    return {**free, cls: free.get(cls, 0) + 1}
