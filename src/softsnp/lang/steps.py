"""The one thing a specification may await: a point where others may run."""

from __future__ import annotations

from collections.abc import Callable, Generator


class Step:
    """A preemption point.

    The code from one ``await`` of a Step to the next is one atomic step. ``guard`` is what the
    step waits for (None: nothing); while it is false the step cannot be taken, which is no step
    at all rather than a stutter. ``resting`` marks the point between two operations, where an
    activity is in the middle of nothing. ``atomic`` is the reason why the step that begins here
    may touch several shared things. ``lock`` names the lock that is waited for, if it is one.
    """

    __slots__ = ("atomic", "guard", "lock", "resting", "what")

    def __init__(
        self,
        guard: Callable[[], bool] | None = None,
        what: str = "",
        *,
        atomic: str | None = None,
        resting: bool = False,
        lock: str = "",
    ) -> None:
        self.guard = guard
        self.what = what
        self.atomic = atomic
        self.resting = resting
        self.lock = lock

    def __await__(self) -> Generator[Step, None, None]:
        yield self
