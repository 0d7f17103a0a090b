"""Every place in which an await may stand."""

from __future__ import annotations

from softsnp.lang import Count, Specification, activity


class Plain(Specification):
    """One await, as a statement."""

    async def one(self) -> None:
        await self.preempt()


class Allowed(Specification):
    """All of them."""

    total = Count(9, "something to count")

    async def fetch(self) -> int:
        await self.preempt()
        return 1

    async def other(self) -> int:
        await self.preempt()
        return 2

    async def assigned(self) -> int:
        value = await self.fetch()
        more: int = await self.fetch()
        self.total = await self.fetch()
        return value + more

    async def returned(self) -> int:
        return await self.fetch()

    async def tested(self) -> int:
        if await self.fetch():
            return 1
        while not await self.fetch():
            await self.preempt()
        if await self.fetch() == 1 or (self.total and await self.fetch()):
            await self.preempt()
        else:
            await self.fetch()
        return 0

    async def alternatives(self) -> int:
        chosen = await self.fetch() if self.total else await self.other()
        either = self.total or await self.fetch()
        both = await self.fetch() and await self.fetch()
        return chosen + either + both

    async def left(self) -> int:
        bits = (await self.fetch()).bit_length
        if (value := await self.fetch()) > 3:
            return value
        return await self.fetch() + bits()

    async def tried(self) -> int:
        rc = 0
        try:
            rc = await self.fetch()
        except ValueError:
            rc = 1
        else:
            await self.preempt()
        for _ in range(rc):
            rc += 1
        return rc

    @activity("goes on")
    async def worker(self) -> None:
        while True:
            await self.rest()
