"""Classes that nothing tells apart: as a refinement of every class there is would have them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.explore.classes import Canonical, _cubes_and_changes
from softsnp.explore.layout import machine
from softsnp.explore.tabulate import tabulate
from softsnp.explore.tree import AnyMember, Ask, Blocked, Do, MemberBit, Node, Update
from softsnp.lang import Bit, Change, Cube, Population, activity

from . import toys
from .explorers import by_tables, of_tables

BITS = 5
WIDE = 40


def refined(bit_count: int, identity: int, nodes: Sequence[Node]) -> list[int]:
    """For each class the least one that it cannot be told from, by looking at all there are."""
    cubes, changes = _cubes_and_changes(nodes)
    every = range(1 << bit_count)
    blocks: list[object] = [
        (cls & identity, tuple(cube.holds(cls) for cube in sorted(cubes))) for cls in every
    ]
    while True:
        numbers = {block: i for i, block in enumerate(dict.fromkeys(blocks))}
        numbered = [numbers[block] for block in blocks]
        blocks = [
            (numbered[c], tuple(numbered[change(c)] for change in sorted(changes))) for c in every
        ]
        if len(set(blocks)) == len(numbers):
            least = {block: cls for cls, block in reversed(list(enumerate(blocks)))}
            return [least[block] for block in blocks]


masks = st.integers(0, (1 << BITS) - 1)
pairs = st.tuples(masks, masks).map(lambda pair: (pair[0], pair[0] & pair[1]))


@given(
    st.lists(pairs.map(lambda p: Cube(*p)), max_size=5),
    st.lists(pairs.map(lambda p: Change(*p)), max_size=4),
    st.sampled_from([0, 1, 6]),
    st.lists(st.integers(0, BITS - 1), max_size=1),
)
@settings(max_examples=300, derandomize=True, database=None, deadline=None)
def test_it_is_the_coarsest_partition(
    cubes: list[Cube], changes: list[Change], identity: int, asked: list[int]
) -> None:
    nodes: list[Node] = [Do(Update(Cube(0, 0), change), Blocked()) for change in changes]
    nodes += [Ask(AnyMember(cube, free=False), ((0, Blocked()),)) for cube in cubes]
    nodes += [Ask(MemberBit(bit), ((0, Blocked()),)) for bit in asked]
    canonical = Canonical(identity, nodes)
    assert [canonical[cls] for cls in range(1 << BITS)] == refined(BITS, identity, nodes)


class WideHerd(toys.Herd):
    """A herd with many bits that nobody asks about, some of which change."""

    herd = Population(
        "sheep",
        {
            "awake": Bit("it is awake"),
            **{f"unseen{n}": Bit("nobody asks", ghost=True) for n in range(WIDE)},
            "shorn": Bit("it has been shorn"),
        },
    )

    @activity("wakes one, or shears one that is awake, and paints it")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="one sheep at a time")
            if self.choose("wake", "shear", label="operation") == "wake":
                self.herd.where(awake=False).set_one(awake=True, unseen3=True, unseen11=False)
            else:
                self.herd.where(awake=True, shorn=False).set_one(shorn=True, unseen11=True)


@pytest.mark.parametrize("members", [None, 3])
def test_bits_that_nobody_asks_about_cost_nothing(members: int | None) -> None:
    wide, plain = (
        by_tables(spec(), toys.SOMEBODY_AWAKE, members, merge=True)
        for spec in (WideHerd, toys.Herd)
    )
    assert of_tables(wide) == of_tables(plain)
    assert wide.concrete_states() == plain.concrete_states()
    canonical = wide.layout.machine.canonical
    assert isinstance(canonical, Canonical)
    assert len(canonical) < 20, "nobody goes through all classes that there could be"


def test_where_all_are_kept_apart_only_those_that_occur_are_looked_at() -> None:
    apart = machine(tabulate(WideHerd(), {}, merge=False))
    merged = machine(tabulate(WideHerd(), {}))
    assert len(merged.classes) < len(apart.classes) < 20
