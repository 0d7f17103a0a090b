"""What every activity can do from every state, for the oracle: run once, then remembered.

A state is a few numbers: of its scalars, of its herd (the members, and who has picked whom), and
of the place where each activity stands. What a step does depends on its own activity's place,
the scalars and the herd, and not even on the herd when it has not said a word about members.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from softsnp.lang import Specification
from softsnp.lang.position import Position, position
from softsnp.lang.world import World

from .concrete import Concrete, Taken, every_way
from .memory import Memory
from .recreate import Trail, recreate

Key = tuple[Any, ...]
State = tuple[int, ...]
OF_SCALARS = {"read", "write", "choose", "event", "note"}
"""The words whose answer and effect are the same whoever the members are, and whoever rests."""


class Way(NamedTuple):
    """One way to step."""

    scalars: int
    herd: int | None
    """None: as it was, whatever it was."""
    place: int
    restarted: bool
    events: tuple[str, ...]


def after(state: State, activity: int, way: Way) -> State:
    """The state after a step."""
    herd = state[1] if way.herd is None else way.herd
    if way.restarted:
        others = (0,) * (len(state) - 3)
        return (way.scalars, herd, *others[:activity], way.place, *others[activity:])
    mine = 2 + activity
    return (way.scalars, herd, *state[2:mine], way.place, *state[mine + 1 :])


class Places:
    """The places where an activity can stand, by number. The first is where it starts."""

    def __init__(self, spec: Specification, activity: int) -> None:
        coroutine, step = recreate(spec, activity, ())
        start = position(coroutine, step, spec.held(activity))
        coroutine.close()
        self.activity = activity
        self.numbers: dict[Position, int] = {start: 0}
        self.rests = [step.resting]
        self.orders: list[list[tuple[str, str]]] = [[]]
        """The locks that are held at a place, each with the one that is waited for there."""
        self.memories = [self._memory(())]

    def _memory(self, trail: Trail) -> Memory:
        return Memory(self.activity, trail, lambda taken: self.number(taken, trail))

    def number(self, taken: Taken, trail: Trail) -> int:
        """The number of the place where a step ended that began at the end of a trail."""
        if taken.position not in self.numbers:
            self.numbers[taken.position] = len(self.rests)
            self.rests.append(taken.resting)
            held = [name for name, *_ in taken.position[1]]
            self.orders.append([(h, taken.lock) for h in held if taken.lock not in ("", h)])
            self.memories.append(self._memory((*trail, taken.said)))
        return self.numbers[taken.position]


class Ways:
    """What can be done from states with one driver's meaning of members.

    ``remember=False`` runs every step of every state anew.
    """

    def __init__(self, driver: Concrete, places: list[Places], *, remember: bool = True) -> None:
        self.driver = driver
        self.places = places
        self.remember = remember
        self.known: list[dict[tuple[int, ...], list[Way]]] = [{} for _ in places]
        self._scalars: dict[Key, int] = {}
        self._herds: dict[Key, int] = {}
        self._by_scalars: list[dict[str, int]] = []
        self._by_herd: list[tuple[list[int], dict[int, int]]] = []

    def world(self, state: State) -> World:
        """The data of a state, which nobody may change."""
        return World(self._by_scalars[state[0]], *self._by_herd[state[1]])

    def state(self, world: World, places: tuple[int, ...]) -> State:
        return (self._number_scalars(world), self._number_herd(world), *places)

    def _number_scalars(self, world: World) -> int:
        key = tuple(world.scalars.values())
        if key not in self._scalars:
            self._scalars[key] = len(self._by_scalars)
            self._by_scalars.append(world.scalars)
        return self._scalars[key]

    def _number_herd(self, world: World) -> int:
        key = self.driver.herd(world)
        if key not in self._herds:
            self._herds[key] = len(self._by_herd)
            self._by_herd.append((world.members, world.picked))
        return self._herds[key]

    def ways(self, state: State, activity: int) -> list[Way]:
        """Every way in which an activity can step. Raises SpecError where it fails."""
        known = self.known[activity]
        scalars, herd, place = state[0], state[1], state[2 + activity]
        found = known.get((place, scalars))
        if found is None:
            found = known.get((place, scalars, herd))
        if found is None:
            found, words = self._run(state, activity)
            if not self.remember or "at_rest" in words:
                return found
            if words <= OF_SCALARS:
                known[place, scalars] = found = [way._replace(herd=None) for way in found]
            else:
                known[place, scalars, herd] = found
        return found

    def _run(self, state: State, activity: int) -> tuple[list[Way], set[str]]:
        """The ways, and the words said to the driver in any of them."""
        driver, world = self.driver, self.world(state)
        memory = self.places[activity].memories[state[2 + activity]]

        def rests(asked: int) -> bool:
            """A step may ask who is at rest, also after it has started all others anew."""
            anew = driver.restarted and asked != activity
            return self.places[asked].rests[0 if anew else state[2 + asked]]

        driver.resting = rests
        take = memory.take if self.remember else memory.take_anew
        found, words = [], set[str]()
        for end in every_way(driver, lambda script: take(driver, world, script)):
            words |= end.words
            if end.place is not None:
                new = driver.world
                found.append(
                    Way(
                        self._number_scalars(new),
                        self._number_herd(new),
                        end.place,
                        driver.restarted,
                        tuple(driver.events),
                    )
                )
        return found, words
