"""Merge local states that do the same, which also forgets locals that nobody reads again.

Partition refinement: two local states are one when their trees are equal up to the partition.
Questions whose answer makes no difference are dropped on the way (a question that forks is not:
its successors are counted).
"""

from __future__ import annotations

from collections.abc import Sequence

from .tree import FORKS, Ask, Do, Leaf, Node


def renumber(node: Node, goto: Sequence[int]) -> Node:
    """The tree with local states renamed and idle questions dropped."""
    if isinstance(node, Leaf):
        return Leaf(node.writes, goto[node.goto], node.events)
    if isinstance(node, Do):
        return Do(node.effect, renumber(node.then, goto))
    if isinstance(node, Ask):
        kids = tuple((answer, renumber(kid, goto)) for answer, kid in node.kids)
        first = kids[0][1]
        if not isinstance(node.question, FORKS) and all(kid == first for _, kid in kids):
            return first
        return Ask(node.question, kids)
    return node


def partition(trees: Sequence[Node], resting: Sequence[bool]) -> list[int]:
    """For each local state the number of its block; the first local state is in block 0.

    A block that falls apart keeps its number for the first of its parts, so that most trees look
    as they did and need not be renumbered.
    """
    targets = [sorted(_targets(tree)) for tree in trees]
    blocks = _number([0 if rest == resting[0] else 1 for rest in resting])
    looked: list[tuple[list[int], int] | None] = [None] * len(trees)
    shapes: dict[Node, int] = {}
    count = fresh = len(set(blocks))
    while True:
        keys = []
        for local, tree in enumerate(trees):
            seen = [blocks[target] for target in targets[local]]
            known = looked[local]
            if known is None or known[0] != seen:
                shape = shapes.setdefault(renumber(tree, blocks), len(shapes))
                known = looked[local] = (seen, shape)
            keys.append((blocks[local], known[1]))
        parts: dict[object, int] = {}
        taken: set[int] = set()
        refined = []
        for block, key in zip(blocks, keys, strict=True):
            if key not in parts and block in taken:
                parts[key] = fresh
                fresh += 1
            elif key not in parts:
                parts[key] = block
                taken.add(block)
            refined.append(parts[key])
        if len(parts) == count:
            return _number(blocks)
        blocks = refined
        count = len(parts)


def _number(keys: Sequence[int]) -> list[int]:
    seen: dict[int, int] = {}
    return [seen.setdefault(key, len(seen)) for key in keys]


def _targets(node: Node) -> set[int]:
    """The local states that a tree leads to."""
    if isinstance(node, Leaf):
        return {node.goto}
    if isinstance(node, Do):
        return _targets(node.then)
    if isinstance(node, Ask):
        return set().union(*(_targets(kid) for _, kid in node.kids))
    return set()


def merged(
    trees: Sequence[Node], resting: Sequence[bool], merge: bool = True
) -> tuple[list[int], list[Node], list[bool]]:
    """(block of each local state, one tree a block, whether the block is at rest)."""
    blocks = partition(trees, resting) if merge else list(range(len(trees)))
    kept: dict[int, int] = {}
    for local, block in enumerate(blocks):
        kept.setdefault(block, local)
    ordered = [kept[block] for block in range(len(kept))]
    return (
        blocks,
        [renumber(trees[local], blocks) for local in ordered],
        [resting[local] for local in ordered],
    )
