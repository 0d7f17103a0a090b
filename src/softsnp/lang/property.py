"""Properties: what must hold, and when that says anything.

Each kind has a name (a stable identifier), one sentence, the reason it matters, and what is
broken when it does not hold. ``when`` is the situation it speaks of: a property whose situation
never arose holds, but was never exercised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Predicate = Callable[[Any], bool]


@dataclass(frozen=True)
class Property:
    name: str
    sentence: str
    why: str
    broken: str


@dataclass(frozen=True)
class Always(Property):
    """In every reachable state in which ``when`` holds, ``must`` holds."""

    must: Predicate
    when: Predicate
    at_rest: bool = False

    def judge(self, spec: Any) -> tuple[bool, bool]:
        """(exercised, violated) in the state the specification's driver is in."""
        if self.at_rest and not spec.at_rest():
            return False, False
        if not self.when(spec):
            return False, False
        return True, not self.must(spec)


@dataclass(frozen=True)
class Never(Property):
    """The event ``never`` does not happen; ``situation`` is the event that could bring it."""

    never: str
    situation: str


@dataclass(frozen=True)
class NoDeadlock(Property):
    """Someone can step while anyone is in the middle of something, and every activity can still
    come to rest (a retry loop would hide a deadlock from the first half)."""


@dataclass(frozen=True)
class LockOrder(Property):
    """No cycle among "waits for the one lock and holds the other", over all locks and all runs.

    It takes no deadlock: that one order and its opposite both occur is enough. Trying a lock
    without waiting makes no order.
    """


@dataclass(frozen=True)
class AlwaysPossible(Property):
    """From every reachable state in which ``when`` holds, one in which ``goal`` holds can still be
    reached (AG EF). It is not said that it will be. ``goal_sentence`` names the goal.
    """

    when: Predicate
    goal: Predicate
    goal_sentence: str
    at_rest: bool = False
    """Whether ``when`` speaks of states in which every activity is at rest."""

    def situation(self) -> Always:
        """As a property that is exercised in the states of which this one speaks."""
        return Always(self.name, "", "", "", _true, self.when, self.at_rest)

    def arrival(self) -> Always:
        """As a property that is exercised where the goal is reached."""
        return Always(f"{self.name}, goal", "", "", "", _true, self.goal)


def _true(_: Any) -> bool:
    return True


@dataclass(frozen=True)
class Sometimes:
    """A reachability check, against vacuous verdicts: this must be able to happen.

    ``event`` happens, or ``state`` is reached, in some reachable step.
    """

    name: str
    sentence: str
    event: str = ""
    state: Predicate | None = None
