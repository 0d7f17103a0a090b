"""Who decides what a specification leaves open: a seed, or a recording."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from softsnp.lang import Change

from .errors import RunError


class Seeded:
    """Any member, and of alternatives the first: what may fail does not, unless it is made to."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def look(self, candidates: Sequence[int]) -> int:
        return candidates[0] if len(candidates) == 1 else self.random.choice(candidates)

    def take(self, candidates: Sequence[int]) -> int:
        return self.look(candidates)

    def reach(self, candidates: Sequence[int], change: Change) -> int:
        return self.look(candidates)

    def choose(self, count: int, label: str) -> int:
        return 0


class Told:
    """The decisions of a recorded step, one after the other."""

    def __init__(self) -> None:
        self.left: list[int] = []

    def look(self, candidates: Sequence[int]) -> int:
        chosen = self._next()
        if chosen not in candidates:
            raise RunError(f"it was member {chosen}, and can only be one of {list(candidates)}")
        return chosen

    def take(self, candidates: Sequence[int]) -> int:
        return self.look(candidates)

    def reach(self, candidates: Sequence[int], change: Change) -> int:
        return self.look(candidates)

    def choose(self, count: int, label: str) -> int:
        chosen = self._next()
        if not 0 <= chosen < count:
            raise RunError(f"alternative {chosen} of {label or 'a choice'}, which has {count}")
        return chosen

    def _next(self) -> int:
        if not self.left:
            raise RunError("the step decides something that was not recorded")
        return self.left.pop(0)
