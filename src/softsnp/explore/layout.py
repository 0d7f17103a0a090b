"""A state as one integer.

From the low end: scalars, each activity's local state, and the number of the population. No field
crosses a 64-bit boundary, so that the integer is also one or two machine words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from softsnp.lang import Kind, SpecError, Specification

from .classes import AllApart, Canonical, picking_activities, reachable_classes
from .counted import Counted
from .merge import merged
from .populations import Populations
from .tabulate import Tables
from .told_apart import ToldApart
from .tree import Node, writes

WORD = 64
NUMBER_BITS = 24
"""Room that is left for the number of the population, its sign bit included."""


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
    orders: list[list[set[tuple[str, str]]]]
    """By activity and place: (a lock that is held, the lock that is waited for)."""
    canonical: Mapping[int, int]
    """Class to the least class that it cannot be told from."""
    classes: list[int]
    """The canonical classes that can occur."""
    pickers: list[int]
    apart: bool = False
    """Whether members are told apart, each from every other, instead of being counted."""

    @property
    def spec(self) -> Specification:
        return self.tables.spec

    def kinds(self) -> tuple[tuple[int, int | None], ...]:
        """(class, count or None for any number) of the members at the start."""
        return tuple(
            (self.canonical[_class(self.spec, kind)], kind.count) for kind in self.spec.members()
        )

    def changed(self) -> set[str]:
        """The fields to which some step may write another value than they begin with."""
        fields = self.spec.fields
        return {
            name
            for trees in self.trees
            for tree in trees
            for name, index in writes(tree)
            if index != fields[name].initial
        }


def _class(spec: Specification, kind: Kind) -> int:
    population = spec.population()
    if population is None:
        raise SpecError("members() of a specification without a population")
    return population.pack(kind.bits)[1]


def machine(tables: Tables, apart: bool = False) -> Machine:
    """Merge the tables of every activity, if wanted, and find the classes that can occur.

    ``apart``: whether members are told apart; then there has to be a number of them.
    """
    blocks, trees, resting, orders = [], [], [], []
    for locals_ in tables.activities:
        b, t, r = merged([x.tree for x in locals_], [x.resting for x in locals_], tables.merge)
        blocks.append(b)
        trees.append(t)
        resting.append(r)
        orders.append([set[tuple[str, str]]() for _ in t])
        for local, block in zip(locals_, b, strict=True):
            orders[-1][block].update(local.orders())
    initial = [_class(tables.spec, kind) for kind in tables.spec.members()]
    population = tables.spec.population()
    canonical: Mapping[int, int] = AllApart()
    if tables.merge and population:
        nodes = [*(tree for t in trees for tree in t), *tables.judges.values()]
        canonical = Canonical(population.identity_mask, nodes)
    classes = reachable_classes(initial, trees, canonical) if initial else []
    pickers = picking_activities(trees)
    return Machine(tables, blocks, trees, resting, orders, canonical, classes, pickers, apart)


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
        self._shift = 0
        fields, changed = machine.spec.fields, machine.changed()
        self.constants = {n: field.initial for n, field in fields.items() if n not in changed}
        """Field to the index of the only value that it ever has; these take no room."""
        self.scalars = {n: self._place(len(fields[n].domain)) for n in fields if n in changed}
        """Every other field to (shift, mask)."""
        self.at = [self._place(len(trees)) for trees in machine.trees]
        """(shift, mask) of each activity's local state."""
        self.places_mask = sum(mask << shift for shift, mask in self.at)
        population = machine.spec.population()
        if self._shift % WORD > WORD - (NUMBER_BITS if population else 1):
            self._shift += -self._shift % WORD
        self.number_at = self._shift
        """The shift of the population's number, which has all bits from there on."""
        self.populations = self._populations(
            len(population.bits) if population else 0,
            population.identity_mask if population else 0,
        )

    def _populations(self, class_bits: int, identity: int) -> Populations:
        made, members = self.machine, self.members
        shape = made.classes, made.canonical, made.pickers, class_bits, identity
        if not made.apart:
            return Counted(*shape, members)
        if members is None:
            raise ValueError("members that are told apart have a number; got any number of them")
        return ToldApart(*shape, members)

    def _place(self, values: int) -> tuple[int, int]:
        width = bits(values)
        if self._shift // WORD != (self._shift + width - 1) // WORD:
            self._shift += -self._shift % WORD
        at = self._shift
        self._shift += width
        return at, (1 << width) - 1

    def everyone_rests(self, state: int) -> bool:
        return all(
            resting[state >> shift & mask]
            for (shift, mask), resting in zip(self.at, self.machine.resting, strict=True)
        )

    # --- packing ---------------------------------------------------------------------------

    def initial_states(self) -> list[int]:
        spec = self.machine.spec
        start = sum(spec.fields[name].initial << at for name, (at, _) in self.scalars.items())
        packed = [p for f in self._initial_populations() for p in self.populations.ways(f, {})]
        return [start | self.populations.number(p) << self.number_at for p in packed]

    def _initial_populations(self) -> Iterator[dict[int, int]]:
        kinds = self.machine.kinds()
        if not kinds:
            yield {}
            return
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
            yield {cls: count for cls, count in free.items() if count}

    def decode(self, state: int) -> Snapshot:
        free, picked = self.populations.unpack(self.populations.packed[state >> self.number_at])
        return Snapshot(
            {name: self._scalar(name, state) for name in self.machine.spec.fields},
            tuple(state >> s & m for s, m in self.at),
            picked,
            free,
        )

    def _scalar(self, name: str, state: int) -> int:
        if name in self.constants:
            return self.constants[name]
        shift, mask = self.scalars[name]
        return state >> shift & mask

    # --- from exact to saturated -------------------------------------------------------------

    def abstraction(self, exact: Layout) -> Callable[[int], int]:
        """Maps an exact state of ``exact`` to its image in this saturated layout."""
        memo: dict[int, int] = {}
        keep = (1 << exact.number_at) - 1

        def image(state: int) -> int:
            number = state >> exact.number_at
            if number not in memo:
                there = exact.populations.unpack(exact.populations.packed[number])
                here = self.populations.number(self.populations.pack(*there))
                memo[number] = here << self.number_at
            return state & keep | memo[number]

        return image


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
