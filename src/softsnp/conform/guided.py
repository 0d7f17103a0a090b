"""The specification driven along one way: every decision that it leaves open is made from outside.

CPU numbers do not exist in the specification. Here member n is CPU n, and "whichever CPU" is the
one that a task runs on, or the one that an operation is about.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from softsnp.explore.concrete import Concrete, World
from softsnp.lang import Change, Cube, Specification

from .events import Event, Register, Warn

REGISTERS = ("present", "online", "mfdm", "snp_en", "vmpl_en", "hsave")
"""The bits of a CPU whose changes can be seen."""


class Guided(Concrete):
    """A world with CPU numbers, and who decides in it."""

    def __init__(self, spec: Specification, world: World) -> None:
        super().__init__(spec, numbered=True)
        self.world = world
        self.activity = 0
        self.task_cpu = 0
        """Where the task runs that looks at "this CPU"."""
        self.target: int | None = None
        """The CPU that a hotplug operation is about: it alone is asked about."""
        self.failing: Collection[str] = ()
        """What fails, by the names that fault() gives it."""
        self.more_holds = False
        """Whether a count that is "three or more" stays so when one is taken away."""
        self.seen: list[Event] = []
        """What can be seen from outside."""
        population = spec.population()
        assert population is not None
        self.registers = {n: 1 << b.index for n, b in population.bits.items() if n in REGISTERS}
        self.begin(world, 0, ())

    def _seen(self, cube: Cube) -> list[int]:
        members = range(len(self.world.members)) if self.target is None else [self.target]
        return [m for m in members if cube.holds(self.world.members[m])]

    def _set(self, member: int, change: Change) -> None:
        before = self.world.members[member]
        self.world.members[member] = after = change(before)
        for name, mask in self.registers.items():
            if (before ^ after) & mask:
                self.seen.append(Register(member, name, bool(after & mask)))

    def note(self, text: str) -> None:
        if text.startswith("WARN: "):
            self.seen.append(Warn())

    # --- the driver's words that ask about CPUs --------------------------------------------------

    def any(self, cube: Cube) -> bool:
        return bool(self._seen(cube))

    def any_free(self, cube: Cube) -> bool:
        return bool(self._seen(cube))

    def update(self, cube: Cube, change: Change) -> None:
        for member, cls in enumerate(self.world.members):
            if cube.holds(cls):
                self._set(member, change)

    def update_one(self, cube: Cube, change: Change) -> None:
        """The lowest CPU number first, as a broadcast goes."""
        self._set(self._seen(cube)[0], change)

    def peek(self, cube: Cube, bit: int) -> bool:
        return bool(self.world.members[self.task_cpu] >> bit & 1)

    def pick(self, cube: Cube) -> None:
        self.world.picked[self.activity] = self._seen(cube)[0]

    def member_update(self, change: Change) -> None:
        self._set(self.world.picked[self.activity], change)

    def restart(self) -> None:
        """A kernel boots on CPU 0."""
        super().restart()
        self.task_cpu = 0

    # --- decisions -------------------------------------------------------------------------------

    def choose(self, count: int, label: str) -> int:
        if label.endswith(" fails"):
            return int(label.removesuffix(" fails") in self.failing)
        return int(self.more_holds)


def power_on(spec: Specification, cpus: int) -> World:
    """The specification's beginning with so many CPUs; CPU 0 is the first of the first kind."""
    population = spec.population()
    assert population is not None
    kinds = spec.members()
    others = cpus - sum(kind.count or 0 for kind in kinds)
    members = [
        population.pack(kind.bits)[1]
        for kind in kinds
        for _ in range(others if kind.count is None else kind.count)
    ]
    scalars: dict[str, Any] = {name: field.initial for name, field in spec.fields.items()}
    return World(scalars, members)
