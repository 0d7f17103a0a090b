"""Several threads at one search; shared.py says what each does.

A level is taken in rounds. Where a round meets something unusual (a population nobody has asked
about, an event's first time, a state without successors, a failure) it ends before that, and one
thread goes on for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from . import kernel, shared
from .arrays import Ints, Tables
from .batch import buffers, point
from .rung import OutOfRoom
from .store import Store

STATES = 1 << 13
"""That a thread expands in a round, at most: what they lead to stays in its cache."""
LEAST = 1 << 11
"""With fewer states for a thread, rounds do not pay."""
ROOM = 1 << 16
"""For the successors that a thread makes in a round."""
T = TypeVar("T")


class Share(NamedTuple):
    """What threads have made in a round; the first index of all is a thread."""

    keys: Ints
    """(threads, parts, ROOM, words): the successors by the part they belong to."""
    fresh: npt.NDArray[np.uint8]
    """(threads, parts, ROOM): which of them are new."""
    order: npt.NDArray[np.uint8]
    """(threads, ROOM): of which part the next one is, in the order in which they were made."""
    made: Ints
    """(threads, parts): how many."""
    batches: Ints
    """(threads, batches + 1, 2): the first state, and how many successors there were before."""
    sizes: Ints
    """(threads, 4); see shared.py."""
    ends: Ints
    """(threads, 3): up to where states were expanded, were to be, and how many steps there are."""
    new: Ints
    """(parts, threads): how many of a thread's successors are new in a part."""


def shares(threads: int, words: int) -> Share:
    def some(*shape: int) -> Ints:
        return np.zeros((threads, *shape), np.int64)

    return Share(
        some(threads, ROOM, words),
        np.zeros((threads, threads, ROOM), np.uint8),
        np.zeros((threads, ROOM), np.uint8),
        some(threads),
        some(4 * STATES // kernel.BATCH + 64, 2),
        some(4),
        some(3),
        some(threads),
    )


class Hand:
    """One thread's own."""

    def __init__(self, words: int, size: int, tables: Tables) -> None:
        self.control: Ints = np.zeros(kernel.CONTROLS, np.int64)
        self.batch, self.second = buffers(size, words)
        self.stack, self.asked = tables.stack.copy(), tables.asked.copy()

    def forget(self) -> None:
        """Successors made a moment ago may not be in the set."""
        self.batch.recent[:] = -1


class Crew:
    """The threads of a search, one for each part of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.count = store.parts
        self.least = LEAST * store.parts
        self.pool = ThreadPoolExecutor(self.count - 1)
        self.hands: list[Hand] = []
        self.share = shares(self.count, store.words)
        store.each_part = self.each  # type: ignore[method-assign]

    def each(self, work: Callable[[int], T]) -> list[T]:
        """What the work makes of each thread's number, all at once."""
        others = [self.pool.submit(work, number) for number in range(1, self.count)]
        return [work(0), *(other.result() for other in others)]

    def expand(self, tables: Tables, size: int, stop: int) -> bool:
        """Expand states up to ``stop``, which is in this level. Whether all went as usual.

        ``size`` is how many successors a batch has room for.
        """
        control, store = self.store.control, self.store
        need = store.known + self.count * ROOM
        try:
            store.make_room(need)
        except OutOfRoom:  # whether for a batch as well, one thread will see
            return False
        control[kernel.C_ROOM], control[kernel.C_STOP] = store.room(need), stop
        if not self.hands or len(self.hands[0].batch.out0) < size:
            self.hands = [Hand(store.words, size, tables) for _ in range(self.count)]
        meeting = np.zeros(1, np.int64)

        def rounds(me: int) -> int:
            hand = self.hands[me]
            own = tables._replace(stack=hand.stack, asked=hand.asked)
            point(hand.batch, hand.second, own, store.states)
            ended: int = shared.rounds(
                me,
                control,
                hand.control,
                own,
                hand.batch,
                hand.second,
                store.states,
                store.origins,
                store.slots,
                self.share,
                STATES,
                meeting,
            )
            return ended

        why = self.each(rounds)[0]
        if why == kernel.CROWDED:  # the set has states that have no number
            for hand in self.hands:
                hand.forget()
            store.make_room(store.known, crowded=True)
            store.fill(int(control[kernel.C_SIZE]))
        return why in (kernel.DONE, kernel.ROOM)
