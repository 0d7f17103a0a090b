"""A concrete state, with numbered members and real values, and what may be done to it.

Every driver that runs a specification for one state at a time begins here: the oracle, replay,
conform and a live host. What is left open (which member, which alternative) is theirs to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .driver import Change, Cube
from .specification import Specification
from .state import Field


@dataclass
class World:
    """The data: scalars by field name, members' classes by number, who has picked whom."""

    scalars: dict[str, int]
    members: list[int]
    picked: dict[int, int] = field(default_factory=dict)

    def copy(self) -> World:
        return World(dict(self.scalars), list(self.members), dict(self.picked))

    def free(self) -> list[int]:
        taken = self.picked.values()
        return [m for m in range(len(self.members)) if m not in taken]


class InWorld:
    """The words of a driver that leave nothing open."""

    world: World
    activity: int
    """Whose step is being run."""

    def __init__(self, spec: Specification) -> None:
        self.spec = spec
        self.activity = 0
        self.events: list[str] = []
        self.notes: list[str] = []

    def read(self, field: Field[Any]) -> int:
        return self.world.scalars[field.name]

    def write(self, field: Field[Any], index: int) -> None:
        self.world.scalars[field.name] = index

    def any(self, cube: Cube) -> bool:
        return any(cube.holds(c) for c in self.world.members)

    def any_free(self, cube: Cube) -> bool:
        return any(cube.holds(self.world.members[m]) for m in self.world.free())

    def update(self, cube: Cube, change: Change) -> None:
        members = self.world.members
        members[:] = [change(c) if cube.holds(c) else c for c in members]

    def update_one(self, cube: Cube, change: Change) -> None:
        raise NotImplementedError

    def member_bit(self, bit: int) -> bool:
        member = self.world.picked[self.activity]
        return self.world.members[member] >> bit & 1 == 1

    def member_update(self, change: Change) -> None:
        member = self.world.picked[self.activity]
        self.world.members[member] = change(self.world.members[member])

    def member_release(self) -> None:
        del self.world.picked[self.activity]

    def restart(self) -> None:
        mine = self.world.picked.get(self.activity)
        self.world.picked.clear()
        if mine is not None:
            self.world.picked[self.activity] = mine

    def event(self, name: str) -> None:
        self.events.append(name)

    def note(self, text: str) -> None:
        self.notes.append(text)
