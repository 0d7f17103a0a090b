"""What a step did, in the words of a trace: who changed what, in which function."""

from __future__ import annotations

import re
import sys
from collections.abc import Coroutine
from types import CodeType, FrameType
from typing import Any

from .driver import Change, Cube
from .locks import Lock
from .position import frames
from .specification import Specification, declared
from .state import Field
from .steps import Step
from .trace import Frame
from .world import InWorld, World

OPERATION = ("operation: ", "command: ", "fault: ")
"""How notes begin that tell a decision."""


def doc_of(spec: Specification, code: CodeType) -> str:
    """The docstring of the specification's method that this code belongs to."""
    for base in type(spec).__mro__:
        method = vars(base).get(code.co_name)
        if getattr(method, "__code__", None) is code:
            return method.__doc__ or ""
    return ""


def c_function(doc: str) -> str:
    """``snp_prepare()`` out of a docstring's ``C: file: snp_prepare()…`` line, if it has one."""
    for line in doc.splitlines():
        if line.strip().startswith("C: "):
            found = re.search(r"\w+\(\)", line)
            return found.group() if found else ""
    return ""


def describe(spec: Specification, frame: Any) -> Frame:
    """A suspended frame, with the C counterpart from its function's docstring."""
    code = frame.f_code
    doc = doc_of(spec, code)
    return Frame(
        code.co_name, c_function(doc) or code.co_name, code.co_filename, frame.f_lineno, doc
    )


def chain(spec: Specification, coroutine: Coroutine[Step, None, Any]) -> tuple[Frame, ...]:
    """The functions that a coroutine is suspended in, outermost first."""
    return tuple(
        describe(spec, frame)
        for frame in frames(coroutine)
        if "/softsnp/lang/" not in frame.f_code.co_filename
    )


def changes(spec: Specification, before: World, after: World) -> dict[str, str]:
    """What differs: a scalar's or lock's name, or ``CPU 2``, to ``before → after``."""
    found = {}
    for name, field in declared(type(spec), Field).items():
        old, new = before.scalars[name], after.scalars[name]
        if old != new and not field.ghost:
            found[name] = f"{field.show(old)} → {field.show(new)}"
    for name, lock in declared(type(spec), Lock).items():
        parts = {part: field.name for part, field in lock.parts().items()}
        was = {part: before.scalars[field] for part, field in parts.items()}
        now = {part: after.scalars[field] for part, field in parts.items()}
        if was != now:
            found[name] = lock.tell(was, now)
    population = spec.population()
    for member, (old, new) in enumerate(zip(before.members, after.members, strict=True)):
        if old != new and population is not None:
            found[f"{population.member} {member}"] = ", ".join(
                f"{name} {old >> bit.index & 1} → {new >> bit.index & 1}"
                for name, bit in population.bits.items()
                if (old ^ new) >> bit.index & 1 and not bit.ghost
            )
    return found


def changed(spec: Specification, before: World, after: World) -> set[str]:
    """The scalars and bits that differ."""
    found = {name for name, old in before.scalars.items() if after.scalars[name] != old}
    population = spec.population()
    for old, new in zip(before.members, after.members, strict=True):
        if old != new and population is not None:
            found |= {n for n, bit in population.bits.items() if (old ^ new) >> bit.index & 1}
    return found


def shown(spec: Specification, world: World) -> dict[str, str]:
    """The scalars, locks and observers' fields left out."""
    fields = declared(type(spec), Field)
    return {
        name: field.show(world.scalars[name]) for name, field in fields.items() if not field.ghost
    }


def members_shown(spec: Specification, world: World) -> dict[str, dict[str, bool]]:
    """``CPU 0`` to its bits. A bit that tells members apart is there for those that have it."""
    population = spec.population()
    if population is None:
        return {}
    return {
        f"{population.member} {number}": {
            name: bool(cls >> bit.index & 1)
            for name, bit in population.bits.items()
            if cls >> bit.index & 1 or not bit.identity
        }
        for number, cls in enumerate(world.members)
    }


def holds(spec: Specification, activity: int) -> tuple[str, ...]:
    """``cpu_hotplug_lock for reading`` and so on: the locks that an activity has."""
    return tuple(
        f"{lock} for {mode}ing" if mode == "read" else lock for lock, mode, _ in spec.held(activity)
    )


class Placing(InWorld):
    """A driver that also writes down where things happen; to be mixed into another.

    ``places`` maps each note and each thing written to the function that did it last.
    """

    def __init__(self, spec: Specification, *others: Any) -> None:
        super().__init__(spec, *others)
        self.places: dict[str, str] = {}
        population = spec.population()
        self.member = population.member if population else ""

    def _place(self, what: str) -> None:
        self.places.pop(what, None)
        self.places[what] = self._function()

    def _function(self) -> str:
        """The innermost running function of the specification that has a C counterpart."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            function = c_function(doc_of(self.spec, frame.f_code))
            if function:
                return function
            frame = frame.f_back
        return ""

    def _place_members(self, before: list[int]) -> None:
        for member, (old, new) in enumerate(zip(before, self.world.members, strict=True)):
            if old != new:
                self._place(f"{self.member} {member}")

    def write(self, field: Field[Any], index: int) -> None:
        super().write(field, index)
        self._place(field.thing)

    def update(self, cube: Cube, change: Change) -> None:
        before = list(self.world.members)
        super().update(cube, change)
        self._place_members(before)

    def update_one(self, cube: Cube, change: Change) -> None:
        before = list(self.world.members)
        super().update_one(cube, change)
        self._place_members(before)

    def member_update(self, change: Change) -> None:
        before = list(self.world.members)
        super().member_update(change)
        self._place_members(before)

    def note(self, text: str) -> None:
        super().note(text)
        self._place(text)
