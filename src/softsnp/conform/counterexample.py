"""A counterexample of the checker on the kernel's own code: the same steps, by kernel threads.

A trace says in which order activities are seen to do something: change a CPU's registers, enter the
online mask, send a firmware command. Each activity's system calls run as kernel threads, and each
goes on when the trace says that its activity is seen doing something more. At the end the property
is asked about what the kernel and its hardware have come to.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from softsnp.abi.sev import Command
from softsnp.lang import Always, Never, Property
from softsnp.lang.trace import Trace, TraceStep

from .errors import KernelBug
from .events import Wbinvd
from .guided import REGISTERS
from .host import KernelHost
from .machine import BLOCKED
from .operations import RANGE_LIST
from .threads import FINISHED, Thread, Threads

CONFIRMED = "confirmed"
NOT_REPRODUCED = "not reproduced"
NOT_REACHABLE = "not reachable here"
CHANGE = re.compile(r"(\w+) ([01]) → ([01])")
COMMANDS = {c.name for c in Command}
READERS = ("snp_prepare", "clear_rmp", "snp_shutdown")
"""Functions whose steps without a change look at SYSCFG of the CPU that they run on."""
ABOUT_TO_BE_SEEN = ("wrmsr", "firmware command")
"""Where a thread pauses just before that."""


class Differs(Exception):
    """The kernel went another way; the argument says where and how."""


class Unreachable(Exception):
    """What the trace asks for is not among the functions that run here."""


@dataclass(frozen=True)
class Outcome:
    word: str
    """CONFIRMED, NOT_REPRODUCED or NOT_REACHABLE."""
    why: str = ""


@dataclass
class Actor:
    """An activity and its present system call."""

    thread: Thread | None = None
    no_range_list: bool = False


class Replayer:
    """One trace on one host, which is at its start: booted, with every present CPU online."""

    def __init__(self, host: KernelHost, trace: Trace) -> None:
        self.host = host
        self.trace = trace
        host.ccp.slowly()
        host.machine.next_cpu = self._next_cpu
        self.number = 0
        """The step of the trace that is under way."""
        self.acting = ""
        """Whose step it is."""
        self.threads = Threads(host.machine)
        self.actors: defaultdict[str, Actor] = defaultdict(Actor)

    def run(self, prop: Property) -> Outcome:
        """Raises NotEmulated, as whatever runs kernel code: then nothing is known."""
        if not isinstance(prop, Always) and not _warns(prop):
            return Outcome(NOT_REACHABLE, f"nobody here can see whether {prop.name} is violated")
        try:
            for number, step in enumerate(self.trace.steps, 1):
                self._step(number, step)
            self._come_to_rest()
        except Differs as how:
            return Outcome(NOT_REPRODUCED, str(how))
        except Unreachable as why:
            return Outcome(NOT_REACHABLE, str(why))
        except KernelBug as error:
            return Outcome(NOT_REPRODUCED, str(error))
        if not self._violated(prop):
            return Outcome(NOT_REPRODUCED, "all steps are the same, and the property holds")
        return Outcome(CONFIRMED)

    # --- steps -----------------------------------------------------------------------------------

    def _step(self, number: int, step: TraceStep) -> None:
        actor = self.actors[step.activity]
        self.number, self.acting = number, step.activity
        begun = next((c for c in step.choices if c.startswith("operation: ")), "")
        if begun:
            self._finish(step.activity, actor)
            work = self._work(begun.removeprefix("operation: "), step.activity, number)
            actor.thread = self.threads.spawn(work, 0)
            actor.no_range_list = RANGE_LIST in self._failures(step.activity, number)
        if actor.thread is None:
            return  # it boots, and the host has booted
        self.host.ccp.failing = self._failures(step.activity, number, this=True)
        wanted = Counter(visible(step))
        reads = int(not step.changes and step.frames[-1].method in READERS)
        seen: Counter[str] = Counter()
        while seen < wanted or reads:
            did = self._advance(actor)
            reads -= int(reads and actor.thread.paused_at == "after rdmsr")
            seen.update(did)
            if not seen <= wanted:
                raise Differs(self._told(number, step, wanted, f"does {', '.join(did)}"))
            if actor.thread.paused_at == FINISHED:
                break
            if actor.thread.paused_at == BLOCKED and not self._make_way(actor):
                break
        if seen != wanted:
            raise Differs(self._told(number, step, wanted, actor.thread.paused_at))
        if "kexec" in step.events:
            for other in self.actors.values():
                other.thread = other.thread if other is actor else None

    def _next_cpu(self, left: set[int]) -> int:
        """A broadcast reaches CPUs in the order of the trace."""
        for step in self.trace.steps[self.number - 1 :]:
            if step.activity == self.acting:
                for name in step.changes:
                    if name.startswith("CPU ") and int(name.removeprefix("CPU ")) in left:
                        return int(name.removeprefix("CPU "))
        return min(left)

    def _make_way(self, blocked: Actor) -> bool:
        """Others go on as far as nobody sees it, and may release a lock; whether any did."""
        moved = False
        for other in self.actors.values():
            while (
                other is not blocked
                and other.thread is not None
                and other.thread.paused_at not in (*ABOUT_TO_BE_SEEN, BLOCKED, FINISHED)
            ):
                did = self._advance(other)
                moved = True
                if did:
                    raise Differs(f"another thread does {did[0]} while this one waits for it")
        return moved

    def _told(self, number: int, step: TraceStep, wanted: Counter[str], did: str) -> str:
        where = step.frames[-1].function if step.frames else step.activity
        should = ", ".join(wanted.elements()) or "nothing that can be seen"
        return f"step {number}, in {where}: the specification does {should}; the kernel {did}"

    def _advance(self, actor: Actor) -> list[str]:
        """Run to the next pause; what it was seen to do."""
        assert actor.thread is not None
        events = self.host.hardware.events
        before = len(events)
        self.host.machine.no_range_list = actor.no_range_list
        self.threads.advance(actor.thread)
        return [str(e) for e in events[before:] if not isinstance(e, Wbinvd)]

    def _finish(self, activity: str, actor: Actor) -> None:
        """The system call goes on to its end, and is not seen to do anything more."""
        if actor.thread is None:
            return
        while actor.thread.paused_at != FINISHED:
            did = self._advance(actor)
            if did:
                raise Differs(f"{activity}: the kernel goes on with {did[0]}")
            if actor.thread.paused_at == BLOCKED:
                raise Differs(f"{activity}: the kernel waits for a lock")

    def _come_to_rest(self) -> None:
        for standing in self.trace.standing:
            if standing.resting and standing.activity in self.actors:
                self._finish(standing.activity, self.actors[standing.activity])

    # --- system calls ----------------------------------------------------------------------------

    def _segment(self, activity: str, number: int) -> Iterator[TraceStep]:
        """The steps of an activity's operation from a step on."""
        for at, step in enumerate(self.trace.steps[number - 1 :]):
            if step.activity == activity:
                if at and any(c.startswith("operation: ") for c in step.choices):
                    return
                yield step

    def _failures(self, activity: str, number: int, *, this: bool = False) -> tuple[str, ...]:
        """What fails in an operation, or in this step of it."""
        steps = list(self._segment(activity, number))[: 1 if this else None]
        faults = [c for step in steps for c in step.choices if c.startswith("fault: ")]
        return tuple(f.removeprefix("fault: ").removesuffix(" fails") for f in faults)

    def _cpu(self, activity: str, number: int) -> int:
        """The CPU that a hotplug operation is about."""
        for step in self._segment(activity, number):
            for name, change in step.changes.items():
                if name.startswith("CPU ") and ("online" in change or "present" in change):
                    return int(name.removeprefix("CPU "))
        raise Unreachable(f"step {number} does not come as far as choosing a CPU")

    def _work(self, operation: str, activity: str, number: int) -> Callable[[], object]:
        host, environment = self.host, self.host.environment
        machine, devices = host.machine, host.hotplug.devices

        def modprobe_kvm() -> None:
            if host.platform_init(machine.cpu) == 0:
                environment.load_kvm(host.mask("online"))
                machine.pause("after KVM has enabled virtualization")

        def rmmod_kvm() -> None:
            if environment.kvm:
                environment.unload_kvm(host.mask("online"))
                machine.pause("after KVM has disabled virtualization")
                machine.rc("sev_platform_shutdown")

        if operation in ("offline a CPU", "online a CPU", "add a CPU"):
            cpu = self._cpu(activity, number)
            function = "device_offline" if operation.startswith("off") else "device_online"
            if operation == "add a CPU":
                return lambda: host.add(cpu)
            return lambda: machine.rc(function, devices[cpu])
        calls: dict[str, Callable[[], object]] = {
            "snphost commit": lambda: host.ioctl(Command.SNP_COMMIT, machine.cpu),
            "snphost config": lambda: host.ioctl(Command.SNP_CONFIG, machine.cpu),
            "snphost vlek-load": lambda: host.ioctl(Command.SNP_VLEK_LOAD, machine.cpu),
            "modprobe kvm-amd": modprobe_kvm,
            "rmmod kvm-amd": rmmod_kvm,
            "start an SNP guest": environment.start_guest,
            "stop the SNP guest": environment.stop_guest,
            "kexec": lambda: host.kexec(0),
        }
        if operation not in calls:
            raise Unreachable(f"{operation!r} is not driven here")
        return calls[operation]

    # --- the end ---------------------------------------------------------------------------------

    def _violated(self, prop: Property) -> bool:
        """Whether the property is violated by what the kernel and its hardware have come to."""
        if not isinstance(prop, Always):
            return bool(self.host.machine.warnings)
        spec, guide = self.host.spec, self.host.hardware.guide
        guide.begin(self.host.observe(), 0, ())
        guide.target = None
        guide.resting = lambda activity: self._rests(spec.activity_names[activity])
        spec.driver = guide
        spec.begin_step(-1, atomic="a property is not a step")
        return prop.judge(spec)[1]

    def _rests(self, activity: str) -> bool:
        actor = self.actors.get(activity)
        return actor is None or actor.thread is None or actor.thread.paused_at == FINISHED


def _warns(prop: Property) -> bool:
    """Whether a WARN of the kernel is what violates it: of events, that alone can be seen here."""
    return isinstance(prop, Never) and prop.never.startswith("WARN")


def visible(step: TraceStep) -> list[str]:
    """What a step of a trace is seen to do, as events.py tells it."""
    found = [note for note in step.notes if note.split(" → ")[0] in COMMANDS]
    for name, change in step.changes.items():
        if name.startswith("CPU "):
            bits = {bit: (old, new) for bit, old, new in CHANGE.findall(change)}
            found += [
                f"{name}: {bit} {bits[bit][0]} → {bits[bit][1]}" for bit in bits if bit in REGISTERS
            ]
    return found
