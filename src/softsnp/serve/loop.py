"""One thread that waits for descriptors, and works between."""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from typing import Protocol


class Work(Protocol):
    """Something that has to be done again and again."""

    def work(self) -> float | None:
        """Does a slice of it, of well under a millisecond. Seconds until it wants to be called
        again: 0.0 for at once, None for not before something else has happened.
        """


class Loop:
    """Descriptors, and what is called when they are ready. The wait is rounded up to 1 ms."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readable: dict[int, Callable[[], object]] = {}
        self._writable: dict[int, Callable[[], object]] = {}
        self._stopped = False

    def watch(
        self,
        descriptor: int,
        readable: Callable[[], object],
        writable: Callable[[], object] | None = None,
    ) -> None:
        """``readable`` is called whenever there is something to read, or the other end is closed;
        ``writable`` whenever there is room. Watching again replaces both.
        """
        events = select.EPOLLIN | (select.EPOLLOUT if writable else 0)
        if descriptor in self._readable:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._readable[descriptor] = readable
        self._writable.pop(descriptor, None)
        if writable:
            self._writable[descriptor] = writable

    def forget(self, descriptor: int) -> None:
        """No more of that: before it is closed, please. Nothing happens if it is not watched."""
        if self._readable.pop(descriptor, None) is not None:
            self._writable.pop(descriptor, None)
            self._epoll.unregister(descriptor)

    def stop(self) -> None:
        """``run`` returns before it waits again."""
        self._stopped = True

    def run(self, works: Sequence[Work]) -> None:
        """Until ``stop``. What a callback or a work raises comes out of it."""
        while not self._stopped:
            wait: float | None = None
            for work in works:
                wanted = work.work()
                if wanted is not None and (wait is None or wanted < wait):
                    wait = wanted
            if not self._stopped:
                self._dispatch(self._epoll.poll(wait))

    def close(self) -> None:
        self._epoll.close()

    def _dispatch(self, ready: Sequence[tuple[int, int]]) -> None:
        for descriptor, events in ready:
            # A callback before this one may have forgotten the descriptor.
            if events & ~select.EPOLLOUT and descriptor in self._readable:
                self._readable[descriptor]()
            if events & select.EPOLLOUT and descriptor in self._writable:
                self._writable[descriptor]()
