"""A live host never does what the specification cannot.

Random requests, faults and schedules on a virtual host, and every step of it is looked for among
the steps that the oracle finds from the same state by running the specification: the same scalars,
the same CPUs, the same place in the same functions. So whatever the host comes to is reachable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from softsnp.abi.sev import Command, Ioctl
from softsnp.explore.concrete import Concrete, Taken, steps
from softsnp.explore.recreate import Trail
from softsnp.lang.position import Position, position
from softsnp.lang.world import World
from softsnp.run.driver import LiveDriver
from softsnp.run.task import Task
from softsnp.serve.circumstances import Circumstances
from softsnp.serve.faults import FAULTS, Injected
from softsnp.serve.firmware import Request
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.host import VirtualHost
from softsnp.serve.power_on import chip_seed, power_on
from softsnp.serve.sev_requests import Prepared
from softsnp.spec.activities import GUESTS, MODULES, PLAIN
from softsnp.spec.catalog import DESIGNS, SCENARIOS

ADMINISTRATOR = (*MODULES, *GUESTS, "kexec")
ASKS: dict[str, tuple[str, ...]] = {
    "administrator": ADMINISTRATOR,
    "module-loader": MODULES,
    "virtualizer": (*PLAIN, *GUESTS),
    "rebooter": (*PLAIN, "kexec"),
    "hotplugger": ("offline", "online"),
    "smt-user": ("smt on", "smt off", "smt forceoff"),
    "suspender": ("suspend", "test suspend", "hibernate"),
    "ioctl-user": ("SNP_COMMIT", "SNP_CONFIG"),
    "sev-user": ("FACTORY_RESET", "PEK_GEN", "SNP_PLATFORM_STATUS"),
}
"""What each activity of a scenario asks of the host."""
IOCTLS = {
    "SNP_COMMIT": (Ioctl.SNP_COMMIT, Request(Command.SNP_COMMIT, bytes((4, 0, 0, 0)))),
    "SNP_CONFIG": (Ioctl.SNP_SET_CONFIG, Request(Command.SNP_CONFIG, bytes(64))),
    "FACTORY_RESET": (Ioctl.FACTORY_RESET, Request(Command.FACTORY_RESET)),
    "PEK_GEN": (Ioctl.PEK_GEN, Request(Command.PEK_GEN)),
    "SNP_PLATFORM_STATUS": (Ioctl.SNP_PLATFORM_STATUS, Request(Command.SNP_PLATFORM_STATUS)),
}
RUNS = [
    ("linux-7.3", "thread", "x86-shutdown", {}),
    ("linux-7.3", "thread", "legacy", {"init-sipi-keeps-syscfg": False}),
    ("linux-6.12", "thread", "legacy", {}),
    ("rmpopt-v10", "two-ioctls", "legacy", {"commands-may-time-out": True}),
    ("rmpopt-v9", "rmpopt", "x86-shutdown", {}),
    ("rmpopt-v10", "suspend", "x86-shutdown", {"hotplug-callbacks-may-fail": True}),
    ("linux-7.3", "legacy-sev", "x86-shutdown", {}),
    ("linux-7.3", "vms", "legacy", {}),
    ("linux-7.3", "firmware", "x86-shutdown", {}),
    ("proposal", "module-reload", "legacy", {}),
    ("review-hold-read-lock", "thread", "legacy", {}),
]


@dataclass
class Watched:
    """A host, and the oracle that goes where it goes."""

    host: VirtualHost
    oracle: Concrete
    names: tuple[str, ...]
    trails: list[Trail]
    resting: list[bool]
    lane_of: dict[str, int] = field(default_factory=dict)
    roles: dict[int, str] = field(default_factory=dict)
    """Of every task by its number; the last that had it."""
    found: Counter[str] = field(default_factory=Counter)

    def __call__(self, task: Task, driver: LiveDriver, before: World) -> None:
        """The step that was just taken is one of the specification's."""
        activity = self.lane_of[task.role]
        world = self._world(before, task)
        after = self._world(driver.world, task)
        ended = task not in self.host.plane.live.tasks
        for taken in steps(self.oracle, activity, self.trails[activity], world):
            if _same(taken.world, after) and _same_place(taken, task, ended):
                self._go(activity, taken)
                self.found["taken"] += 1
                return
        unchanged = _same(world, after) and ended and self.resting[activity]
        assert unchanged and task.target is not None, (
            f"{task.lane}, {task.begin}: step {task.steps} is none of the specification's: "
            f"{driver.notes}"
        )
        self.found["nothing to do for this CPU"] += 1

    def _go(self, activity: int, taken: Taken) -> None:
        self.trails[activity] = (*self.trails[activity], taken.said)
        self.resting[activity] = taken.resting
        if taken.restarted:
            for other in range(len(self.trails)):
                if other != activity:
                    self.trails[other], self.resting[other] = (), True
        self.oracle.resting = lambda asked: self.resting[asked]

    def _world(self, world: World, task: Task) -> World:
        """The host's, with tasks by the number of their activity."""
        for each in (*self.host.plane.live.tasks, task):
            self.roles[each.number] = each.role
        picked = {self.lane_of[self.roles[n]]: member for n, member in world.picked.items()}
        return World(dict(world.scalars), list(world.members), picked)


def _same(one: World, other: World) -> bool:
    return (one.scalars, one.members, one.picked) == (other.scalars, other.members, other.picked)


def _same_place(taken: Taken, task: Task, ended: bool) -> bool:
    """In the functions of the specification that both are in; the activity's own are the oracle's
    alone.
    """
    if ended or task.resting:
        return taken.resting
    return _inner(taken.position) == _inner(position(task.coroutine, task.step, ()))


def _inner(where: Position) -> list[Any]:
    return [
        (place, live)
        for place, live, _ in where[0]
        if "/serve/" not in place[0] and not place[0].endswith("spec/activities.py")
    ]


def _watched(design: str, scenario: str, firmware: str, assume: dict[str, bool]) -> Watched:
    chosen = SCENARIOS[scenario]
    assumed = chosen.assume(assume)
    circumstances = Circumstances(
        DESIGNS[design], {"design": design}, GENERATIONS["genoa"], firmware, 3, assumed, 0
    )
    chip = power_on(circumstances.generation, chip_seed(0))
    host = VirtualHost(circumstances, chip, autoload=False)
    spec = DESIGNS[design](list(chosen.activities), assumed, firmware=firmware)
    oracle = Concrete(spec, numbered=True)
    count = len(chosen.activities)
    watched = Watched(host, oracle, chosen.activities, [()] * count, [True] * count)
    watched.lane_of = {name: index for index, name in enumerate(chosen.activities)}
    for operation, activity in _roles(chosen.activities).items():
        watched.lane_of.setdefault(operation, watched.lane_of[activity])
    oracle.resting = lambda asked: watched.resting[asked]
    host.plane.live.observers.append(watched)
    return watched


def _roles(activities: tuple[str, ...]) -> dict[str, str]:
    """The host's administrator is whoever administers in the scenario, and does its ioctls."""
    (administers,) = [a for a in activities if a in list(ASKS)[:4]]
    ioctls = next((a for a in ("ioctl-user", "sev-user") if a in activities), administers)
    return {"administrator": administers, "ioctl-user": ioctls}


def _requests(watched: Watched, random: Random) -> Iterator[None]:
    """Whoever is idle asks for something; then somebody steps."""
    host, live = watched.host, watched.host.plane.live
    while True:
        busy = {watched.lane_of[task.role] for task in live.tasks}
        idle = [n for n in watched.names if n in ASKS and watched.lane_of[n] not in busy]
        if idle and random.random() < 0.5:
            _ask(host, random.choice(ASKS[random.choice(idle)]), random)
        if random.random() < 0.02:
            what = random.choice(list(FAULTS))
            host.faults.add(Injected(what))
        live.work(1)
        yield


def _ask(host: VirtualHost, operation: str, random: Random) -> None:
    if operation in IOCTLS:
        asked, request = IOCTLS[operation]
        host.mailbox.issue(asked, Prepared(request.command, request), lambda *_: None)
        return
    if operation == "modprobe ccp" and host.scalar("ccp_loaded"):
        return  # an activity, like modprobe, does not ask for what is there
    host.perform(operation, cpu=random.randrange(3))


@pytest.mark.parametrize(("design", "scenario", "firmware", "assume"), RUNS)
@pytest.mark.parametrize("seed", range(2))
def test_every_step_of_a_live_host_is_one_of_the_specification(
    design: str, scenario: str, firmware: str, assume: dict[str, bool], seed: int
) -> None:
    watched = _watched(design, scenario, firmware, assume)
    failures: list[str] = []
    watched.host.plane.live.failures.append(lambda task: failures.append(task.failed))
    watched.host.boot()
    requests = _requests(watched, Random(f"{design} {scenario} {seed}"))
    for _ in range(600):
        next(requests)
    assert failures == []
    assert watched.found["taken"] > 100


def test_a_step_that_is_none_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = _watched("linux-7.3", "thread", "legacy", {})
    watched.host.boot()
    driver = watched.host.plane.live.driver
    monkeypatch.setattr(driver, "member_update", lambda change: None)
    watched.host.perform("offline", cpu=1)
    with pytest.raises(AssertionError, match="none of the specification's"):
        watched.host.settle()
