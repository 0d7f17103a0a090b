"""What a coroutine did when it heard this: a memory for the oracle, so that it need not ask again.

A coroutine that hears the same does the same. A memory is a tree of what a step asked its driver
and told it, in order; to recall a step is to say all of it to the driver again, from a new world,
for as long as the answers are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from softsnp.lang import Driver
from softsnp.lang.position import Position

from .concrete import Concrete, Taken, World, take
from .recreate import Trail


@dataclass
class Heard:
    """One call of the driver, and what followed for each answer; or the end of the step."""

    call: str = ""
    arguments: tuple[Any, ...] = ()
    after: dict[Any, Heard] = field(default_factory=dict)
    end: tuple[Position, bool] | None = None
    """(position, resting) after the step."""
    blocked: bool = False


class Listener:
    """Passes everything on to a driver, and remembers it."""

    def __init__(self, driver: Concrete) -> None:
        self.driver = driver
        self.heard: list[tuple[str, tuple[Any, ...], Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.driver, name)

        def call(*arguments: Any) -> Any:
            answer = method(*arguments)
            self.heard.append((name, arguments, answer))
            return answer

        return call


class Memory:
    """What is remembered of the steps from one local state of one activity."""

    def __init__(self, activity: int, trail: Trail) -> None:
        self.activity = activity
        self.trail = trail
        self.root = Heard()

    def take(self, driver: Concrete, world: World, script: tuple[int, ...]) -> Taken | None:
        """As ``concrete.take``; the coroutine runs only if this was never heard before."""
        driver.begin(world.copy(), self.activity, script)
        here: Heard | None = self.root
        while here is not None and here.call:
            here = here.after.get(getattr(driver, here.call)(*here.arguments))
        if here is not None and here.blocked:
            return None
        if here is not None and here.end:
            return driver.taken_to(*here.end)
        return self._learn(driver, world, script)

    def _learn(self, driver: Concrete, world: World, script: tuple[int, ...]) -> Taken | None:
        listener = Listener(driver)
        taken = take(driver, cast("Driver", listener), self.activity, self.trail, world, script)
        here = self.root
        for call, arguments, answer in listener.heard:
            here.call, here.arguments = call, arguments
            here = here.after.setdefault(answer, Heard())
        if taken is None:
            here.blocked = True
        else:
            here.end = (taken.position, taken.resting)
        return taken
