"""A state as one integer.

From the low end: scalars, each activity's local state, each picking activity's member, then one
lane a class with the number of free members in it. With counts saturated a lane holds 0, 1 or
MANY (two or more); otherwise it holds the exact number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import factorial

from softsnp.lang import Kind, SpecError, Specification

from .classes import canonical_classes, picking_activities, reachable_classes
from .merge import merged
from .tabulate import Tables
from .tree import Node

MANY = 2


def bits(values: int) -> int:
    """How many bits tell ``values`` things apart, at least one."""
    return max(1, (values - 1).bit_length())


@dataclass(frozen=True)
class Machine:
    """Merged tables: what is explored, for any number of members."""

    tables: Tables
    blocks: list[list[int]]
    trees: list[list[Node]]
    resting: list[list[bool]]
    canonical: list[int]
    """Class to the least class that it cannot be told from."""
    classes: list[int]
    """The canonical classes that can occur."""
    pickers: list[int]

    @property
    def spec(self) -> Specification:
        return self.tables.spec

    def kinds(self) -> tuple[tuple[int, int | None], ...]:
        """(class, count or None for any number) of the members at the start."""
        return tuple(
            (self.canonical[_class(self.spec, kind)], kind.count) for kind in self.spec.members()
        )


def _class(spec: Specification, kind: Kind) -> int:
    population = spec.population()
    if population is None:
        raise SpecError("members() of a specification without a population")
    return population.pack(kind.bits)[1]


def machine(tables: Tables, merge: bool = True) -> Machine:
    """Merge the tables of every activity and find the classes that can occur."""
    blocks, trees, resting = [], [], []
    for locals_ in tables.activities:
        b, t, r = merged([x.tree for x in locals_], [x.resting for x in locals_], merge)
        blocks.append(b)
        trees.append(t)
        resting.append(r)
    initial = [_class(tables.spec, kind) for kind in tables.spec.members()]
    reachable = reachable_classes(initial, trees) if initial else []
    population = tables.spec.population()
    bit_count = len(population.bits) if population else 0
    canonical = list(range(1 << bit_count))
    if merge and population:
        nodes = [*(tree for t in trees for tree in t), *tables.judges.values()]
        canonical = canonical_classes(bit_count, population.identity_mask, nodes)
    classes = sorted({canonical[cls] for cls in reachable})
    return Machine(tables, blocks, trees, resting, canonical, classes, picking_activities(trees))


@dataclass(frozen=True)
class Snapshot:
    """A state spelled out. ``free``: class to count; ``picked``: activity to class."""

    scalars: dict[str, int]
    at: tuple[int, ...]
    picked: dict[int, int]
    free: dict[int, int]


class Layout:
    """Where everything is in a state's integer, for a number of members or for any (None)."""

    def __init__(self, machine: Machine, members: int | None) -> None:
        self.machine = machine
        self.members = members
        self.saturated = members is None
        spec = machine.spec
        shift = 0
        self.scalars: dict[str, tuple[int, int]] = {}
        for name, field in spec.fields.items():
            width = bits(len(field.domain))
            self.scalars[name] = (shift, (1 << width) - 1)
            shift += width
        self.at: list[tuple[int, int]] = []
        for locals_ in machine.trees:
            width = bits(len(locals_))
            self.at.append((shift, (1 << width) - 1))
            shift += width
        self.places_mask = sum(mask << shift for shift, mask in self.at)
        self.low = shift
        population = spec.population()
        class_bits = len(population.bits) if population else 0
        self.identity = population.identity_mask if population else 0
        self.class_mask = (1 << class_bits) - 1
        self.slots: dict[int, int] = {}
        for activity in machine.pickers:
            self.slots[activity] = shift
            shift += class_bits + 1
        self.slot_valid = 1 << class_bits
        self.slot_mask = (self.slot_valid << 1) - 1
        self.base = shift
        self.width = 2 if members is None else max(1, members.bit_length())
        self.lane_mask = (1 << self.width) - 1
        self.lanes = {c: self.base + i * self.width for i, c in enumerate(machine.classes)}
        top = self.base + len(self.lanes) * self.width
        self.population_mask = ((1 << top) - 1) & ~((1 << self.low) - 1)
        """The slots and the lanes: what effects on the population read and write."""

    def everyone_rests(self, state: int) -> bool:
        return all(
            resting[state >> shift & mask]
            for (shift, mask), resting in zip(self.at, self.machine.resting, strict=True)
        )

    # --- packing ---------------------------------------------------------------------------

    def pack_free(self, free: dict[int, int]) -> int:
        return sum(count << self.lanes[cls] for cls, count in free.items())

    def initial_states(self) -> list[int]:
        spec = self.machine.spec
        start = sum(field.initial << self.scalars[name][0] for name, field in spec.fields.items())
        return [start | self.pack_free(free) for free in self._initial_populations()]

    def _initial_populations(self) -> Iterator[dict[int, int]]:
        kinds = self.machine.kinds()
        flexible = [cls for cls, count in kinds if count is None]
        fixed: dict[int, int] = {}
        for cls, count in kinds:
            if count is not None:
                fixed[cls] = fixed.get(cls, 0) + count
        rest = None if self.members is None else self.members - sum(fixed.values())
        for counts in _compositions(len(flexible), rest):
            free = dict(fixed)
            for cls, count in zip(flexible, counts, strict=True):
                free[cls] = free.get(cls, 0) + count
            yield {c: self.cap(n) for c, n in free.items() if n}

    def cap(self, count: int) -> int:
        return min(count, MANY) if self.saturated else count

    def decode(self, state: int) -> Snapshot:
        return Snapshot(
            {name: state >> s & m for name, (s, m) in self.scalars.items()},
            tuple(state >> s & m for s, m in self.at),
            {
                a: state >> s & self.class_mask
                for a, s in self.slots.items()
                if state >> s & self.slot_valid
            },
            {c: n for c, s in self.lanes.items() if (n := state >> s & self.lane_mask)},
        )

    # --- from exact to saturated -------------------------------------------------------------

    def abstraction(self, exact: Layout) -> Callable[[int], int]:
        """Maps an exact state of ``exact`` to its image in this saturated layout."""
        keep = (1 << exact.base) - 1
        memo: dict[int, int] = {}

        def image(state: int) -> int:
            lanes = state & ~keep
            if lanes not in memo:
                memo[lanes] = self.pack_free(
                    {c: self.cap(n) for c, n in exact.decode(lanes).free.items()}
                )
            return state & keep | memo[lanes]

        return image

    # --- how many concrete states an exact state stands for ------------------------------------

    def orbit(self, population: int) -> int:
        """N!/∏counts! within each group that identity bits tell apart; picked ones count once."""
        shown = self.decode(population)
        groups: dict[int, list[int]] = {}
        for cls, count in shown.free.items():
            groups.setdefault(cls & self.identity, []).append(count)
        for cls in shown.picked.values():
            groups.setdefault(cls & self.identity, []).append(1)
        ways = 1
        for counts in groups.values():
            ways *= factorial(sum(counts))
            for count in counts:
                ways //= factorial(count)
        return ways


def _compositions(parts: int, total: int | None) -> Iterator[tuple[int, ...]]:
    """All ways to split ``total`` over ``parts``; None: every mix of none, one and many."""
    if total is None:
        for code in range(3**parts):
            yield tuple(code // 3**i % 3 for i in range(parts))
    elif total < 0 or (parts == 0 and total > 0):
        return
    elif parts == 0:
        yield ()
    elif parts == 1:
        yield (total,)
    else:
        for first in range(total + 1):
            for others in _compositions(parts - 1, total - first):
                yield (first, *others)


def used_bits(sequence: Sequence[int]) -> int:
    """The bits that any of the numbers has."""
    found = 0
    for number in sequence:
        found |= number
    return found
