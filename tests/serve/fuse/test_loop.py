"""The loop that waits for descriptors."""

from __future__ import annotations

import os
import socket

import pytest

from softsnp.serve.loop import Loop


class Counted:
    """Wants to be called at once, so often; never, then."""

    def __init__(self, times: int, then: float | None = None) -> None:
        self.times = times
        self.then = then
        self.calls = 0

    def work(self) -> float | None:
        self.calls += 1
        return 0.0 if self.calls < self.times else self.then


def test_work_is_done_until_there_is_none_and_after_every_event() -> None:
    loop = Loop()
    reading, writing = os.pipe()
    work = Counted(5)
    seen = []

    def ready() -> None:
        seen.append(work.calls)
        os.read(reading, 1)
        if len(seen) == 2:
            loop.stop()

    os.write(writing, b"12")
    loop.watch(reading, ready)
    loop.run([work])
    assert seen == [1, 2]
    loop.close()


def test_a_time_to_come_is_waited_for() -> None:
    loop = Loop()
    work = Counted(3, 0.001)

    class Ender:
        def work(self) -> float | None:
            if work.calls == 6:
                loop.stop()
            return None

    loop.run([work, Ender()])
    assert work.calls == 6
    loop.close()


def test_a_connection_is_watched_in_both_directions_and_forgotten() -> None:
    loop = Loop()
    ours, theirs = socket.socketpair()
    events = []

    def readable() -> None:
        events.append(ours.recv(10))
        if events[-1] == b"":
            loop.forget(ours.fileno())
            loop.forget(ours.fileno())
            loop.stop()

    def writable() -> None:
        events.append(b"room")
        loop.watch(ours.fileno(), readable)
        theirs.send(b"hello")
        theirs.close()

    loop.watch(ours.fileno(), readable, writable)
    loop.run([])
    ours.close()
    loop.close()
    assert events == [b"room", b"hello", b""]


def test_what_is_raised_comes_out() -> None:
    class Broken:
        def work(self) -> float | None:
            raise RuntimeError("broken")

    loop = Loop()
    with pytest.raises(RuntimeError, match="broken"):
        loop.run([Broken()])
    loop.close()
