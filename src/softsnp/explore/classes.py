"""Which classes of members must be told apart, and which can occur at all.

Lanes are spent on no others. Two classes that no question and no effect tells apart, now or after
any changes, are one class: a member that moves between them changes nothing that anyone can see.
What can occur is found by a flow analysis over the trees: it ignores scalars and locks, so it
may name a class that no reachable state has, and never misses one that some state has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from softsnp.lang import Change, Cube

from .tree import (
    AnyMember,
    Ask,
    Do,
    Leaf,
    MemberBit,
    MemberUpdate,
    Node,
    Peek,
    Pick,
    Release,
    Restart,
    Update,
    UpdateOne,
)

NOBODY = None


class _Flow:
    """The classes of free members, and of the picked member at each local state."""

    def __init__(self, initial: Iterable[int], trees: Sequence[Sequence[Node]]) -> None:
        self.free = set(initial)
        self.trees = trees
        self.picked: list[list[set[int]]] = [[set() for _ in locals_] for locals_ in trees]
        self.changed = True

    def run(self) -> None:
        while self.changed:
            self.changed = False
            for activity, locals_ in enumerate(self.trees):
                for local, tree in enumerate(locals_):
                    self.activity = activity
                    for mine in (NOBODY, *sorted(self.picked[activity][local])):
                        self.walk(tree, mine)

    def add(self, group: set[int], classes: Iterable[int]) -> None:
        before = len(group)
        group.update(classes)
        self.changed |= len(group) != before

    def spread(self, cube: Cube, change: Change) -> None:
        """A change reaches the free members and those that others have picked."""
        groups = [self.free]
        for activity, locals_ in enumerate(self.picked):
            if activity != self.activity:
                groups += locals_
        for group in groups:
            self.add(group, [change(c) for c in group if cube.holds(c)])

    def occurs(self, cube: Cube, mine: int | None) -> bool:
        groups = [self.free, *(g for locals_ in self.picked for g in locals_)]
        return any(cube.holds(c) for g in groups for c in g) or (
            mine is not NOBODY and cube.holds(mine)
        )

    def walk(self, node: Node, mine: int | None) -> None:
        while isinstance(node, Do):
            effect = node.effect
            if isinstance(effect, Update):
                self.spread(effect.cube, effect.change)
                if mine is not NOBODY and effect.cube.holds(mine):
                    mine = effect.change(mine)
            elif isinstance(effect, UpdateOne):
                self.spread(effect.cube, effect.change)
                if mine is not NOBODY and effect.cube.holds(mine):
                    self.walk(node.then, effect.change(mine))
            elif isinstance(effect, Pick):
                for cls in sorted(c for c in self.free if effect.cube.holds(c)):
                    self.walk(node.then, cls)
                return
            elif isinstance(effect, MemberUpdate):
                mine = effect.change(mine) if mine is not NOBODY else NOBODY
            elif isinstance(effect, Release):
                self.add(self.free, [] if mine is NOBODY else [mine])
                mine = NOBODY
            elif isinstance(effect, Restart):
                for activity, locals_ in enumerate(self.picked):
                    if activity != self.activity:
                        for group in locals_:
                            self.add(self.free, group)
            node = node.then
        if isinstance(node, Ask):
            self.ask(node, mine)
        elif isinstance(node, Leaf) and mine is not NOBODY:
            self.add(self.picked[self.activity][node.goto], [mine])

    def ask(self, node: Ask, mine: int | None) -> None:
        question = node.question
        for answer, kid in node.kids:
            if isinstance(question, AnyMember) and answer:
                if not self.occurs(question.cube, mine):
                    continue
            elif isinstance(question, MemberBit):
                if mine is NOBODY or (mine >> question.bit & 1) != answer:
                    continue
            elif isinstance(question, Peek):
                wanted = question.where(answer)
                if wanted is None or not self.occurs(wanted, mine):
                    continue
            self.walk(kid, mine)


def _cubes_and_changes(nodes: Iterable[Node]) -> tuple[set[Cube], set[Change]]:
    """Everything by which the trees select members, and everything they do to them."""
    cubes: set[Cube] = set()
    changes: set[Change] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, Ask):
            question = node.question
            if isinstance(question, AnyMember | Peek):
                cubes.add(question.cube)
            if isinstance(question, Peek | MemberBit):
                cubes.add(Cube(1 << question.bit, 1 << question.bit))
            pending += [kid for _, kid in node.kids]
        elif isinstance(node, Do):
            effect = node.effect
            if isinstance(effect, Update | UpdateOne | Pick):
                cubes.add(effect.cube)
            if isinstance(effect, Update | UpdateOne | MemberUpdate):
                changes.add(effect.change)
            pending.append(node.then)
    return cubes, changes


def canonical_classes(bit_count: int, identity: int, nodes: Iterable[Node]) -> list[int]:
    """For each class the least one that it cannot be told from: the coarsest such partition.

    ``identity``: the bits that tell members apart in the real system; they are kept.
    """
    found, made = _cubes_and_changes(nodes)
    cubes, changes = sorted(found), sorted(made)
    every = range(1 << bit_count)
    blocks: list[object] = [
        (cls & identity, tuple(cube.holds(cls) for cube in cubes)) for cls in every
    ]
    while True:
        numbers = {block: i for i, block in enumerate(dict.fromkeys(blocks))}
        numbered = [numbers[block] for block in blocks]
        blocks = [(numbered[c], tuple(numbered[change(c)] for change in changes)) for c in every]
        if len(set(blocks)) == len(numbers):
            least = {block: cls for cls, block in reversed(list(enumerate(blocks)))}
            return [least[block] for block in blocks]


def reachable_classes(initial: Iterable[int], trees: Sequence[Sequence[Node]]) -> list[int]:
    """Every class that a member can be in, sorted."""
    flow = _Flow(initial, trees)
    flow.run()
    found = set(flow.free)
    for locals_ in flow.picked:
        for group in locals_:
            found |= group
    return sorted(found)


def picking_activities(trees: Sequence[Sequence[Node]]) -> list[int]:
    """The activities that ever hold a picked member."""

    def picks(node: Node) -> bool:
        if isinstance(node, Do):
            return isinstance(node.effect, Pick) or picks(node.then)
        return isinstance(node, Ask) and any(picks(kid) for _, kid in node.kids)

    return [a for a, locals_ in enumerate(trees) if any(map(picks, locals_))]
