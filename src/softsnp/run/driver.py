"""The driver of a live run: one world, in which somebody decides what is left open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from softsnp.lang import Change, Cube, Specification
from softsnp.lang.telling import Placing
from softsnp.lang.world import InWorld, World

from .task import Task


class Decider(Protocol):
    """Who decides what the specification leaves open."""

    def look(self, candidates: Sequence[int]) -> int:
        """Which of the members a task looks at: the CPU that it runs on, say."""

    def take(self, candidates: Sequence[int]) -> int:
        """Which of the members is taken."""

    def reach(self, candidates: Sequence[int], change: Change) -> int:
        """Which of the members is changed next."""

    def choose(self, count: int, label: str) -> int:
        """An index below ``count``."""


class LiveDriver(InWorld):
    """Answers from a world, asks a decider, and writes down what was decided."""

    def __init__(self, spec: Specification, world: World, decider: Decider) -> None:
        super().__init__(spec)
        self.world = world
        self.decider = decider
        self.target: int | None = None
        self.decided: list[int] = []
        """Of the step: the number of each member and of each alternative, in order."""
        self.resting: Callable[[int], bool] = lambda _: True
        self.restarts: Callable[[], None] = lambda: None

    def begin(self, task: Task) -> None:
        self.activity = task.number
        self.target = task.target
        self.decided = []
        self.events = []
        self.notes = []

    def _about(self, cube: Cube, members: Sequence[int]) -> list[int]:
        """Those in the cube; where the operation is about one member, that or none."""
        if self.target is not None:
            members = [m for m in members if m == self.target]
        return [m for m in members if cube.holds(self.world.members[m])]

    def any(self, cube: Cube) -> bool:
        if self.target is None:
            return super().any(cube)
        return cube.holds(self.world.members[self.target])

    def any_free(self, cube: Cube) -> bool:
        return bool(self._about(cube, self.world.free()))

    def _decided(self, chosen: int) -> int:
        self.decided.append(chosen)
        return chosen

    def update_one(self, cube: Cube, change: Change) -> None:
        members = self.world.members
        chosen = self._decided(self.decider.reach(self._about(cube, range(len(members))), change))
        members[chosen] = change(members[chosen])

    def peek(self, cube: Cube, bit: int) -> bool:
        """The task runs on some member, whichever operation it is about."""
        members = self.world.members
        candidates = [member for member, cls in enumerate(members) if cube.holds(cls)]
        return members[self._decided(self.decider.look(candidates))] >> bit & 1 == 1

    def pick(self, cube: Cube) -> None:
        candidates = self._about(cube, self.world.free())
        self.world.picked[self.activity] = self._decided(self.decider.take(candidates))

    def choose(self, count: int, label: str) -> int:
        return self._decided(self.decider.choose(count, label))

    def at_rest(self, activity: int) -> bool:
        return self.resting(activity)

    def restart(self) -> None:
        super().restart()
        self.restarts()


class TellingDriver(Placing, LiveDriver):
    """Also knows in which function each thing was done."""

    def begin(self, task: Task) -> None:
        super().begin(task)
        self.places = {}
