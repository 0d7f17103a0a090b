"""What each side did in an operation, and how the two differ: all that needs no kernel."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.spec.linux.kernel.cpu import MANY_HOLDS

from .events import Event, Warn, Wbinvd, told
from .guided import Blocked
from .operations import KINDS, Operation
from .specified import SpecifiedHost


@dataclass(frozen=True)
class Step:
    """What one side did in an operation."""

    returned: int | None
    events: tuple[str, ...]
    state: dict[str, str]


@dataclass(frozen=True)
class Divergence:
    """The first operation in which the sides differ."""

    operations: tuple[Operation, ...]
    kernel: Step
    specification: Step

    def differences(self) -> list[str]:
        """A line for each difference, the kernel's word first."""
        k, s = self.kernel, self.specification
        lines = []
        if k.returned != s.returned:
            lines.append(f"returned: kernel {k.returned}, specification {s.returned}")
        if k.events != s.events:
            lines.append("events differ:")
            lines += [f"  kernel:        {e}" for e in k.events]
            lines += [f"  specification: {e}" for e in s.events]
        lines += [
            f"{name}: kernel {k.state[name]}, specification {s.state[name]}"
            for name in k.state
            if k.state[name] != s.state[name]
        ]
        return lines


def specified_step(host: SpecifiedHost, operation: Operation, kernel: Step) -> Step:
    """What the specification does. Where it leaves open whether a count of "three or more" stays
    so, it goes as the kernel went.
    """
    many = kernel.state["cpu_hotplug_disabled"] == str(MANY_HOLDS)
    try:
        returned = host.perform(operation, more_holds=many)
    except Blocked as blocked:
        return Step(None, (f"blocked {blocked}",), host.state())
    returned = returned if KINDS[operation.kind].returns else None
    return Step(returned, shown(host.events), host.state())


def shown(events: list[Event]) -> tuple[str, ...]:
    """In order, warnings last. WBINVDs in a row are one line: caches are no part of the state."""
    lines: list[str] = []
    flushed: set[int] = set()
    for event in [e for e in events if e != Warn()] + [None]:
        if isinstance(event, Wbinvd):
            flushed.add(event.cpu)
            continue
        if flushed:
            lines.append(f"WBINVD on CPUs {', '.join(map(str, sorted(flushed)))}")
            flushed = set()
        if event is not None:
            lines += told([event])
    return (*lines, *told(e for e in events if e == Warn()))
