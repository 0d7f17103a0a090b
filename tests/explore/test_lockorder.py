"""Circles in the order of locks, with and without a deadlock."""

from __future__ import annotations

import pytest

from softsnp.explore import Ladder, check
from softsnp.explore.oracle import Oracle
from softsnp.lang import LockOrder, Mutex, PercpuRwsem, Property, Specification, activity

from .toys import DEADLOCK

ORDER: list[Property] = [LockOrder("lock-order", "there is an order", "", "a circle"), DEADLOCK]


class Gate(Specification):
    """Two locks in both orders, under a third: no deadlock, and a circle all the same."""

    gate = Mutex("only one goes further")
    left = Mutex("left")
    right = Mutex("right")

    @activity("left, then right")
    async def one(self) -> None:
        while True:
            await self.rest()
            await self.mutex_lock(Gate.gate)
            await self.mutex_lock(Gate.left)
            await self.mutex_lock(Gate.right)
            self.mutex_unlock(Gate.right)
            self.mutex_unlock(Gate.left)
            self.mutex_unlock(Gate.gate)

    @activity("right, then left")
    async def two(self) -> None:
        while True:
            await self.rest()
            await self.mutex_lock(Gate.gate)
            await self.mutex_lock(Gate.right)
            await self.take_left()
            self.mutex_unlock(Gate.left)
            self.mutex_unlock(Gate.right)
            self.mutex_unlock(Gate.gate)

    async def take_left(self) -> None:
        await self.mutex_lock(Gate.left)


class Trying(Gate):
    """Whoever has the right one only tries the left one."""

    async def take_left(self) -> None:
        got = await self.mutex_trylock(Gate.left)
        while not got:
            got = await self.mutex_trylock(Gate.left)


class Readers(Specification):
    """A lock inside a reader, and readers inside that lock."""

    sem = PercpuRwsem("many read")
    lock = Mutex("one")

    @activity("reads, then locks")
    async def reader(self) -> None:
        while True:
            await self.rest()
            await self.down_read(Readers.sem)
            await self.mutex_lock(Readers.lock)
            self.mutex_unlock(Readers.lock)
            self.up_read(Readers.sem)

    @activity("locks, then writes")
    async def writer(self) -> None:
        while True:
            await self.rest()
            await self.mutex_lock(Readers.lock)
            await self.down_write(Readers.sem)
            self.up_write(Readers.sem)
            self.mutex_unlock(Readers.lock)


@pytest.mark.parametrize("rung", ["python", "table", "native"])
def test_a_circle_is_found_without_a_deadlock_and_named(rung: str) -> None:
    order, deadlock = check(Gate(), 0, ORDER, [], ladder=Ladder(rung), traces=True).outcomes
    assert deadlock.verdict == "holds"
    assert (order.verdict, order.steps) == ("violated", 3)
    assert order.reason == "right → left → right"
    assert order.trace is not None
    assert Oracle(Gate(), ORDER).explore(0).violated == {"lock-order": 3}


def test_trying_makes_no_order() -> None:
    order, deadlock = check(Trying(), 0, ORDER, []).outcomes
    assert (order.verdict, order.exercised, deadlock.verdict) == ("holds", True, "holds")


def test_readers_count() -> None:
    order, deadlock = check(Readers(), 0, ORDER, []).outcomes
    assert order.verdict == deadlock.verdict == "violated"
    assert order.reason in ("lock → sem → lock", "sem → lock → sem")
