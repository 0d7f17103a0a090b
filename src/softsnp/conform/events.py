"""What a kernel or the specification did that can be seen from outside, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from softsnp.abi.sev import Command, Status


@dataclass(frozen=True)
class Register:
    """A bit of a CPU has changed: in SYSCFG, VM_HSAVE_PA, or a mask of CPUs."""

    cpu: int
    bit: str
    on: bool

    def __str__(self) -> str:
        return f"CPU {self.cpu}: {self.bit} {int(not self.on)} → {int(self.on)}"


@dataclass(frozen=True)
class Wbinvd:
    """Of one CPU, or, put together, of several."""

    cpu: int

    def __str__(self) -> str:
        return f"CPU {self.cpu}: WBINVD"


@dataclass(frozen=True)
class Mailbox:
    """A firmware command and what it answered."""

    command: str
    status: str

    def __str__(self) -> str:
        return f"{self.command} → {self.status}"


@dataclass(frozen=True)
class Warn:
    """The kernel warned, once or not."""

    def __str__(self) -> str:
        return "WARN"


Event = Register | Wbinvd | Mailbox | Warn


def command(asked: Command, status: Status) -> Mailbox:
    return Mailbox(asked.name, status.name)


def told(events: Iterable[Event]) -> list[str]:
    return [str(event) for event in events]
