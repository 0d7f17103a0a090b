"""A population: members known only by their bits, so that they are interchangeable.

A specification never counts members from 0 to N. It asks whether any or all of those with some
bits have others, updates them, takes one, or lets one, whichever, be reached. That is what lets
an explorer keep counts instead of members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from .driver import Change, Cube
from .errors import Impossible, SpecError

if TYPE_CHECKING:
    from .specification import Specification


class Bit:
    """One bit that every member has.

    ``identity`` marks a bit that never changes and that tells members apart in the real system
    (the boot CPU). ``guard`` and ``ghost`` are as for fields.
    """

    name = "?"
    index = 0

    def __init__(
        self, doc: str, *, guard: str | None = None, ghost: bool = False, identity: bool = False
    ) -> None:
        self.doc = doc
        self.guard = guard
        self.ghost = ghost
        self.identity = identity

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def thing(self) -> str:
        return self.name


@dataclass(frozen=True)
class Kind:
    """Members that start alike. ``count`` is how many there are; None is any number."""

    bits: dict[str, bool]
    count: int | None


class Population:
    """Declares the population: its singular name and its bits, in order."""

    name = "?"

    def __init__(self, member: str, bits: dict[str, Bit]) -> None:
        self.member = member
        self.bits = bits
        for index, (name, bit) in enumerate(bits.items()):
            bit.name, bit.index = name, index

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, spec: None, owner: type | None = None) -> Population: ...
    @overload
    def __get__(self, spec: Specification, owner: type | None = None) -> Selection: ...
    def __get__(
        self, spec: Specification | None, owner: type | None = None
    ) -> Population | Selection:
        return self if spec is None else Selection(spec, self, {})

    def __set__(self, spec: Specification, value: object) -> None:
        raise AttributeError(f"{self.name} is a population; it cannot be assigned")

    def pack(self, bits: dict[str, bool]) -> tuple[int, int]:
        """(mask, value) of some named bits."""
        mask = value = 0
        for name, on in bits.items():
            if name not in self.bits:
                raise SpecError(f"{self.name} has no bit {name!r}; it has {', '.join(self.bits)}")
            mask |= 1 << self.bits[name].index
            value |= bool(on) << self.bits[name].index
        return mask, value

    def cube(self, bits: dict[str, bool]) -> Cube:
        return Cube(*self.pack(bits))

    def show(self, cls: int) -> str:
        """The names of the bits that are set in a class."""
        return " ".join(n for n, b in self.bits.items() if cls >> b.index & 1) or "-"

    @property
    def identity_mask(self) -> int:
        return sum(1 << b.index for b in self.bits.values() if b.identity)


class Selection:
    """Those members of a population that have the given bits."""

    __slots__ = ("_bits", "_population", "_spec")

    def __init__(self, spec: Specification, population: Population, bits: dict[str, bool]) -> None:
        self._spec = spec
        self._population = population
        self._bits = bits

    def _touch(self, bits: dict[str, bool], write: bool) -> None:
        for name in bits:
            if name in self._population.bits:
                self._spec.touched(self._population.bits[name], write)

    def where(self, **bits: bool) -> Selection:
        return Selection(self._spec, self._population, {**self._bits, **bits})

    def any(self, **bits: bool) -> bool:
        """Whether some selected member has all of these bits."""
        both = {**self._bits, **bits}
        if any(self._bits.get(k, v) != v for k, v in bits.items()):
            return False
        self._touch(both, write=False)
        return self._spec.driver.any(self._population.cube(both))

    def all(self, **bits: bool) -> bool:
        """Whether every selected member has all of these bits (true when none is selected)."""
        return not any(self.any(**{name: not on}) for name, on in bits.items())

    def set(self, **bits: bool) -> None:
        """Give every selected member these bits, at once."""
        self._touch(self._bits, write=False)
        self._touch(bits, write=True)
        self._spec.driver.update(
            self._population.cube(self._bits), Change(*self._population.pack(bits))
        )

    def set_one(self, **bits: bool) -> bool:
        """Give one selected member, whichever, these bits; False when there is none."""
        if not self.any():
            return False
        self._touch(bits, write=True)
        self._spec.driver.update_one(
            self._population.cube(self._bits), Change(*self._population.pack(bits))
        )
        return True

    def peek(self, bit: str) -> bool:
        """A bit of one selected member, whichever. There must be one.

        Only the bit counts as touched: who is selected is the environment's doing.
        """
        cube = self._population.cube(self._bits)
        mask, _ = self._population.pack({bit: True})
        if not self._spec.driver.any(cube):
            raise Impossible(f"peek({bit!r}): no {self._population.member} is selected")
        self._touch({bit: True}, write=False)
        return self._spec.driver.peek(cube, mask.bit_length() - 1)

    def take(self) -> Member | None:
        """Take one selected member that nobody else has taken; None when there is none.

        Naming it touches nothing: that is the environment's doing.
        """
        cube = self._population.cube(self._bits)
        if not self._spec.driver.any_free(cube):
            return None
        self._spec.holds_member()
        self._spec.driver.pick(cube)
        return Member(self._spec, self._population)


class Member:
    """The member that an activity has taken. It carries no data: the driver knows which it is."""

    __slots__ = ("_population", "_spec")

    def __init__(self, spec: Specification, population: Population) -> None:
        self._spec = spec
        self._population = population

    def __getattr__(self, name: str) -> bool:
        if name.startswith("_"):
            raise AttributeError(name)
        mask, _ = self._population.pack({name: True})
        self._spec.touched(self._population.bits[name], write=False)
        return self._spec.driver.member_bit(mask.bit_length() - 1)

    def set(self, **bits: bool) -> None:
        change = Change(*self._population.pack(bits))
        for name in bits:
            self._spec.touched(self._population.bits[name], write=True)
        self._spec.driver.member_update(change)

    def release(self) -> None:
        """Others may take it again."""
        self._spec.releases_member()
        self._spec.driver.member_release()
