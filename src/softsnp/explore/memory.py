"""What a coroutine did when it heard this: a memory for the oracle, so that it need not ask again.

A coroutine that hears the same does the same. A memory is a tree of what a step asked its driver
and told it, in order; to recall a step is to say all of it to the driver again, in a new world,
for as long as the answers are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from softsnp.lang import Driver
from softsnp.lang.world import World

from .concrete import Concrete, Taken, take
from .recreate import Trail


@dataclass(slots=True)
class Heard:
    """One word to the driver, and what followed for each answer."""

    word: str
    arguments: tuple[Any, ...]
    after: dict[Any, Heard | End] = field(default_factory=dict)


class End(NamedTuple):
    """The end of a step."""

    place: int | None
    """The number of the place it ended in; None when the step could not be taken."""
    words: frozenset[str]
    """All words of the step."""


class Listener:
    """Passes everything on to a driver, and remembers it."""

    def __init__(self, driver: Concrete) -> None:
        self.driver = driver
        self.heard: list[tuple[str, tuple[Any, ...], Any]] = []

    def __getattr__(self, word: str) -> Callable[..., Any]:
        method = getattr(self.driver, word)

        def call(*arguments: Any) -> Any:
            answer = method(*arguments)
            self.heard.append((word, arguments, answer))
            return answer

        return call


class Memory:
    """What is remembered of the steps from one place of one activity.

    ``number`` gives the place where a step has ended its number.
    """

    def __init__(self, activity: int, trail: Trail, number: Callable[[Taken], int]) -> None:
        self.activity = activity
        self.trail = trail
        self.number = number
        self.after: dict[Any, Heard | End] = {}

    def take(self, driver: Concrete, world: World, script: tuple[int, ...]) -> End:
        """Let the driver take the step along one way through its forks. ``world`` stays as it is.

        The coroutine runs only if this was never heard before.
        """
        driver.begin(world.copy(), self.activity, script)
        here = self.after.get(None)
        while isinstance(here, Heard):
            here = here.after.get(getattr(driver, here.word)(*here.arguments))
        return here or self._learn(driver, world, script)

    def take_anew(self, driver: Concrete, world: World, script: tuple[int, ...]) -> End:
        """The same by the coroutine, whatever is known."""
        taken = take(driver, driver, self.activity, self.trail, world, script)
        return End(None if taken is None else self.number(taken), frozenset())

    def _learn(self, driver: Concrete, world: World, script: tuple[int, ...]) -> End:
        listener = Listener(driver)
        taken = take(driver, cast("Driver", listener), self.activity, self.trail, world, script)
        after, answer = self.after, None
        for word, arguments, told in listener.heard:
            here = after.setdefault(answer, Heard(word, arguments))
            assert isinstance(here, Heard) and here.word == word, "a step must be deterministic"
            after, answer = here.after, told
        place = None if taken is None else self.number(taken)
        end = after[answer] = End(place, frozenset(word for word, _, _ in listener.heard))
        return end
