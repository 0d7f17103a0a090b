"""What is under way in a live run: one coroutine of the specification, step by step."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from softsnp.lang import Step

Begin = dict[str, Any]
"""How a task began, in plain data: enough to begin it again in a replay."""


@dataclass
class Task:
    """An operation that somebody asked for, or an activity of the specification."""

    lane: str
    """Who does it, in charts: a role, with a number where several do the same at once."""
    role: str
    """The activity of the specification that it is an instance of."""
    number: int
    """By which the specification knows who holds what."""
    begin: Begin
    coroutine: Coroutine[Step, None, Any]
    step: Step
    """Where it stands."""
    done: Callable[[Any], None]
    """Called with what the coroutine returns, or with ENDED."""
    target: int | None = None
    """The member that the operation is about, if it is about one: it alone is asked about."""
    endless: bool = False
    """An activity that goes from operation to operation; by itself it begins none."""
    background: bool = False
    """An activity that begins operations by itself (a kernel's worker)."""
    paused: bool = False
    """It stands where a replay left it until somebody lets it go on."""
    ready: float = 0.0
    """When it may go on, in seconds of the run's clock."""
    steps: int = 0
    failed: str = ""
    """Why it can never go on: a mistake in the specification, or a limit of it."""
    kept: dict[str, Any] = field(default_factory=dict)
    """Free for whoever began it."""

    @property
    def resting(self) -> bool:
        """Whether it is between two operations."""
        return self.step.resting


class Ended:
    """The type of ENDED."""


ENDED = Ended()
"""What a task comes to that ended with its kernel."""
