"""The specification driven along one way: every decision that it leaves open is made from outside.

CPU numbers do not exist in the specification. Here member n is CPU n, and "whichever CPU" is the
one that a task runs on, or the one that an operation is about.
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine
from typing import Any, cast

from softsnp.explore.concrete import Concrete
from softsnp.lang import Change, Cube, Specification
from softsnp.lang.position import advance
from softsnp.lang.world import World
from softsnp.spec.activities import Host

from .events import Event, Register, Warn

REGISTERS = ("present", "online", "mfdm", "snp_en", "vmpl_en", "hsave")
"""The bits of a CPU whose changes can be seen."""
IN_VAIN = "for something that never comes"
REST_IS_OFF = "the rest belong to cores that are offline"
BUDGET = 2000
"""Steps that an operation may take, and questions about CPUs between two steps: who needs more
than that goes round in a circle.
"""


class Blocked(Exception):
    """An operation waits for a lock that nobody will release, or goes on for ever."""


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
        self.asked = 0
        """How often CPUs were asked about since the step began."""
        self.seen: list[Event] = []
        """What can be seen from outside."""
        population = spec.population()
        assert population is not None
        self.bits = {name: 1 << bit.index for name, bit in population.bits.items()}
        self.registers = {name: self.bits[name] for name in REGISTERS}
        self.begin(world, 0, ())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Step a piece of the specification to its end; what it returns. Raises Blocked."""
        spec = self.spec
        spec.driver = self
        spec.begin_step(0, atomic="an operation begins", fresh=True)
        try:
            for _ in range(BUDGET):
                self.asked = 0
                step = advance(cast("Any", work))
                spec.begin_step(0, atomic=step.atomic)
                if step.guard is not None and not step.guard():
                    work.close()
                    raise Blocked(step.what)
        except StopIteration as end:
            return end.value
        work.close()
        raise Blocked(IN_VAIN)

    # --- cores -----------------------------------------------------------------------------------

    def first_thread(self, cpu: int) -> int:
        """Of the CPU's core: second threads have their numbers after all first ones, in order."""
        second = self.bits["sibling"]
        threads = range(len(self.world.members))
        firsts = [m for m in threads if not self.world.members[m] & second]
        if cpu in firsts:
            return cpu
        return firsts[[m for m in threads if m not in firsts].index(cpu)]

    def core_is_online(self, cpu: int) -> bool:
        return bool(self.world.members[self.first_thread(cpu)] & self.bits["online"])

    def _wanted(self, cube: Cube) -> list[int]:
        """Who is to be taken: of second threads to bring online, those whose core is."""
        found = self._seen(cube)
        if cube.value & self.bits["sibling"] and not cube.value & self.bits["online"]:
            return [m for m in found if self.core_is_online(m)] or found
        return found

    def _seen(self, cube: Cube) -> list[int]:
        self.asked += 1
        if self.asked > BUDGET:
            raise Blocked(IN_VAIN)
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
        """The lowest CPU number first, as a broadcast goes; CPUs are frozen the other way."""
        freezes = change.value & self.bits["frozen"]
        self._set(self._seen(cube)[-1 if freezes else 0], change)

    def peek(self, cube: Cube, bit: int) -> bool:
        return bool(self.world.members[self.task_cpu] >> bit & 1)

    def pick(self, cube: Cube) -> None:
        self.world.picked[self.activity] = self._wanted(cube)[0]

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
        if label == REST_IS_OFF:
            return int(not any(map(self.core_is_online, self._offline_threads())))
        return int(self.more_holds)

    def _offline_threads(self) -> list[int]:
        """Second threads that are there, and offline."""
        bits = self.bits
        asked = bits["sibling"] | bits["present"] | bits["online"]
        return self._seen(Cube(asked, bits["sibling"] | bits["present"]))


def power_on(spec: Host, cpus: int) -> World:
    """The specification's beginning with so many CPUs."""
    members = [Host.cpus.pack(bits)[1] for bits in spec.by_number(cpus)]
    return World({name: field.initial for name, field in spec.fields.items()}, members)
