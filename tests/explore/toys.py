"""Small systems that everybody knows, written in the language. Nothing here has to do with SNP."""

from __future__ import annotations

from softsnp.lang import (
    Always,
    Bit,
    Bool,
    Count,
    Kind,
    Mutex,
    NoDeadlock,
    PercpuRwsem,
    Population,
    Property,
    Specification,
    activity,
)

DEADLOCK = NoDeadlock("no-deadlock", "someone can step", "", "stuck")


class Peterson(Specification):
    """Peterson's lock for two: raise a flag, give way, wait."""

    flag0 = Bool(False, "the first wants in")
    flag1 = Bool(False, "the second wants in")
    turn = Count(1, "whose turn it is")
    inside = Count(2, "how many are inside", ghost=True)

    @activity("the first")
    async def first(self) -> None:
        while True:
            await self.rest()
            self.flag0 = True
            await self.preempt()
            self.turn = 1
            await self.until(lambda: not self.flag1 or self.turn == 0, atomic="Peterson's test")
            self.inside += 1
            await self.preempt()
            self.inside -= 1
            self.flag0 = False

    @activity("the second")
    async def second(self) -> None:
        while True:
            await self.rest()
            self.flag1 = True
            await self.preempt()
            self.turn = 0
            await self.until(lambda: not self.flag0 or self.turn == 1, atomic="Peterson's test")
            self.inside += 1
            await self.preempt()
            self.inside -= 1
            self.flag1 = False


class RudePeterson(Peterson):
    """Peterson's lock without giving way: both take the turn themselves."""

    @activity("the first")
    async def first(self) -> None:
        while True:
            await self.rest()
            self.flag0 = True
            await self.preempt()
            self.turn = 0
            await self.until(lambda: not self.flag1 or self.turn == 0, atomic="Peterson's test")
            self.inside += 1
            await self.preempt()
            self.inside -= 1
            self.flag0 = False


MUTUAL: list[Property] = [
    Always(
        "mutual-exclusion",
        "one at most is inside",
        "",
        "two are inside",
        when=lambda s: s.inside > 0,
        must=lambda s: s.inside < 2,
    ),
    DEADLOCK,
]


class Philosophers(Specification):
    """Three philosophers, each taking the left fork first."""

    fork0 = Mutex("between the last and the first")
    fork1 = Mutex("between the first and the second")
    fork2 = Mutex("between the second and the third")

    async def dine(self, left: Mutex, right: Mutex) -> None:
        await self.mutex_lock(left)
        await self.mutex_lock(right)
        await self.preempt()
        self.mutex_unlock(right)
        self.mutex_unlock(left)

    @activity("sits between fork 0 and fork 1")
    async def plato(self) -> None:
        while True:
            await self.rest()
            await self.dine(self.fork0, self.fork1)

    @activity("sits between fork 1 and fork 2")
    async def kant(self) -> None:
        while True:
            await self.rest()
            await self.dine(self.fork1, self.fork2)

    @activity("sits between fork 2 and fork 0")
    async def hegel(self) -> None:
        while True:
            await self.rest()
            await self.dine(self.fork2, self.fork0)


class CarefulPhilosophers(Philosophers):
    """The third takes the lower fork first, as everybody else does."""

    @activity("sits between fork 2 and fork 0, and takes fork 0 first")
    async def hegel(self) -> None:
        while True:
            await self.rest()
            await self.dine(self.fork0, self.fork2)


class ReadersWriter(Specification):
    """A percpu-rwsem, two readers and a writer."""

    lock = PercpuRwsem("guards the data")
    reading = Count(2, "how many read", ghost=True)
    writing = Bool(False, "somebody writes", ghost=True)

    async def read(self) -> None:
        await self.down_read(ReadersWriter.lock)
        self.reading += 1
        await self.preempt()
        self.reading -= 1
        self.up_read(ReadersWriter.lock)

    @activity("reads")
    async def reader(self) -> None:
        while True:
            await self.rest()
            await self.read()

    @activity("reads as well")
    async def other_reader(self) -> None:
        while True:
            await self.rest()
            await self.read()

    @activity("writes")
    async def writer(self) -> None:
        while True:
            await self.rest()
            await self.down_write(ReadersWriter.lock)
            self.writing = True
            await self.preempt()
            self.writing = False
            self.up_write(ReadersWriter.lock)


ALONE: list[Property] = [
    Always(
        "writer-is-alone",
        "nobody reads while somebody writes",
        "",
        "somebody reads while somebody writes",
        when=lambda s: s.writing,
        must=lambda s: s.reading == 0,
    ),
    DEADLOCK,
]


class NestedReader(ReadersWriter):
    """A reader that takes the lock again while it has it."""

    @activity("reads while it reads")
    async def reader(self) -> None:
        while True:
            await self.rest()
            await self.down_read(ReadersWriter.lock)
            await self.read()
            self.up_read(ReadersWriter.lock)


class OneStepWriter(Specification):
    """The nested reader, with a lock whose writer waits and takes it in one step."""

    readers = Count(2, "how many hold the lock for reading")
    writer = Bool(False, "somebody holds it for writing")

    async def take_for_reading(self) -> None:
        await self.until(lambda: not self.writer, atomic="the lock is taken in one step")
        self.readers += 1

    @activity("reads while it reads")
    async def reader(self) -> None:
        while True:
            await self.rest()
            await self.take_for_reading()
            await self.take_for_reading()
            await self.preempt()
            self.readers = 0

    @activity("writes")
    async def writing(self) -> None:
        while True:
            await self.rest()
            await self.until(
                lambda: not self.writer and self.readers == 0, atomic="and so is it here"
            )
            self.writer = True
            await self.preempt()
            self.writer = False


class Herd(Specification):
    """Members that are woken and put to sleep, one at a time, while somebody looks after one."""

    herd = Population(
        "sheep",
        {
            "awake": Bit("it is awake"),
            "shorn": Bit("it has been shorn"),
        },
    )

    def members(self) -> tuple[Kind, ...]:
        return (Kind({"awake": True}, 1), Kind({}, None))

    @activity("wakes one, or shears one that is awake")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="one sheep at a time")
            if self.choose("wake", "shear", label="operation") == "wake":
                self.herd.where(awake=False).set_one(awake=True)
            else:
                self.herd.where(awake=True, shorn=False).set_one(shorn=True)

    @activity("takes one that is awake, and puts it to sleep")
    async def dog(self) -> None:
        while True:
            await self.rest()
            sheep = self.herd.where(awake=True).take()
            if sheep is not None:
                await self.preempt()
                sheep.set(awake=False)
                await self.preempt()
                sheep.release()


SOMEBODY_AWAKE: list[Property] = [
    Always(
        "somebody-is-awake",
        "a shorn sheep is never alone in being awake",
        "",
        "only shorn sheep are awake",
        when=lambda s: s.herd.any(awake=True),
        must=lambda s: s.herd.any(awake=True, shorn=False),
    ),
    DEADLOCK,
]
