"""Where an activity stands: code, instruction and locals, down its chain of awaits."""

from __future__ import annotations

import enum
from collections.abc import Coroutine
from typing import Any

from .errors import SpecError
from .liveness import live_after
from .locks import Lock
from .population import Member
from .specification import Specification
from .steps import Step

Names = tuple[tuple[str, Any], ...]
Frame = tuple[tuple[str, str, int, int], Names, Names]
"""The instruction; the locals that may be read again, and the others."""
Position = tuple[tuple[Frame, ...], tuple[Any, ...], bool]


def advance(coroutine: Coroutine[Step, None, None]) -> Step:
    """Run a coroutine to its next await; refuses anything but a Step there."""
    step = coroutine.send(None)
    if not isinstance(step, Step):
        raise SpecError(
            f"awaits a {type(step).__name__}, which no driver knows\n"
            f"  wrote: await <{type(step).__name__}>\n"
            f"  write: await self.preempt(), self.until(…) or another word of the language",
            location(coroutine),
        )
    return step


def frames(coroutine: object) -> list[Any]:
    """The suspended frames from the activity down to the word it awaits."""
    found: list[Any] = []
    while True:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None:
            return found
        found.append(frame)
        coroutine = getattr(coroutine, "cr_await", None)


def location(coroutine: object) -> str:
    """``file:line`` of the innermost suspended frame that is the author's own."""
    place = ""
    for frame in frames(coroutine):
        own = isinstance(frame.f_locals.get("self"), Specification)
        if not place or (own and "/softsnp/lang/" not in frame.f_code.co_filename):
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
    return place


def position(coroutine: object, step: Step, held: tuple[Any, ...]) -> Position:
    """The activity's whole local state as a value. Two equal positions behave alike."""
    chain = []
    for frame in frames(coroutine):
        code = frame.f_code
        live: list[tuple[str, Any]] = []
        dead: list[tuple[str, Any]] = []
        read = live_after(code, frame.f_lasti)
        for name, value in frame.f_locals.items():
            if name in ("self", "__class__"):
                continue
            try:
                told = _plain(value)
            except TypeError:
                raise SpecError(
                    f"the local {name!r} of {code.co_name}() is a {type(value).__name__}, which "
                    f"cannot live across an await: only bool, int, str, None, enum members, "
                    f"tuples of these, locks and the picked member can\n"
                    f"  wrote: {name} = <{type(value).__name__}>, then await\n"
                    f"  write: a declared field, a tuple, or `del {name}` before the await",
                    f"{code.co_filename}:{frame.f_lineno}",
                ) from None
            (live if name in read else dead).append((name, told))
        place = (code.co_filename, code.co_qualname, code.co_firstlineno, frame.f_lasti)
        chain.append((place, tuple(live), tuple(dead)))
    return (tuple(chain), held, step.resting)


def lasting(where: Position) -> Position:
    """A position without the values that nobody reads again. Equal ones still behave alike."""
    chain, held, resting = where
    return (tuple((place, live, ()) for place, live, _ in chain), held, resting)


def _plain(value: object) -> object:
    """A hashable stand-in that tells apart what a specification can tell apart."""
    if value is None or isinstance(value, bool | int | str):
        return (type(value).__name__, value)
    if isinstance(value, enum.Enum):
        return (type(value).__qualname__, value.name)
    if isinstance(value, tuple):
        return tuple(_plain(v) for v in value)
    if isinstance(value, dict):  # keyword arguments
        return ("dict", tuple(sorted((str(k), _plain(v)) for k, v in value.items())))
    if isinstance(value, Lock):
        return ("lock", value.name)
    if isinstance(value, Member):
        return ("member",)
    if isinstance(value, Specification):
        return ("self",)
    raise TypeError
