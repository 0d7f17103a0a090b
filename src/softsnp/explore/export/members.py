"""Members told apart: each of their bits is a mask over all members, bit ``i`` for member ``i``.

Which members are in a cube is then one expression, whatever their number. A bit that no step
changes is a constant. Classes that nothing tells apart are one here as they are in a search, so a
change leaves every member in a canonical class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from softsnp.explore.layout import Layout, Machine
from softsnp.explore.told_apart import orders
from softsnp.explore.tree import Ask, Do, MemberUpdate, Node, Update, UpdateOne
from softsnp.lang import Change, Cube

from .expressions import ALL, NONE
from .names import Names

MOST_MEMBERS = 31
"""A mask is an ``int`` of Promela at most, and its sign is left alone."""
EVERY = Cube(0, 0)


@dataclass(frozen=True)
class Part:
    """One thing that a change does: give a bit to some of the members it reaches, or take it.

    ``among`` says which of them, as cubes; None: all.
    """

    bit: int
    on: bool
    among: tuple[Cube, ...] | None


class Members:
    """The masks of one machine, for a number of members."""

    def __init__(self, machine: Machine, members: int, names: Names) -> None:
        if members > MOST_MEMBERS:
            raise ValueError(f"{MOST_MEMBERS} members at most have a bit each in a mask")
        self.machine = machine
        self.count = members
        population = machine.spec.population()
        self.bits = dict(enumerate(population.bits)) if population else {}
        self.member = names.of("member", population.member.lower() if population else "member")
        """What one of them is called."""
        self.starts = sorted(set(_starts(machine, members)))
        """Each a class for every member: the ways in which the population can begin."""
        moved = self._moved()
        self.variables: dict[int, str] = {}
        self.constants: dict[int, int] = {}
        """A bit that nobody changes to the mask of those that have it."""
        for bit, name in self.bits.items():
            masks = {self.mask(bit, start) for start in self.starts}
            if bit in moved or len(masks) > 1:
                self.variables[bit] = names.of(("bit", bit), name)
            else:
                self.constants[bit] = masks.pop() if masks else 0
        self.constant_names = {
            bit: names.of(("bit", bit), self.bits[bit])
            for bit, mask in self.constants.items()
            if mask not in (0, self.everyone)
        }

    @property
    def everyone(self) -> int:
        return (1 << self.count) - 1

    @property
    def type(self) -> str:
        """Promela's smallest type for a mask."""
        return "byte" if self.count <= 8 else "short" if self.count <= 15 else "int"

    def mask(self, bit: int, start: tuple[int, ...]) -> int:
        return sum(1 << i for i, cls in enumerate(start) if cls >> bit & 1)

    def names(self) -> dict[int, str]:
        """Each bit as an expression for its mask."""
        fixed = {
            bit: self.constant_names.get(bit, ALL if mask else NONE)
            for bit, mask in self.constants.items()
        }
        return {**fixed, **self.variables}

    def within(self, cube: Cube, masks: Mapping[int, str]) -> str:
        """The members of a cube as an expression; NONE and ALL where that is always so."""
        if not any(cube.holds(cls) for cls in self.machine.classes):
            return NONE
        yes: list[str] = []
        no: list[str] = []
        for bit in self.bits:
            if cube.mask >> bit & 1:
                mask, on = masks[bit], cube.value >> bit & 1
                if mask == (NONE if on else ALL):
                    return NONE
                if mask != (ALL if on else NONE):
                    (yes if on else no).append(mask)
        return " & ".join([*(yes or ([ALL] if no else [])), *(f"~{mask}" for mask in no)]) or ALL

    def parts(self, cube: Cube, change: Change) -> list[Part]:
        """What a change of the members of a cube does, bit by bit."""
        reached = {
            cls: self.machine.canonical[change(cls)]
            for cls in self.machine.classes
            if cube.holds(cls)
        }
        found = []
        for bit in self.variables:
            for on in (True, False):
                gets = {c for c, to in reached.items() if to >> bit & 1 == on != c >> bit & 1}
                if gets:
                    kept = {c for c, to in reached.items() if to >> bit & 1 == on} - gets
                    others = set(reached) - gets - kept
                    among = None if not others else self._cover(gets, others)
                    found.append(Part(bit, on, among))
        return found

    def _cover(self, wanted: set[int], others: set[int]) -> tuple[Cube, ...]:
        """Cubes that hold of all the wanted classes and of none of the others."""
        found = []
        left = set(wanted)
        while left:
            cls = min(left)
            found.append(self._around(cls, others))
            left = {c for c in left if not found[-1].holds(c)}
        return tuple(found)

    def _around(self, cls: int, others: set[int]) -> Cube:
        """A cube with as few bits as can be that holds of a class and of none of the others."""
        for size in range(len(self.bits) + 1):
            for bits in combinations(self.bits, size):
                mask = sum(1 << bit for bit in bits)
                cube = Cube(mask, cls & mask)
                if not any(cube.holds(other) for other in others):
                    return cube
        raise AssertionError("different classes differ in a bit")

    def _moved(self) -> set[int]:
        """The bits that some step changes of some member."""
        found: set[int] = set()
        for cube, change in set(_changes(t for trees in self.machine.trees for t in trees)):
            for cls in self.machine.classes:
                if cube.holds(cls):
                    found.update(_differing(cls, self.machine.canonical[change(cls)]))
        return found


def _differing(one: int, other: int) -> Iterator[int]:
    return (bit for bit in range((one ^ other).bit_length()) if (one ^ other) >> bit & 1)


def _changes(nodes: Iterable[Node]) -> Iterator[tuple[Cube, Change]]:
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, Ask):
            pending += [kid for _, kid in node.kids]
        elif isinstance(node, Do):
            if isinstance(node.effect, Update | UpdateOne):
                yield node.effect.cube, node.effect.change
            elif isinstance(node.effect, MemberUpdate):
                yield EVERY, node.effect.change
            pending.append(node.then)


def _starts(machine: Machine, members: int) -> Iterator[tuple[int, ...]]:
    """Every order of the members at the start; identity bits say which numbers are whose."""
    layout = Layout(machine, members)
    identity = layout.populations.identity
    first = {cls & identity: number for number, (cls, _) in reversed([*enumerate(machine.kinds())])}
    for state in layout.initial_states():
        groups: dict[int, list[int]] = {}
        for cls, count in layout.decode(state).free.items():
            groups.setdefault(cls & identity, []).extend([cls] * count)
        ordered = [groups[group] for group in sorted(groups, key=first.__getitem__)]
        for placed in product(*(tuple(orders(group)) for group in ordered)):
            yield tuple(cls for order in placed for cls in order)
