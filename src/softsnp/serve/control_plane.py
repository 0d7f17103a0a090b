"""The control plane of a virtual host: the specification, driven live, with numbered CPUs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from softsnp.abi.sev import Command, Status
from softsnp.lang import Change, Field
from softsnp.lang.world import World
from softsnp.run.deciders import Seeded
from softsnp.run.driver import Decider, LiveDriver
from softsnp.run.live import Live
from softsnp.run.task import Begin, Task
from softsnp.spec.activities import Host
from softsnp.spec.linux.kernel.cpu import MANY_HOLDS

from .command_line import BootLine
from .operations import RMPOPT_WORKER, coroutine_of

FAILS = " fails"
REST_IS_OFF = "the rest belong to cores that are offline"
ANSWERED = re.compile(r"(\w+) → (\w+)")
HOLDS = "cpu_hotplug_disabled"

Fault = Callable[[str], bool]
"""Whether what is named fails: ``SNP_CONFIG``, ``the answer in time`` …"""


class HostDecider(Seeded):
    """Decides as hardware and Linux would, where they have an order, and by the seed elsewhere.

    What may fail is asked of ``fault``.
    """

    def __init__(self, random: Random, fault: Fault) -> None:
        super().__init__(random)
        self.fault = fault
        self.plane: ControlPlane
        self.line = BootLine()
        """The next kernel's."""

    def take(self, candidates: Sequence[int]) -> int:
        """The lowest number; of second threads that are offline, of a core that runs."""
        plane = self.plane
        if all(plane.cpu(c, "sibling") and not plane.cpu(c, "online") for c in candidates):
            running = [c for c in candidates if plane.core_is_online(c)]
            return (running or list(candidates))[0]
        return candidates[0]

    def reach(self, candidates: Sequence[int], change: Change) -> int:
        """CPUs are frozen from the highest number down, and appear from the lowest up."""
        bits = self.plane.bits
        if change.value & bits["frozen"]:
            return candidates[-1]
        if change.mask & (bits["present"] | bits["fused"] | bits["online"]):
            return candidates[0]
        return self.look(candidates)

    def choose(self, count: int, label: str) -> int:
        if label.endswith(FAILS):
            return int(self.fault(label.removesuffix(FAILS)))
        if label == "command line":
            lines = self.plane.spec.possible_command_lines()
            return lines.index(self.line.about_cpus) if self.line.about_cpus in lines else 0
        if label == "maxcpus= is reached":
            return int(self.plane.count("online") >= self.line.most)
        if label == REST_IS_OFF:
            return int(self.plane.rest_is_off())
        if not label:
            return self.plane.driver.one_hold_less()
        return 0


class HostDriver(LiveDriver):
    """Counts SNP's holds on CPU hotplug beyond the three that the specification tells apart."""

    holds = 0
    less = False

    def write(self, field: Field[Any], index: int) -> None:
        super().write(field, index)
        if field.name != HOLDS:
            return
        if self.less:
            self.less = False
        elif index == MANY_HOLDS:
            self.holds = max(self.holds + 1, MANY_HOLDS)
        else:
            self.holds = index

    def one_hold_less(self) -> int:
        """Whether, of three or more holds less one, there are still three or more."""
        self.less = True
        self.holds -= 1
        return int(self.holds >= MANY_HOLDS)


class ControlPlane:
    """One machine from its power-on: a specification, its world, and the tasks in it."""

    def __init__(
        self,
        spec: Host,
        cpus: int,
        decider: Decider,
        order: Random,
        driver: type[LiveDriver] = HostDriver,
    ) -> None:
        self.spec = spec
        self.decider = decider
        self.bits = {name: 1 << bit.index for name, bit in Host.cpus.bits.items()}
        self.cpus = cpus
        self.live = Live(spec, self.power_on(), decider, order, driver)
        if isinstance(decider, HostDecider):
            decider.plane = self
        self.first_thread = self._cores()
        """The first thread of each CPU's core."""

    @property
    def driver(self) -> HostDriver:
        driver = self.live.driver
        assert isinstance(driver, HostDriver)
        return driver

    @property
    def world(self) -> World:
        return self.live.world

    def power_on(self) -> World:
        members = [Host.cpus.pack(bits)[1] for bits in self.spec.by_number(self.cpus)]
        return World({name: field.initial for name, field in self.spec.fields.items()}, members)

    def begin_with(self, world: World) -> None:
        """From another world than the one of power-on."""
        self.live.driver.world = world
        self.cpus = len(world.members)
        self.first_thread = self._cores()

    def _cores(self) -> dict[int, int]:
        seconds = [c for c in range(self.cpus) if self.cpu(c, "sibling")]
        firsts = [c for c in range(self.cpus) if not self.cpu(c, "sibling")]
        return {**{c: c for c in firsts}, **dict(zip(seconds, firsts, strict=False))}

    def cpu(self, number: int, bit: str) -> bool:
        return bool(self.world.members[number] & self.bits[bit])

    def count(self, bit: str) -> int:
        return sum(1 for member in self.world.members if member & self.bits[bit])

    def scalar(self, name: str) -> Any:
        field = self.spec.fields[name]
        return field.domain[self.world.scalars[name]]

    def core_is_online(self, cpu: int) -> bool:
        return self.cpu(self.first_thread[cpu], "online")

    def rest_is_off(self) -> bool:
        """Whether every second thread that is there and offline is of a core that is offline."""
        return not any(
            self.core_is_online(c)
            for c in range(self.cpus)
            if self.cpu(c, "sibling") and self.cpu(c, "present") and not self.cpu(c, "online")
        )

    def begin(self, begin: Begin, done: Callable[[Any], None] = lambda _: None) -> Task:
        """Begin what a description says. Raises KeyError for what is not known."""
        role, coroutine, target = coroutine_of(self.spec, begin)
        return self.live.begin(
            role,
            coroutine,
            done,
            begin=begin,
            target=target,
            endless="activity" in begin,
            background=begin.get("activity") == RMPOPT_WORKER,
            lane=begin.get("lane"),
        )

    def set_cpu(self, number: int, **bits: bool) -> None:
        """A register is written from outside."""
        mask, value = Host.cpus.pack(bits)
        self.world.members[number] = self.world.members[number] & ~mask | value


def answered(note: str) -> tuple[Command, Status] | None:
    """The firmware command that a remark of the specification tells of, and its answer."""
    found = ANSWERED.fullmatch(note)
    if not found or found[1] not in Command.__members__ or found[2] not in Status.__members__:
        return None
    return Command[found[1]], Status[found[2]]
