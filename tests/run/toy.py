"""A house with doors, for live runs: small, and with every word that leaves something open."""

from __future__ import annotations

from random import Random

from softsnp.lang import Bit, Bool, Count, Kind, Mutex, Population, Specification, activity
from softsnp.lang.world import World
from softsnp.run.deciders import Seeded
from softsnp.run.driver import Decider, LiveDriver
from softsnp.run.live import Live

DOORS = 4


class House(Specification):
    """Doors that are opened under a key, and a bell that may break."""

    doors = Population("door", {"open": Bit("it is open", guard="key"), "oiled": Bit("quiet")})
    key = Mutex("one door at a time")
    opened = Count(2, "how many doors were opened, two at most", guard="key")
    bell = Bool(True, "the bell works")

    def members(self) -> tuple[Kind, ...]:
        return (Kind({}, None),)

    @activity("opens and closes doors")
    async def porter(self) -> None:
        while True:
            await self.rest()
            await self.open_one()

    @activity("rings")
    async def visitor(self) -> None:
        while True:
            await self.rest()
            await self.ring()

    async def open_one(self) -> str:
        await self.mutex_lock(House.key)
        await self.preempt()
        door = self.doors.where(open=False).take()
        if door is None:
            self.mutex_unlock(House.key)
            return "all are open"
        await self.preempt()
        door.set(open=True)
        self.opened += 1
        door.release()
        self.mutex_unlock(House.key)
        self.note("a door opens")
        return "opened"

    async def oil(self) -> int:
        await self.preempt()
        while self.doors.where(oiled=False).set_one(oiled=True):
            await self.preempt()
        return 0

    async def ring(self) -> bool:
        await self.preempt()
        self.bell = not self.fault("the bell")
        return True

    async def burn_down(self) -> None:
        await self.preempt(atomic="everybody leaves")
        self.restart()


def house(seed: int = 0, decider: Decider | None = None) -> Live:
    """A live house with all doors shut."""
    spec = House()
    world = World({name: field.initial for name, field in spec.fields.items()}, [0] * DOORS)
    return Live(spec, world, decider or Seeded(Random(seed)), Random(seed), LiveDriver)
