"""The base of every specification, and its words.

Each word has one meaning in every driver:

=================  =====================================================================
``preempt()``      await: others may run here
``until(cond)``    await: the same, and wait until the condition holds
``rest()``         await: the same, between two operations
``atomic="why"``   on these: the step that begins here may touch several things, for this reason
``mutex_lock`` …   await: wait for a lock and take it
``pick(**bits)``   await: take one member with these bits, whichever; None if there is none
``choose(…)``      one of the alternatives, whichever
``fault(what)``    whether this fails, either way
``restart()``      end every other activity where it stands
``event(name)``    something has happened that properties ask about
``note(text)``     a remark for the chart
=================  =====================================================================

An activity is an ``async def`` that a driver steps by hand, from one await to the next; there is
no event loop. The code between two awaits is one atomic step.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeVar

from .driver import Driver
from .errors import Impossible, OutOfDomain, SpecError, caller
from .locks import Lock, Mutex, PercpuRwsem, Writer
from .population import Bit, Kind, Member, Population, Selection
from .state import Assumption, Field, Parameter
from .steps import Step

T = TypeVar("T")
A = TypeVar("A", bound=Callable[..., Coroutine[Any, Any, None]])
Mode = Literal["read", "write"]
_set = object.__setattr__  # for what is not declared state; see Specification.__setattr__


def activity(sentence: str) -> Callable[[A], A]:
    """Marks an ``async def`` of a specification as an activity: a task that runs for ever."""

    def mark(function: A) -> A:
        function.activity_sentence = sentence  # type: ignore[attr-defined]
        return function

    return mark


def declared(cls: type, kind: type[T]) -> dict[str, T]:
    """Class attributes of a kind by name, base classes first, in order of declaration."""
    found: dict[str, T] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, kind):
                found[name] = value
            else:
                found.pop(name, None)
    return found


class Specification:
    """A system: declared state, locks, a population, and activities that run concurrently.

    Locks in docstrings and ``guard=`` are names of attributes. Instances are sealed: state that
    is not declared would be state that no driver sees.
    """

    name: ClassVar[str] = ""
    driver: Driver

    def __init__(
        self,
        activities: Sequence[str] | None = None,
        assume: Mapping[str, bool] | None = None,
        **parameters: str,
    ) -> None:
        cls = type(self)
        known = cls.declared_activities()
        chosen = list(known) if activities is None else list(activities)
        for name in chosen:
            if name not in known:
                raise SpecError(f"no activity {name!r}; there are {', '.join(known)}")
        defaults = {a.name: a.default for a in declared(cls, Assumption).values()}
        for name in assume or {}:
            if name not in defaults:
                raise SpecError(f"no assumption {name!r}; there are {', '.join(defaults)}")
        variants = {p.name: p.default for p in declared(cls, Parameter).values()}
        for name, value in parameters.items():
            if name not in variants or value not in declared(cls, Parameter)[name].values:
                raise SpecError(f"no {name} {value!r}")
        _set(self, "activity_names", tuple(chosen))
        _set(self, "assumptions", {**defaults, **(assume or {})})
        _set(self, "parameters", {**variants, **parameters})
        _set(self, "fields", cls.declared_fields())
        _set(self, "consulted", set())
        _set(self, "_activity", 0)
        _set(self, "_held", {})
        _set(self, "_member", set())
        _set(self, "_touches", {})
        _set(self, "_atomic", None)

    activity_names: tuple[str, ...]
    assumptions: dict[str, bool]
    parameters: dict[str, str]
    fields: dict[str, Field[Any]]
    consulted: set[str]
    _activity: int
    _held: dict[int, dict[str, tuple[Mode, int]]]
    _member: set[int]
    _touches: dict[str, bool]
    _atomic: str | None

    def __setattr__(self, name: str, value: object) -> None:
        if name == "driver":
            _set(self, name, value)
            return
        attribute = getattr(type(self), name, None)
        assign = getattr(attribute, "__set__", None)
        if assign is not None:
            assign(self, value)
            return
        raise SpecError(
            f"self.{name} is not declared state, so nobody would see it change\n"
            f"  wrote: self.{name} = …\n"
            f"  write: {name} = Count(3, 'what it counts') in the class, then assign",
            caller(),
        )

    # --- what is declared ----------------------------------------------------------------

    @classmethod
    def declared_activities(cls) -> dict[str, str]:
        """Name to sentence."""
        found: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                sentence = getattr(value, "activity_sentence", None)
                if sentence is not None:
                    found[name.replace("_", "-")] = sentence
        return found

    @classmethod
    def declared_fields(cls) -> dict[str, Field[Any]]:
        """Every scalar by name, the parts of locks included."""
        fields: dict[str, Field[Any]] = dict(declared(cls, Field))
        for lock in declared(cls, Lock).values():
            fields.update({part.name: part for part in lock.parts().values()})
        return fields

    def population(self) -> Population | None:
        """The declared population, if there is one."""
        found = declared(type(self), Population)
        return next(iter(found.values()), None)

    def members(self) -> tuple[Kind, ...]:
        """How the population starts. At least one kind's count is None if N may vary."""
        return ()

    def coroutine(self, activity: int) -> Coroutine[Step, None, None]:
        """A fresh coroutine of an activity."""
        method = getattr(self, self.activity_names[activity].replace("-", "_"))
        made: Coroutine[Step, None, None] = method()
        return made

    # --- words that await ------------------------------------------------------------------

    def preempt(self, *, atomic: str | None = None) -> Step:
        return Step(atomic=atomic)

    def until(
        self, condition: Callable[[], bool], what: str = "", *, atomic: str | None = None
    ) -> Step:
        return Step(condition, what, atomic=atomic)

    def rest(
        self, condition: Callable[[], bool] | None = None, *, atomic: str | None = None
    ) -> Step:
        return Step(condition, atomic=atomic, resting=True)

    async def pick(self, **bits: bool) -> Member | None:
        await Step()
        population = self.population()
        if population is None:
            raise SpecError("pick() needs a population")
        return Selection(self, population, bits).take()

    # --- locks -----------------------------------------------------------------------------
    # Taking and releasing a lock does not count as touching a shared thing: what else the step
    # does cannot be told apart from having been done under the lock, or just before or after.

    async def mutex_lock(self, lock: Mutex) -> None:
        await Step(lambda: not self._peek(lock.locked), f"for {lock.name}", lock=lock.name)
        self._poke(lock.locked, True)
        self._hold(lock, "write")

    async def mutex_trylock(self, lock: Mutex) -> bool:
        await Step()
        if lock.locked.__get__(self):
            return False
        self._poke(lock.locked, True)
        self._hold(lock, "write")
        return True

    def mutex_unlock(self, lock: Mutex) -> None:
        self._release(lock, "write")
        self._poke(lock.locked, False)

    async def down_read(self, lock: PercpuRwsem) -> None:
        await Step(
            lambda: self._peek(lock.writer) is Writer.none,
            f"for the writer of {lock.name}",
            lock=lock.name,
        )
        self._poke(lock.readers, self._peek(lock.readers) + 1)
        self._hold(lock, "read")

    def up_read(self, lock: PercpuRwsem) -> None:
        self._release(lock, "read")
        self._poke(lock.readers, self._peek(lock.readers) - 1)

    async def down_write(self, lock: PercpuRwsem) -> None:
        """Two steps: stop new readers, then wait for those inside."""
        await Step(
            lambda: self._peek(lock.writer) is Writer.none,
            f"for the writer of {lock.name}",
            lock=lock.name,
        )
        self._poke(lock.writer, Writer.waiting)
        await Step(lambda: self._peek(lock.readers) == 0, f"for the readers of {lock.name}")
        self._poke(lock.writer, Writer.holding)
        self._hold(lock, "write")

    def up_write(self, lock: PercpuRwsem) -> None:
        self._release(lock, "write")
        self._poke(lock.writer, Writer.none)

    def _peek(self, field: Field[T]) -> T:
        return field.domain[self.driver.read(field)]

    def _poke(self, field: Field[T], value: T) -> None:
        if value not in field.domain:
            raise OutOfDomain(f"{field.name} = {value!r} is outside its domain")
        self.driver.write(field, field.domain.index(value))

    # --- words that do not ------------------------------------------------------------------

    def choose(self, *alternatives: T, label: str = "") -> T:
        """One of the alternatives; ``label`` is what a chart calls the decision."""
        chosen = alternatives[0]
        if len(alternatives) > 1:
            chosen = alternatives[self.driver.choose(len(alternatives), label)]
        if label:
            told = chosen.name if isinstance(chosen, enum.Enum) else chosen
            self.driver.note(f"{label}: {told}")
        return chosen

    def fault(self, what: str) -> bool:
        if self.driver.choose(2, f"{what} fails") == 0:
            return False
        self.driver.note(f"fault: {what} fails")
        return True

    def event(self, name: str) -> None:
        self.driver.event(name)

    def observe(self, field: Field[T]) -> T:
        """A field's value for a property's sake: nothing of the system reads it here."""
        return self._peek(field)

    def note(self, text: str) -> None:
        self.driver.note(text)

    def restart(self, *lost: str) -> None:
        """End every other activity where it stands, and lose these memories.

        This activity keeps the member that it has, and the locks that are not lost.
        """
        self.driver.restart()
        me, locks = self._activity, declared(type(self), Lock)
        mine = self._held.get(me, {})
        kept = {name: how for name, how in mine.items() if locks[name].memory not in lost}
        self._held.clear()
        self._held[me] = kept
        self._member.intersection_update({me})
        self.lose(*lost)

    def lose(self, *memories: str) -> None:
        """Every field in these memories goes back to its initial value."""
        for field in self.fields.values():
            if field.memory in memories:
                self.driver.write(field, field.initial)

    def at_rest(self) -> bool:
        """Whether every activity is between two operations."""
        return all(self.driver.at_rest(a) for a in range(len(self.activity_names)))

    def at_rest_of(self, *activities: str) -> bool:
        """Whether each of these activities is between two operations; who is not there, is."""
        return all(
            self.driver.at_rest(number)
            for number, name in enumerate(self.activity_names)
            if name in activities
        )

    # --- constants of the run ---------------------------------------------------------------

    def assumed(self, name: str) -> bool:
        self.consulted.add(name)
        return self.assumptions[name]

    def parameter(self, name: str) -> str:
        return self.parameters[name]

    # --- the rule of one shared thing a step --------------------------------------------------

    def begin_step(self, activity: int, atomic: str | None = None, *, fresh: bool = False) -> None:
        """A driver says whose step begins and why it may touch several things, if it may.

        ``fresh`` forgets what the activity held, since its coroutine starts anew.
        """
        _set(self, "_activity", activity)
        _set(self, "_atomic", atomic)
        self._touches.clear()
        if fresh:
            self._held.pop(activity, None)
            self._member.discard(activity)

    def held(self, activity: int) -> tuple[tuple[str, Mode, int], ...]:
        """(lock, how, how often) an activity holds, as part of where it stands."""
        held = self._held.get(activity, {})
        return tuple((lock, mode, often) for lock, (mode, often) in sorted(held.items()))

    def parked(self, activity: int) -> tuple[dict[str, tuple[Mode, int]], bool]:
        """What an activity holds, to be given back when its coroutine goes on."""
        return dict(self._held.get(activity, {})), activity in self._member

    def unpark(self, activity: int, parked: tuple[dict[str, tuple[Mode, int]], bool]) -> None:
        held, member = parked
        self._held[activity] = dict(held)
        (self._member.add if member else self._member.discard)(activity)

    def touched(self, thing: Field[Any] | Bit, write: bool) -> None:
        """Refuses a second unprotected shared thing in a step that does not say why it may."""
        if thing.ghost or self._atomic is not None:
            return
        if isinstance(thing, Bit) and thing.identity:
            return  # it never changes
        if thing.guard is not None:
            mode, _ = self._held.get(self._activity, {}).get(thing.guard, (None, 0))
            if mode == "write" or (mode == "read" and not write):
                return
        self._touches[thing.thing] = True
        if len(self._touches) > 1:
            first, second = self._touches
            raise SpecError(
                f"one step touches two shared things, {first} and {second}, "
                f"with no lock held that guards them\n"
                f"  wrote: both in one step\n"
                f"  write: await self.preempt() between them, or hold their lock, "
                f"or await self.preempt(atomic='why it is one step')",
                caller(),
            )

    def holds_member(self) -> None:
        if self._activity in self._member:
            raise SpecError(
                "an activity can hold one picked member at a time; release() the first", caller()
            )
        self._member.add(self._activity)

    def releases_member(self) -> None:
        self._member.discard(self._activity)

    def _hold(self, lock: Lock, mode: Mode) -> None:
        held = self._held.setdefault(self._activity, {})
        often = held.get(lock.name, (mode, 0))[1] + 1
        if often > lock.most_holds:
            raise Impossible(f"{lock.name} is held more than {lock.most_holds} times by one task")
        held[lock.name] = (mode, often)

    def _release(self, lock: Lock, mode: Mode) -> None:
        held = self._held.get(self._activity, {})
        how, often = held.pop(lock.name, (mode, 0))
        if how != mode or often == 0:
            raise Impossible(f"{lock.name} is released by a task that does not hold it")
        if often > 1:
            held[lock.name] = (mode, often - 1)
