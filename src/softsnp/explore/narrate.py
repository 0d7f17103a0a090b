"""Concrete drivers that also write down where things happen, and what is looked at."""

from __future__ import annotations

import re
import sys
from types import CodeType, FrameType
from typing import Any

from softsnp.lang import Change, Cube, Field, Specification
from softsnp.lang.trace import Frame

from .concrete import Concrete, World


class Narrator(Concrete):
    """``places`` maps each note and each thing written to the function that did it last."""

    def __init__(self, spec: Specification) -> None:
        super().__init__(spec)
        self.places: dict[str, str] = {}
        population = spec.population()
        self.member = population.member if population else ""

    def begin(self, world: World, activity: int, script: tuple[int, ...]) -> None:
        super().begin(world, activity, script)
        self.places = {}

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


class Listener(Concrete):
    """Writes down which scalars and bits a property asks about, in a state that is at rest."""

    def __init__(self, spec: Specification) -> None:
        super().__init__(spec)
        self.resting = lambda _: True
        self.bits = spec.population()
        self.heard: set[str] = set()

    def read(self, field: Field[Any]) -> int:
        self.heard.add(field.name)
        return super().read(field)

    def any(self, cube: Cube) -> bool:
        bits = self.bits.bits if self.bits else {}
        self.heard |= {name for name, bit in bits.items() if cube.mask >> bit.index & 1}
        return super().any(cube)


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
