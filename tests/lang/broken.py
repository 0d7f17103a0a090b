"""Specifications that the source rules refuse, one each. Nobody runs them.

The line that is refused is marked ``# refused``.
"""
# mypy: ignore-errors

from __future__ import annotations

from softsnp.lang import Count, Specification, activity


class Base(Specification):
    total = Count(9, "something to count")

    async def fetch(self) -> int:
        await self.preempt()
        return 1

    def plain(self) -> int:
        return 1

    @activity("goes on")
    async def worker(self) -> None:
        while True:
            await self.rest()


class RightOperand(Base):
    async def use(self) -> int:
        return self.total + await self.fetch()  # refused


class Argument(Base):
    async def use(self) -> None:
        self.plain(await self.fetch())  # refused


class Augmented(Base):
    async def use(self) -> None:
        self.total += await self.fetch()  # refused


class FString(Base):
    async def use(self) -> str:
        return f"{self.total} {await self.fetch()}"  # refused


class Tuple(Base):
    async def use(self) -> tuple[int, int]:
        return self.total, await self.fetch()  # refused


class ForLoop(Base):
    async def use(self) -> None:
        for _ in ("a", "b", "a"):
            await self.fetch()  # refused


class Comprehension(Base):
    async def use(self) -> list[int]:
        return [await self.fetch() for _ in range(2)]  # refused


class WithBlock(Base):
    async def use(self) -> None:
        with self.lock:
            await self.fetch()  # refused


class ExceptBlock(Base):
    async def use(self) -> None:
        try:
            self.plain()
        except ValueError:
            await self.fetch()  # refused


class FinallyBlock(Base):
    async def use(self) -> None:
        try:
            self.plain()
        finally:
            await self.fetch()  # refused


class MatchBlock(Base):
    async def use(self) -> None:
        match self.total:
            case 1:
                await self.fetch()  # refused


class Unawaited(Base):
    async def use(self) -> None:
        self.fetch()  # refused


class UnawaitedWord(Base):
    async def use(self) -> None:
        self.preempt()  # refused


class UnawaitedInPlain(Base):
    def use(self) -> None:
        self.fetch()  # refused


class UnawaitedSuper(Base):
    async def fetch(self) -> int:
        return super().fetch()  # refused


class AwaitedPlain(Base):
    async def use(self) -> None:
        await self.plain()  # refused


class Yields(Base):
    async def use(self):
        yield 1  # refused


class Nested(Base):
    async def use(self) -> None:
        async def inner() -> None: ...  # refused


class Mangled(Base):
    async def __sev_init(self) -> None:  # refused
        await self.preempt()


class AsyncWith(Base):
    async def use(self) -> None:
        async with self.lock:  # refused
            self.plain()


class HidesAWord(Base):
    def preempt(self) -> None:  # refused
        self.plain()
