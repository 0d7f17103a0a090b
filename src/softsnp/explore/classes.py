"""Which classes of members must be told apart, and which can occur at all.

Lanes are spent on no others. Two classes that no question and no effect tells apart, now or after
any changes, are one class: a member that moves between them changes nothing that anyone can see.
What can occur is found by a flow analysis over the trees: it ignores scalars and locks, so it
may name a class that no reachable state has, and never misses one that some state has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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

    def __init__(
        self,
        initial: Iterable[int],
        trees: Sequence[Sequence[Node]],
        canonical: Mapping[int, int],
    ) -> None:
        self.canonical = canonical
        self.free = {canonical[cls] for cls in initial}
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
            self.add(group, [self.canonical[change(c)] for c in group if cube.holds(c)])

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
                    mine = self.canonical[effect.change(mine)]
            elif isinstance(effect, UpdateOne):
                self.spread(effect.cube, effect.change)
                if mine is not NOBODY and effect.cube.holds(mine):
                    self.walk(node.then, self.canonical[effect.change(mine)])
            elif isinstance(effect, Pick):
                for cls in sorted(c for c in self.free if effect.cube.holds(c)):
                    self.walk(node.then, cls)
                return
            elif isinstance(effect, MemberUpdate):
                mine = NOBODY if mine is NOBODY else self.canonical[effect.change(mine)]
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


class Canonical(dict[int, int]):
    """Each class that was asked for, to the least one that it cannot be told from.

    Two classes cannot be told from each other when they give the same answer to every question that
    is ever asked, now or after any changes: the coarsest partition that changes respect. What is
    asked after a change is itself a question about the class before it, with the bits left out that
    the change makes what they have to be. So there are few questions, and however many bits there
    are, no more classes are looked at than are asked for.
    """

    def __init__(self, identity: int, nodes: Iterable[Node]) -> None:
        """``identity``: the bits that tell members apart in the real system; they are kept."""
        super().__init__()
        self.identity = identity
        self.cubes = _asked_before(*_cubes_and_changes(nodes))
        self.bits = sorted({1 << b for c in self.cubes for b in _bits(c.mask)}, reverse=True)
        self.least: dict[tuple[int, tuple[bool, ...]], int] = {}

    def __missing__(self, cls: int) -> int:
        answers = tuple([cube.holds(cls) for cube in self.cubes])
        key = (cls & self.identity, answers)
        if key not in self.least:
            self.least[key] = self._least(*key)
        found = self[cls] = self.least[key]
        return found

    def _least(self, identity: int, answers: tuple[bool, ...]) -> int:
        """The least class with these answers; there is one."""
        decided, chosen = self.identity, identity
        for cube, yes in zip(self.cubes, answers, strict=True):
            if yes:
                decided |= cube.mask
                chosen |= cube.value
        no = [cube for cube, yes in zip(self.cubes, answers, strict=True) if not yes]
        found = self._decide([b for b in self.bits if not decided & b], decided, chosen, no)
        assert found is not None, "the class that was asked for has these answers"
        return found

    def _decide(self, left: list[int], decided: int, chosen: int, no: list[Cube]) -> int | None:
        """The least class with the bits that are chosen of those decided, in none of the cubes."""
        open_cubes = []
        for cube in no:
            if not (chosen ^ cube.value) & cube.mask & decided:
                if not cube.mask & ~decided:
                    return None
                open_cubes.append(cube)
        if not open_cubes or not left:
            return chosen
        for value in (0, left[0]):
            found = self._decide(left[1:], decided | left[0], chosen | value, open_cubes)
            if found is not None:
                return found
        return None


class AllApart(dict[int, int]):
    """Each class by itself."""

    def __missing__(self, cls: int) -> int:
        return cls


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _asked_before(cubes: set[Cube], changes: set[Change]) -> list[Cube]:
    """The cubes, and all that a class has to be in now so as to be in one of them after changes."""
    found = dict.fromkeys(sorted(cubes))
    todo = list(found)
    for cube in todo:  # which grows as we go
        for change in sorted(changes):
            if (cube.value ^ change.value) & cube.mask & change.mask:
                continue  # no class is in the cube after that
            before = Cube(cube.mask & ~change.mask, cube.value & ~change.mask)
            if before.mask and before not in found:
                found[before] = None
                todo.append(before)
    return list(found)


def reachable_classes(
    initial: Iterable[int], trees: Sequence[Sequence[Node]], canonical: Mapping[int, int]
) -> list[int]:
    """Every canonical class that a member can be in, sorted."""
    flow = _Flow(initial, trees, canonical)
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
