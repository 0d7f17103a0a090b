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
from .batch import Batch, Second, buffers, point
from .rung import OutOfRoom
from .store import Store

STATES = 1 << 16
"""That a thread expands in a round, at most."""
LEAST = 1 << 12
"""With fewer states for a thread, a round does not pay."""
ROOM = 1 << 18
"""For the successors that a thread makes in a round."""
T = TypeVar("T")


class Share(NamedTuple):
    """What a thread has made in a round."""

    keys: Ints
    """(parts, ROOM, words): the successors by the part they belong to."""
    fresh: npt.NDArray[np.uint8]
    """(parts, ROOM): which of them are new."""
    order: npt.NDArray[np.uint8]
    """(ROOM): of which part the next one is, in the order in which they were made."""
    made: Ints
    """(parts): how many."""
    batches: Ints
    """(batches + 1, 2): the first state of each, and how many successors there were before it."""
    sizes: Ints
    """(2): batches, successors."""


class Hand:
    """One thread's own."""

    def __init__(self, parts: int, words: int, size: int, tables: Tables) -> None:
        self.control: Ints = np.zeros(kernel.CONTROLS, np.int64)
        self.batch: Batch
        self.second: Second | None
        self.batch, self.second = buffers(size, words)
        self.stack, self.asked = tables.stack.copy(), tables.asked.copy()
        self.share = Share(
            np.zeros((parts, ROOM, words), np.int64),
            np.zeros((parts, ROOM), np.uint8),
            np.zeros(ROOM, np.uint8),
            np.zeros(parts, np.int64),
            np.zeros((4 * STATES // kernel.BATCH + 64, 2), np.int64),
            np.zeros(2, np.int64),
        )

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
        store.each_part = self.each  # type: ignore[method-assign]

    def each(self, work: Callable[[int], T]) -> list[T]:
        """What the work makes of each thread's number, all at once."""
        others = [self.pool.submit(work, number) for number in range(1, self.count)]
        return [work(0), *(other.result() for other in others)]

    def round(self, tables: Tables, size: int, stop: int) -> bool:
        """Expand states up to ``stop``, which is in this level. Whether all went as usual.

        ``size`` is how many successors a batch has room for.
        """
        control, store = self.store.control, self.store
        begin, known = int(control[kernel.C_DONE]), store.known
        each = min(STATES, -(-(stop - begin) // self.count))
        if not self.hands or len(self.hands[0].batch.out0) < size:
            self.hands = [Hand(store.parts, store.words, size, tables) for _ in range(self.count)]

        def gather(number: int) -> None:
            hand = self.hands[number]
            hand.control[:] = control
            hand.control[kernel.C_DONE] = min(stop, begin + number * each)
            hand.control[kernel.C_STOP] = min(stop, begin + (number + 1) * each)
            hand.control[kernel.C_TRANSITIONS] = 0
            own = tables._replace(stack=hand.stack, asked=hand.asked)
            point(hand.batch, hand.second, own, store.states)
            shared.gather(hand.control, own, hand.batch, hand.second, store.states, hand.share)

        self.each(gather)
        hands, usual = self._as_usual()
        made = sum(int(hand.share.sizes[1]) for hand in hands)
        try:
            store.make_room(known + made)
        except OutOfRoom:  # whether for a batch as well, one thread will see
            self._forget()
            return False
        found = self.each(lambda part: self._look_up(part, hands))
        if any(new < 0 for part in found for new in part):
            self._forget()
            store.make_room(known, crowded=True)
            store.fill(int(control[kernel.C_SIZE]))
            return False
        self._number(hands, [sum(part[i] for part in found) for i in range(len(hands))])
        control[kernel.C_DONE] = hands[-1].control[kernel.C_DONE]
        control[kernel.C_TRANSITIONS] += sum(h.control[kernel.C_TRANSITIONS] for h in hands)
        return usual

    def _as_usual(self) -> tuple[list[Hand], bool]:
        """The hands up to the first that ended early, and whether none did."""
        for number, hand in enumerate(self.hands):
            if hand.control[kernel.C_DONE] < hand.control[kernel.C_STOP]:
                for other in self.hands[number + 1 :]:
                    other.forget()
                return self.hands[: number + 1], False
        return self.hands, True

    def _forget(self) -> None:
        for hand in self.hands:
            hand.forget()

    def _look_up(self, part: int, hands: list[Hand]) -> list[int]:
        """How many of each hand's successors in a part are new."""
        store, lines = self.store, self.hands[part].batch
        return [
            int(shared.look_up(store.control, hand.share, part, store.slots, lines))
            for hand in hands
        ]

    def _number(self, hands: list[Hand], new: list[int]) -> None:
        store, control = self.store, self.store.control
        known = np.cumsum([store.known, *new]).tolist()
        rows = np.cumsum([control[kernel.C_BATCHES], *(h.share.sizes[0] for h in hands)]).tolist()

        def number(which: int) -> None:
            if which < len(hands):
                share = hands[which].share
                states, origins = store.states, store.origins
                shared.number(share, states, origins, known[which], new[which], rows[which])

        self.each(number)
        control[kernel.C_KNOWN], control[kernel.C_BATCHES] = known[-1], rows[-1]
