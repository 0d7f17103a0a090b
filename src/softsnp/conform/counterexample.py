"""A counterexample of the checker on the kernel's own code: the same steps, by kernel threads.

A trace says in which order activities are seen to do something: change a CPU's registers, enter the
online mask, send a firmware command. Each activity's system calls run as kernel threads, and each
goes on when the trace says that its activity is seen doing something more. At the end the property
is asked about what the kernel and its hardware have come to.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from softsnp.abi.sev import Command
from softsnp.lang import AlwaysPossible, Property
from softsnp.lang.trace import Trace, TraceStep

from .calls import SystemCalls, Unreachable
from .errors import KernelBug
from .events import Wbinvd
from .guided import REGISTERS
from .host import CORE_IS_THERE, KernelHost
from .judging import Witness
from .machine import BLOCKED
from .operations import RANGE_LIST
from .threads import FINISHED, Thread, Threads

CONFIRMED = "confirmed"
NOT_REPRODUCED = "not reproduced"
NOT_REACHABLE = "not reachable here"
CHANGE = re.compile(r"(\w+) ([01]) → ([01])")
COMMANDS = {c.name for c in Command}
STUCK = "the kernel comes to the same state; nobody here can see whether it stays there for good"
INITIALIZE = ("modprobe kvm-amd", "start an SNP guest")
"""Operations that initialize SNP if it is not up."""
READERS = ("snp_prepare", "clear_rmp", "snp_shutdown")
"""Functions whose steps without a change look at SYSCFG of the CPU that they run on."""
READERS_AT_BOOT = ("snp_rmptable_init",)
"""The same, in v6.12."""
RMP_IS_CLEARED = "the RMP is cleared"
ABOUT_TO_BE_SEEN = ("wrmsr", "firmware command")
"""Where a thread pauses just before that."""


class Differs(Exception):
    """The kernel went another way; the argument says where and how."""


@dataclass(frozen=True)
class Outcome:
    word: str
    """CONFIRMED, NOT_REPRODUCED or NOT_REACHABLE."""
    why: str = ""


@dataclass
class Actor:
    """An activity and its present system call."""

    thread: Thread | None = None
    operation: str = ""
    no_range_list: bool = False


class Replayer:
    """One trace on one host, which is at its start: booted, with every present CPU online."""

    def __init__(self, host: KernelHost, trace: Trace) -> None:
        self.host = host
        self.trace = trace
        self.calls = SystemCalls(host, trace)
        host.ccp.slowly()
        host.machine.next_cpu = self._next_cpu
        self.number = 0
        """The step of the trace that is under way."""
        self.acting = ""
        """Whose step it is."""
        self.threads = Threads(host.machine)
        self.actors: defaultdict[str, Actor] = defaultdict(Actor)
        self.witness = Witness(host, self._rests)

    def run(self, prop: Property) -> Outcome:
        """Raises NotEmulated, as whatever runs kernel code: then nothing is known."""
        if not self.witness.sees(prop):
            return Outcome(NOT_REACHABLE, f"nobody here can see whether {prop.name} is violated")
        try:
            self._boot()
            for number, step in enumerate(self.trace.steps, 1):
                self._step(number, step)
            self._come_to_rest()
        except Differs as how:
            return Outcome(NOT_REPRODUCED, str(how))
        except Unreachable as why:
            return Outcome(NOT_REACHABLE, str(why))
        except KernelBug as error:
            return Outcome(NOT_REPRODUCED, str(error))
        if not self.witness.violated(prop):
            return Outcome(NOT_REPRODUCED, "all steps are the same, and the property holds")
        if isinstance(prop, AlwaysPossible):
            return Outcome(NOT_REACHABLE, STUCK)
        return Outcome(CONFIRMED)

    def _boot(self) -> None:
        """The host has booted already; if something failed in it, the driver finds its device
        again, and that fails.
        """
        steps = self.trace.steps
        failing = self.calls.failures(steps[0].activity, 1) if steps else ()
        if failing:
            self.host.ccp.failing = failing
            self.host.unbind(0)
            self.host.bind()
            self.host.hardware.events.clear()

    # --- steps -----------------------------------------------------------------------------------

    def _step(self, number: int, step: TraceStep) -> None:
        actor = self.actors[step.activity]
        self.number, self.acting = number, step.activity
        begun = next((c for c in step.choices if c.startswith("operation: ")), "")
        if begun:
            self._finish(step.activity, actor)
            actor.operation = begun.removeprefix("operation: ")
            work = self.calls.work(actor.operation, step.activity, number)
            actor.thread = self.threads.spawn(work, 0)
            actor.no_range_list = RANGE_LIST in self.calls.failures(step.activity, number)
        if actor.thread is None:
            return  # it boots, and the host has booted
        self.host.ccp.failing = self.calls.failures(step.activity, number, this=True)
        wanted = Counter(visible(step))
        unseen = self._unseen(step, actor)
        seen: Counter[str] = Counter()
        while seen < wanted or unseen:
            if unseen == "after rdmsr" and actor.thread.paused_at == "rdmsr":
                self._migrate(actor.thread, number)
            did = self._advance(actor)
            if unseen == (RMP_IS_CLEARED if self.witness.cleared else actor.thread.paused_at):
                unseen = ""
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

    def _unseen(self, step: TraceStep, actor: Actor) -> str:
        """The pause at which a thread has done what the trace says and nobody sees; or nothing."""
        method = step.frames[-1].method if step.frames else ""
        if RMP_IS_CLEARED in step.events:
            return RMP_IS_CLEARED
        if any("fused 0 → 1" in change for change in step.changes.values()):
            return CORE_IS_THERE
        kernel = self.host.kernel
        readers = READERS if "snp_prepare" in kernel else READERS_AT_BOOT
        if method in readers and not step.changes:
            return "after rdmsr"
        if (
            "snp_prepare" not in kernel
            and actor.operation in INITIALIZE
            and step.changes.get("sev_cmd_mutex") == "taken"
            and not self.host.observed("sev_plat_state")
            and not self.host.observed("snp_initialized")
        ):
            return "broadcast"
        return ""

    def _migrate(self, thread: Thread, number: int) -> None:
        """A task that may be preempted reads SYSCFG of any CPU: of one whose SNP_EN is what the
        trace goes on with.
        """
        hardware = self.host.hardware
        following = list(self.calls.segment(self.acting, number))[1:2]
        off = any(
            step.frames[-1].method == "clear_rmp" or RMP_IS_CLEARED in step.events
            for step in following
        )
        if thread.depth != 1 or not following or hardware.has(thread.cpu, "snp_en") != off:
            return
        for cpu in range(self.host.machine.cpus):
            if self.host.mask("online") >> cpu & 1 and hardware.has(cpu, "snp_en") != off:
                thread.cpu = cpu
                return

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
        self.witness.before()
        self.threads.advance(actor.thread)
        did = [str(e) for e in events[before:] if not isinstance(e, Wbinvd)]
        initializes = actor.operation in INITIALIZE
        self.witness.after(actor, initializes, actor.thread.paused_at, did)
        return did

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

    # --- the end ---------------------------------------------------------------------------------

    def _rests(self, activity: str) -> bool:
        actor = self.actors.get(activity)
        return actor is None or actor.thread is None or actor.thread.paused_at == FINISHED


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
