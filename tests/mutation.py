"""A mutation: one function of the specification with a mistake in it, for a while."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any


@dataclass(frozen=True)
class Mutation:
    """``old`` stands exactly once in the function's source. Both are indented as in the class."""

    name: str
    owner: type
    function: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.name

    @property
    def of_the_firmware(self) -> bool:
        """The kernel in the emulator runs on it too, so only a recording can tell."""
        return ".spec.fw." in self.owner.__module__

    def applies_to(self, design: type) -> bool:
        return issubclass(design, self.owner)


@contextmanager
def mutated(mutation: Mutation) -> Iterator[None]:
    """The function is the mutated one inside, in every class that inherits it."""
    original = vars(mutation.owner)[mutation.function]
    wrong = with_mistake(mutation, original)
    setattr(mutation.owner, mutation.function, wrong)
    try:
        yield
    finally:
        setattr(mutation.owner, mutation.function, original)


def with_mistake(mutation: Mutation, original: object) -> FunctionType:
    """The function compiled anew, decorators and all. Raises ValueError if the text is not there.

    super() without arguments looks for a variable __class__ around the function.
    """
    if not isinstance(original, FunctionType):
        raise ValueError(f"{mutation.name}: {mutation.function} is no plain function")
    source = inspect.getsource(original)
    found = source.count(mutation.old)
    if found != 1:
        raise ValueError(f"{mutation.name}: its old text occurs {found} times, not once")
    body = textwrap.indent(textwrap.dedent(source.replace(mutation.old, mutation.new)), "    ")
    code = (
        "from __future__ import annotations\n"
        f"def around(__class__):\n{body}\n    return {original.__name__}\n"
    )
    made: dict[str, Any] = {}
    exec(compile(code, f"<{mutation.name}>", "exec"), original.__globals__, made)
    wrong: FunctionType = made["around"](mutation.owner)
    wrong.__qualname__ = original.__qualname__
    return wrong
