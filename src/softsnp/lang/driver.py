"""What a driver answers. Every use of a specification is one more implementation of this."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from .state import Field


class Cube(NamedTuple):
    """The members whose class ``c`` (a bit set) has ``c & mask == value``."""

    mask: int
    value: int

    def holds(self, cls: int) -> bool:
        return cls & self.mask == self.value


class Change(NamedTuple):
    """What an update does to a class: the bits of ``mask`` become those of ``value``."""

    mask: int
    value: int

    def __call__(self, cls: int) -> int:
        return (cls & ~self.mask) | self.value


class Driver(Protocol):
    """The meaning of the words. All of it refers to the activity whose step is being run."""

    def read(self, field: Field[Any]) -> int:
        """The index of the field's value in its domain."""

    def write(self, field: Field[Any], index: int) -> None: ...

    def any(self, cube: Cube) -> bool:
        """Whether a member, picked or not, is in the cube."""

    def any_free(self, cube: Cube) -> bool:
        """Whether a member that nobody has picked is in the cube."""

    def update(self, cube: Cube, change: Change) -> None:
        """Change every member of the cube at once."""

    def update_one(self, cube: Cube, change: Change) -> None:
        """Change one member of the cube, whichever; the cube is known not to be empty."""

    def peek(self, cube: Cube, bit: int) -> bool:
        """A bit of one member of the cube, whichever; the cube is known not to be empty."""

    def pick(self, cube: Cube) -> None:
        """Take a free member of the cube, whichever; the cube is known to have a free member."""

    def member_bit(self, bit: int) -> bool:
        """A bit of the member this activity has picked."""

    def member_update(self, change: Change) -> None: ...

    def member_release(self) -> None: ...

    def choose(self, count: int, label: str) -> int:
        """An index below ``count``: the explorer tries all, a live run lets its seed decide."""

    def at_rest(self, activity: int) -> bool: ...

    def restart(self) -> None:
        """End every other activity where it stands; what they had picked is free again."""

    def event(self, name: str) -> None:
        """Something properties ask about has happened in this step."""

    def note(self, text: str) -> None:
        """A remark for whoever reads the chart; nothing else sees it."""
