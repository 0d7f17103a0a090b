"""The specification's side: the same operation, run to its end by the specification's own code."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, cast

from softsnp.abi.sev import Command, Status
from softsnp.lang.world import World
from softsnp.spec.activities import Host
from softsnp.spec.fw.psp import ONE_COMMAND
from softsnp.spec.linux.kernel.cpu import MANY_HOLDS

from .events import Event, Wbinvd, command
from .guided import Guided
from .operations import KINDS, Operation

TMR = "sev_es_tmr"
"""Beside the specification's own scalars: whether legacy SEV has memory."""


def watched(design: type[Host]) -> type[Host]:
    """The design, with firmware commands and WBINVDs written down as they happen."""

    class Watched(design):  # type: ignore[misc,valid-type]
        name = design.name

        async def psp_command(self, asked: Command) -> Status:
            await self.preempt(atomic=ONE_COMMAND)
            guide = cast("Guided", self.driver)
            place = len(guide.seen)
            status: Status
            if self.firmware_steps and asked is Command.SNP_SHUTDOWN_EX:
                status = await self._snp_shutdown_ex_in_steps()
            else:
                status = self._psp_execute(asked)
            guide.seen.insert(place, command(asked, status))
            return status

        async def _sev_platform_init_locked(self) -> int:
            cast("Guided", self.driver).world.scalars[TMR] = 1
            rc: int = await super()._sev_platform_init_locked()
            return rc

        async def _sev_snp_shutdown_locked(self, panic: bool = False) -> int:
            """The specification has no TMR. Giving its memory back, which comes before this, takes
            a WBINVD; it can only be seen when no other WBINVD follows.
            """
            scalars = cast("Guided", self.driver).world.scalars
            if scalars.pop(TMR, 0) and not panic:
                await self.wbinvd_on_all_cpus()
            rc: int = await super()._sev_snp_shutdown_locked(panic)
            return rc

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
        self.guide.resting = lambda _: True

    @property
    def world(self) -> World:
        return self.guide.world

    def boot(self) -> None:
        self.run(self.spec.start_kernel())

    def reset(self, world: World) -> None:
        self.guide.world = world

    def run(self, work: Coroutine[Any, Any, int | None]) -> int | None:
        """Step an operation to its end. Raises Blocked."""
        self.guide.seen.clear()
        return cast("int | None", self.guide.run(work))

    def perform(self, operation: Operation, more_holds: bool = False) -> int | None:
        """What it returns; a successful one is 0."""
        kind = KINDS[operation.kind]
        self.guide.target = operation.cpu if kind.about_a_cpu else None
        runs = self.world.members[operation.cpu] & self.guide.bits["online"]
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
        told[name] = spec.fields[name].show(world.scalars[name])
    told["cpu_hotplug_disabled"] = str(min(holds(world), MANY_HOLDS))
    return told


def holds(world: World) -> int:
    """cpu_hotplug_disabled, which is one number in the kernel, up to "many"."""
    scalars = world.scalars
    return scalars["cpu_hotplug_disabled"] + scalars["cpu_hotplug_disabled_otherwise"]


COMPARED_BITS = ("boot", "listed", "present", "online", "snp_en", "vmpl_en", "mfdm", "hsave")
COMPARED = (
    "cpu_hotplug_offline_disabled",
    "cpu_smt_control",
    "cpu_smt_num_threads",
    "ccp_loaded",
    "psp_dead",
    "panic_notifier",
    "snp_initialized",
    "sev_plat_state",
    "sev_state",
    "snp_state",
    "rmp",
)
