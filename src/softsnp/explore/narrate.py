"""Concrete drivers that also write down where things happen, and what is looked at."""

from __future__ import annotations

from typing import Any

from softsnp.lang import Cube, Field, Specification
from softsnp.lang.telling import Placing
from softsnp.lang.world import World

from .concrete import Concrete


class Narrator(Placing, Concrete):
    """Also knows in which function each thing was done."""

    def begin(self, world: World, activity: int, script: tuple[int, ...]) -> None:
        super().begin(world, activity, script)
        self.places = {}


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
