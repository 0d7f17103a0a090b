"""Declared state: scalars with finite domains, and the constants of a run.

Reading a field of a specification gives a plain bool, int or enum member; the driver sees every
read and write. A field says which memory it lives in (what a restart loses), which lock guards
it, and in one sentence what it is.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from .errors import OutOfDomain

if TYPE_CHECKING:
    from .specification import Specification

T = TypeVar("T")
F = TypeVar("F", bound="Field[Any]")


class Field(Generic[T]):
    """A scalar with a finite domain, declared as a class attribute of a specification.

    ``guard`` names the lock that its readers and writers hold. ``memory`` names what it is lost
    with. ``ghost`` marks an observer's field: it is not part of the system, so touching it needs
    no step of its own. ``thing`` groups fields that are one shared thing (a lock's parts).
    """

    name: str = "?"

    def __init__(
        self,
        domain: Iterable[T],
        initial: T,
        doc: str,
        *,
        memory: str = "",
        guard: str | None = None,
        ghost: bool = False,
        thing: str | None = None,
    ) -> None:
        self.domain = tuple(domain)
        self.initial = self.domain.index(initial)
        self.doc = doc
        self.memory = memory
        self.guard = guard
        self.ghost = ghost
        self._thing = thing

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def thing(self) -> str:
        return self._thing or self.name

    @overload
    def __get__(self: F, spec: None, owner: type | None = None) -> F: ...
    @overload
    def __get__(self, spec: Specification, owner: type | None = None) -> T: ...
    def __get__(self: F, spec: Specification | None, owner: type | None = None) -> F | T:
        if spec is None:
            return self
        spec.touched(self, write=False)
        return cast("T", self.domain[spec.driver.read(self)])

    def __set__(self, spec: Specification, value: T) -> None:
        try:
            index = self.domain.index(value)
        except ValueError:
            raise OutOfDomain(
                f"{self.name} = {value!r} is outside its domain "
                f"({', '.join(map(str, self.domain))})"
            ) from None
        spec.touched(self, write=True)
        spec.driver.write(self, index)

    def show(self, index: int) -> str:
        """The value at ``index`` of the domain, as text."""
        value = self.domain[index]
        if isinstance(value, bool):
            return str(int(value))
        return value.name if isinstance(value, enum.Enum) else str(value)


class Bool(Field[bool]):
    """True or False."""

    def __init__(
        self,
        initial: bool,
        doc: str,
        *,
        memory: str = "",
        guard: str | None = None,
        ghost: bool = False,
        thing: str | None = None,
    ) -> None:
        super().__init__(
            (False, True), initial, doc, memory=memory, guard=guard, ghost=ghost, thing=thing
        )


class Count(Field[int]):
    """A whole number from 0 to ``most``."""

    def __init__(
        self,
        most: int,
        doc: str,
        *,
        initial: int = 0,
        memory: str = "",
        guard: str | None = None,
        ghost: bool = False,
        thing: str | None = None,
    ) -> None:
        super().__init__(
            range(most + 1), initial, doc, memory=memory, guard=guard, ghost=ghost, thing=thing
        )
        self.most = most


E = TypeVar("E", bound=enum.Enum)


class OneOf(Field[E]):
    """A member of an enumeration."""

    def __init__(
        self,
        initial: E,
        doc: str,
        *,
        memory: str = "",
        guard: str | None = None,
        ghost: bool = False,
        thing: str | None = None,
    ) -> None:
        super().__init__(
            type(initial), initial, doc, memory=memory, guard=guard, ghost=ghost, thing=thing
        )


class Assumption:
    """Something nobody has proved: on or off for a whole run, never a constant in the code.

    ``benign`` is the value under which less can go wrong: off for what only adds behaviour, as
    most do. None: either way has dangers of its own. ``when_on`` and ``when_off`` are clauses
    that follow an "if" (``a CPU can be hot-added``).
    """

    attribute = "?"

    def __init__(
        self,
        default: bool,
        sentence: str,
        source: str,
        *,
        benign: bool | None = False,
        when_on: str = "",
        when_off: str = "",
    ) -> None:
        self.default = default
        self.sentence = sentence
        self.source = source
        self.benign = benign
        self.when_on = when_on
        self.when_off = when_off

    def clause(self, on: bool) -> str:
        """What being on or off means, to follow an "if"; its name where that is not said."""
        return (self.when_on if on else self.when_off) or f"{self.name} is {'on' if on else 'off'}"

    def __set_name__(self, owner: type, name: str) -> None:
        self.attribute = name

    @property
    def name(self) -> str:
        return self.attribute.replace("_", "-")

    @overload
    def __get__(self, spec: None, owner: type | None = None) -> Assumption: ...
    @overload
    def __get__(self, spec: Specification, owner: type | None = None) -> bool: ...
    def __get__(self, spec: Specification | None, owner: type | None = None) -> Assumption | bool:
        return self if spec is None else spec.assumed(self.name)

    def __set__(self, spec: Specification, value: object) -> None:
        raise AttributeError(f"the assumption {self.name} is fixed for the whole run")


class Detail(Assumption):
    """A part of the system that a run may leave out, so that it stays small by choice.

    ``sentence`` says what is there when it is in; ``without`` what stands in its place otherwise.
    """

    def __init__(
        self, sentence: str, without: str, *, when_on: str = "", when_off: str = ""
    ) -> None:
        super().__init__(False, sentence, "", when_on=when_on, when_off=when_off)
        self.without = without

    def __get__(self, spec: Specification | None, owner: type | None = None) -> Any:
        """No verdict is said to rest on it: the scenario says what is there."""
        return self if spec is None else spec.assumptions[self.name]


class Parameter:
    """A named variant of the environment, fixed for a whole run (a firmware profile, say)."""

    name = "?"

    def __init__(self, values: dict[str, str], doc: str) -> None:
        self.values = values
        self.default = next(iter(values))
        self.doc = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, spec: None, owner: type | None = None) -> Parameter: ...
    @overload
    def __get__(self, spec: Specification, owner: type | None = None) -> str: ...
    def __get__(self, spec: Specification | None, owner: type | None = None) -> Parameter | str:
        return self if spec is None else spec.parameter(self.name)

    def __set__(self, spec: Specification, value: object) -> None:
        raise AttributeError(f"the parameter {self.name} is fixed for the whole run")
