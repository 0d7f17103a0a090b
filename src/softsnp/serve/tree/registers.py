"""Kinds of model-specific registers, and what they refuse.

Raises OSError(EIO) where the machine raises #GP: that is what the kernel makes of it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

Value = Callable[[int], int] | int
"""Of all CPUs, or from the number of one."""
WORD = (1 << 64) - 1


def general_protection() -> OSError:
    return OSError(errno.EIO, "")


def legal(value: int, mask: int) -> None:
    """Only the bits in ``mask`` may be set."""
    if value & ~mask:
        raise general_protection()


class Kept:
    """What has been written, by register and CPU, until a CPU is reset."""

    def __init__(self) -> None:
        self._values: dict[tuple[int, int], int] = {}

    def get(self, register: int, cpu: int, initial: Value) -> int:
        value = self._values.get((register, cpu))
        if value is not None:
            return value
        return initial if isinstance(initial, int) else initial(cpu)

    def set(self, register: int, cpu: int, value: int) -> None:
        self._values[register, cpu] = value

    def reset(self) -> None:
        self._values.clear()


class Register:
    """Of every CPU. One that is not read or not written is #GP."""

    def read(self, cpu: int) -> int:
        raise general_protection()

    def write(self, cpu: int, value: int) -> None:
        raise general_protection()


@dataclass(frozen=True)
class ReadOnly(Register):
    value: Value

    def read(self, cpu: int) -> int:
        return self.value if isinstance(self.value, int) else self.value(cpu)


@dataclass(frozen=True)
class WriteOnly(Register):
    mask: int

    def write(self, cpu: int, value: int) -> None:
        legal(value, self.mask)


@dataclass(frozen=True)
class Plain(Register):
    """Keeps what is written: bits of ``mask``, if ``fits`` says nothing against it. Bits that are
    ``fixed`` stay as they are, and those that are ``sticky`` once they are set.
    """

    kept: Kept
    number: int
    initial: Value
    mask: int = WORD
    fits: Callable[[int, int], bool] = lambda cpu, value: True
    fixed: int = 0
    sticky: int = 0

    def read(self, cpu: int) -> int:
        return self.kept.get(self.number, cpu, self.initial)

    def write(self, cpu: int, value: int) -> None:
        legal(value, self.mask)
        if not self.fits(cpu, value):
            raise general_protection()
        now = self.read(cpu)
        value = value & ~self.fixed | now & (self.fixed | self.sticky)
        self.kept.set(self.number, cpu, value)


@dataclass(frozen=True)
class Counting(Register):
    """Counts with the clock; writing sets where it counts from."""

    kept: Kept
    number: int
    ticks: Callable[[], int]

    def read(self, cpu: int) -> int:
        return self.ticks() + self.kept.get(self.number, cpu, 0) & WORD

    def write(self, cpu: int, value: int) -> None:
        self.kept.set(self.number, cpu, value - self.ticks())
