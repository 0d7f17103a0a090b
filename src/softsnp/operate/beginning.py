"""A host begun in the middle of its life: as it was observed, with what is not known left open.

Made of any design, for looking ahead: an activity puts the host into the state that was observed,
trying every value of what is open; does one operation; and then whatever an administrator may do.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from softsnp.abi.sev import Command
from softsnp.lang import Always, AlwaysPossible, Bool, Count, Kind, Never, OneOf, Property, activity
from softsnp.spec.activities import SYSTEM_CALL, Host
from softsnp.spec.linux.init.main import CommandLine
from softsnp.spec.properties import PROPERTIES

from .operations import OPERATIONS

BEGUN = "the state that was observed"
OPEN = "frozen"
"""Marks CPUs whose bits are not all chosen yet: nobody is frozen on a host that runs."""
MOST_OPERATIONS = 7
"""Of one undertaking."""
MOST_ALIKE = 2
"""Of CPUs that are alike, so many stand for all: no step depends on how many there are."""
THEN = (
    "modprobe ccp", "modprobe kvm-amd", "rmmod kvm-amd", "rmmod ccp", "online", "offline", "kexec",
    "start an SNP guest", "stop the SNP guest", "smt on",
)  # fmt: skip
"""What may be done to have back what an operation took: all but a reset."""


class Phase(enum.Enum):
    """Of looking ahead."""

    BEGINNING = 0
    BEFORE = 1
    DURING = 2
    AFTER = 3
    LATER = 4


@dataclass(frozen=True)
class Begun:
    """So many CPUs with these bits; each of the ``open`` bits may be so or not."""

    count: int
    bits: dict[str, bool]
    open: tuple[str, ...] = ()


@dataclass(frozen=True)
class Beginning:
    """Scalars of the design by name; of ``open`` ones each of these values is tried."""

    scalars: dict[str, Any]
    open: dict[str, tuple[Any, ...]]
    cpus: tuple[Begun, ...]


@dataclass(frozen=True)
class Undertaking:
    """What is done next: operations one after the other. ``line`` is the command line of kernels
    that begin meanwhile.
    """

    name: str
    operations: tuple[str, ...]
    line: CommandLine = CommandLine.NOTHING


IOCTLS = {
    "snphost commit": Command.SNP_COMMIT,
    "snphost config": Command.SNP_CONFIG,
    "snphost vlek-load": Command.SNP_VLEK_LOAD,
}
RELOAD_CCP = ("rmmod kvm-amd", "rmmod ccp", "modprobe ccp", "modprobe kvm-amd")
UNDERTAKINGS: tuple[Undertaking, ...] = (
    Undertaking("take a CPU offline", ("offline",)),
    Undertaking("bring a CPU online", ("online",)),
    Undertaking("switch SMT off", ("smt off",)),
    Undertaking("switch SMT on", ("smt on",)),
    Undertaking("reload kvm_amd", ("rmmod kvm-amd", "modprobe kvm-amd")),
    Undertaking("reload ccp, which updates the firmware", RELOAD_CCP),
    *(Undertaking(f"{name}{' set' * (name[-1] == 'g')}", (name,)) for name in IOCTLS),
    Undertaking("start an SNP guest", ("start an SNP guest",)),
    Undertaking("kexec", ("kexec", "modprobe kvm-amd")),
    Undertaking("kexec with maxcpus=", ("kexec", "modprobe kvm-amd"), CommandLine.MAXCPUS),
    Undertaking("kexec with nr_cpus=", ("kexec", "modprobe kvm-amd"), CommandLine.NR_CPUS),
    Undertaking("kexec with nosmt", ("kexec", "modprobe kvm-amd"), CommandLine.NOSMT),
    Undertaking("suspend to RAM", ("suspend",)),
    Undertaking("hibernate", ("hibernate",)),
)
NOTHING = Undertaking("nothing", ())
BEGINNER, OPERATOR = "beginner", "operator"


def begun(design: type[Host], beginning: Beginning, undertaking: Undertaking) -> type[Host]:
    """The design, begun so. Its activity OPERATOR does what is undertaken."""
    judged = tuple(prop for prop in PROPERTIES if isinstance(prop, Always))
    opened = tuple(beginning.open.items())
    bits = tuple((group, bit) for group in beginning.cpus for bit in group.open)

    class Ahead(design):  # type: ignore[misc,valid-type]
        name = design.name
        phase = OneOf(Phase.BEGINNING, "how far looking ahead has come", ghost=True)
        undertaken = Count(MOST_OPERATIONS, "how many operations have begun", ghost=True)

        def members(self) -> tuple[Kind, ...]:
            return tuple(
                Kind({**group.bits, **dict.fromkeys(group.open, False), OPEN: bool(group.open)}, n)
                for group in beginning.cpus
                if (n := min(group.count, MOST_ALIKE))
            )

        def possible_command_lines(self) -> tuple[CommandLine, ...]:
            later = self.observe(Ahead.phase) is Phase.LATER
            return (CommandLine.NOTHING if later else undertaking.line,)

        def frozen_tasks(self) -> list[str]:
            return [task for task in super().frozen_tasks() if task not in (BEGINNER, OPERATOR)]

        def fault(self, what: str) -> bool:
            """Nothing fails: what is asked about is what is undertaken."""
            return False

        def event(self, name: str) -> None:
            """What is done later is not what is asked about."""
            if self.observe(Ahead.phase) is not Phase.LATER:
                super().event(name)

        @activity("puts the host into the state that was observed")
        async def beginner(self) -> None:
            """C: none
            Locks: none
            Source: an observation
            """
            await self.rest(self.not_begun, atomic=BEGUN)
            self.put_known()
            at = 0
            while at < self.count_of_open():
                await self.preempt(atomic=BEGUN)
                self.put_open(at)
                at += 1
            await self.preempt(atomic=BEGUN)
            self.cpus.set(frozen=False)
            at = 0
            while at < len(self.already()):
                await self.preempt(atomic=BEGUN)
                self.put_already(at)
                at += 1
            self.phase = Phase.BEFORE
            while True:
                await self.rest(lambda: False)

        @activity("does what is undertaken, and later whatever an administrator may")
        async def operator(self) -> None:
            """C: none (user space)
            Locks: none
            Source: [code] v7.3: who may do it
            """
            while True:
                await self.rest(self.begun_and_running, atomic=SYSTEM_CALL)
                operation = self.next_operation()
                if operation:
                    await self.operate(operation)

        def not_begun(self) -> bool:
            return self.observe(Ahead.phase) is Phase.BEGINNING

        def begun_and_running(self) -> bool:
            return not self.not_begun() and self.user_space_runs()

        def next_operation(self) -> str:
            """Nothing, once, when what is undertaken has ended."""
            if self.phase is Phase.BEFORE or self.phase is Phase.DURING:
                at = self.undertaken
                if at == len(undertaking.operations):
                    self.phase = Phase.AFTER
                    return ""
                self.phase, self.undertaken = Phase.DURING, at + 1
                return undertaking.operations[at]
            self.phase = Phase.LATER
            chosen: str = self.choose(*THEN, label="operation")
            return chosen

        def already(self) -> tuple[Always, ...]:
            return judged

        def count_of_open(self) -> int:
            return len(opened) + len(bits)

        def put_known(self) -> None:
            for name, value in beginning.scalars.items():
                setattr(self, name, value)

        def put_open(self, at: int) -> None:
            """Each open bit may be so of all CPUs that are alike, of none, and of some."""
            if at < len(opened):
                name, values = opened[at]
                setattr(self, name, self.choose(*values, label=name))
                return
            group, bit = bits[at - len(opened)]
            alike = self.cpus.where(**{**group.bits, OPEN: True})
            those = ("no", "yes") if group.count == 1 else ("no", "yes", "some")
            chosen = self.choose(*those, label=f"{bit} of {_told(group)}")
            if chosen == "yes":
                alike.set(**{bit: True})
            elif chosen == "some":
                alike.set_one(**{bit: True})

        def put_already(self, at: int) -> None:
            broken = judged[at].when(self) and not judged[at].must(self)
            setattr(self, f"already_{at}", broken)

        async def operate(self, operation: str) -> None:
            """C: none (user space); one operation
            Locks: none
            Source: see softsnp.operate.operations
            """
            if operation in IOCTLS:
                await self.sev_ioctl(IOCTLS[operation])
            elif operation != "modprobe ccp" or not self.ccp_loaded:
                await OPERATIONS[operation].start(self)

    for number, prop in enumerate(judged):
        flag = Bool(False, f"{prop.name} was violated before", ghost=True)
        flag.__set_name__(Ahead, f"already_{number}")
        setattr(Ahead, f"already_{number}", flag)
    return cast("type[Host]", Ahead)


def _told(group: Begun) -> str:
    if not group.bits.get("present"):
        return "CPUs that are not present"
    return "online CPUs" if group.bits.get("online") else "offline CPUs"


ENDS = AlwaysPossible(
    "it-ends",
    "what is undertaken comes to its end",
    "",
    "it never ends",
    when=lambda h: h.phase is Phase.DURING,
    goal=lambda h: h.phase is not Phase.DURING,
    goal_sentence="it has ended",
)


def ahead(properties: Sequence[Property]) -> list[Property]:
    """What is asked of an undertaking: that it breaks none of these that was not broken before.

    What has to stay possible is asked of when it has ended, and anything may be done then.
    """
    made: list[Property] = []
    numbers = {p.name: n for n, p in enumerate(p for p in properties if isinstance(p, Always))}
    for prop in properties:
        if isinstance(prop, Always):
            made.append(_always(prop, f"already_{numbers[prop.name]}"))
        elif isinstance(prop, Never):
            made.append(prop)
        elif isinstance(prop, AlwaysPossible):
            made.append(_possible(prop))
    return [*made, ENDS]


def _always(prop: Always, already: str) -> Always:
    def when(h: Any) -> bool:
        during = h.phase is Phase.DURING or h.phase is Phase.AFTER
        return during and not getattr(h, already) and prop.when(h)

    return Always(
        prop.name, prop.sentence, prop.why, prop.broken, prop.must, when, at_rest=prop.at_rest
    )


def _possible(prop: AlwaysPossible) -> AlwaysPossible:
    return AlwaysPossible(
        prop.name,
        prop.sentence,
        prop.why,
        prop.broken,
        when=lambda h: h.phase is Phase.AFTER and prop.when(h),
        goal=prop.goal,
        goal_sentence=prop.goal_sentence,
        at_rest=prop.at_rest,
    )
