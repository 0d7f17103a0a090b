"""Re-create a coroutine at a local state, by telling it again what it was told on the way there.

Coroutines cannot be copied. What a step did to the state is not repeated, only what it heard.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from softsnp.lang import Cube, Field, Specification, Step
from softsnp.lang.position import advance

Said = tuple[int, ...]
Trail = tuple[Said, ...]
"""What the specification was told, in each step from the activity's beginning."""


class Replayer:
    """The driver that tells a specification again what it was told before."""

    def __init__(self) -> None:
        self.tell(())

    def tell(self, said: Said) -> None:
        self.next = iter(said).__next__

    def read(self, field: Field[Any]) -> int:
        return self.next()

    def any(self, cube: Cube) -> bool:
        return self.next() == 1

    any_free = any

    def peek(self, cube: Cube, bit: int) -> bool:
        return self.next() == 1

    def member_bit(self, bit: int) -> bool:
        return self.next() == 1

    def choose(self, count: int, label: str) -> int:
        return self.next()

    def at_rest(self, activity: int) -> bool:
        return self.next() == 1

    def ignore(self, *_: object) -> None:
        pass

    write = update = update_one = pick = member_update = ignore
    member_release = restart = event = note = ignore


def recreate(
    spec: Specification, activity: int, trail: Trail
) -> tuple[Coroutine[Step, None, None], Step]:
    """A coroutine of the activity at the end of the trail, and the step it awaits there.

    An empty trail is run under the driver in place, which sees what must not be there: state
    touched before the first await.
    """
    driver = getattr(spec, "driver", None)
    replayer = Replayer()
    if trail or driver is None:
        spec.driver = replayer
    spec.begin_step(activity, fresh=True)
    coroutine = spec.coroutine(activity)
    step = advance(coroutine)
    spec.begin_step(activity, atomic="replayed")
    for said in trail:
        replayer.tell(said)
        if step.guard is not None:
            step.guard()
        step = advance(coroutine)
    if driver is not None:
        spec.driver = driver
    return coroutine, step
