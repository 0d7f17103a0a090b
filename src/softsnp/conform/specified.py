"""The specification's side: the same operation, run to its end by the specification's own code."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, cast

from softsnp.abi.sev import Command, Status
from softsnp.explore.concrete import World
from softsnp.lang.position import advance
from softsnp.spec.activities import Host
from softsnp.spec.fw.psp import ONE_COMMAND

from .events import Event, Wbinvd, command
from .guided import Guided
from .operations import KINDS, Operation


class Blocked(Exception):
    """An operation waits for a lock that nobody will release."""


def watched(design: type[Host]) -> type[Host]:
    """The design, with firmware commands and WBINVDs written down as they happen."""

    class Watched(design):  # type: ignore[misc,valid-type]
        name = design.name

        async def psp_command(self, asked: Command) -> Status:
            await self.preempt(atomic=ONE_COMMAND)
            guide = cast("Guided", self.driver)
            place = len(guide.seen)
            status: Status = self._psp_execute(asked)
            guide.seen.insert(place, command(asked, status))
            return status

        async def wbinvd_on_all_cpus(self) -> None:
            guide = cast("Guided", self.driver)
            online = 1 << self.cpus._population.bits["online"].index
            for cpu, cls in enumerate(guide.world.members):
                if cls & online:
                    guide.seen.append(Wbinvd(cpu))

    Watched.__qualname__ = design.__qualname__
    return Watched


class SpecifiedHost:
    """A specification in a world of its own, one operation after the other."""

    def __init__(self, spec: Host, world: World) -> None:
        self.spec = spec
        self.guide = Guided(spec, world)
        population = spec.population()
        assert population is not None
        self.bits = {name: 1 << bit.index for name, bit in population.bits.items()}

    @property
    def world(self) -> World:
        return self.guide.world

    def boot(self) -> None:
        self.run(self.spec.start_kernel())

    def reset(self, world: World) -> None:
        self.guide.world = world

    def run(self, work: Coroutine[Any, Any, int | None] | Coroutine[Any, Any, None]) -> int | None:
        """Step an operation to its end. Raises Blocked."""
        spec = self.spec
        spec.driver = self.guide
        self.guide.seen.clear()
        spec.begin_step(0, atomic="an operation begins", fresh=True)
        try:
            while True:
                step = advance(cast("Any", work))
                spec.begin_step(0, atomic=step.atomic)
                if step.guard is not None and not step.guard():
                    work.close()
                    raise Blocked(step.what)
        except StopIteration as end:
            return cast("int | None", end.value)

    def perform(self, operation: Operation, more_holds: bool = False) -> int | None:
        """What it returns; a successful one is 0."""
        kind = KINDS[operation.kind]
        self.guide.target = operation.cpu if kind.about_a_cpu else None
        runs = self.world.members[operation.cpu] & self.bits["online"]
        self.guide.task_cpu = operation.cpu if runs and not kind.about_a_cpu else 0
        self.guide.failing = (operation.failing,) if operation.failing else ()
        self.guide.more_holds = more_holds
        return self.run(kind.specified(self.spec))

    @property
    def events(self) -> list[Event]:
        return self.guide.seen

    def state(self) -> dict[str, str]:
        return described(self.spec, self.world)


def described(spec: Host, world: World) -> dict[str, str]:
    """A world in words, as far as both sides have it."""
    population = spec.population()
    assert population is not None
    seen, _ = population.pack(dict.fromkeys(COMPARED_BITS, True))
    told = {f"CPU {cpu}": population.show(cls & seen) for cpu, cls in enumerate(world.members)}
    for name in COMPARED:
        field = spec.fields[name]
        value = field.domain[world.scalars[name]]
        told[name] = getattr(value, "name", str(value))
    return told


COMPARED_BITS = ("boot", "listed", "present", "online", "snp_en", "vmpl_en", "mfdm", "hsave")
COMPARED = (
    "cpu_hotplug_disabled",
    "snp_initialized",
    "sev_plat_state",
    "sev_state",
    "snp_state",
    "rmp",
)
