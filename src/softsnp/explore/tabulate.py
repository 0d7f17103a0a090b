"""Run every local state for every combination of answers that it can hear; out come decision trees.

The specification runs here and nowhere else during a check. A local state is a position of a
coroutine; it is re-created by replaying the answers that first led to it. Tables do not depend
on the number of members.

Each activity is explored by itself beforehand, beside others that may do anything that they ever
do: scalars that no other activity writes have the values they have, everything else is unknown.
What cannot happen even then is not tabulated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from softsnp.lang import Always, Impossible, SpecError, Specification, Step
from softsnp.lang.errors import innermost_frame
from softsnp.lang.position import Position, advance, frames, lasting, location, position

from .growing import MOST_RUNS, StepTree, TooManyOutcomes
from .questioner import Answers, Questioner
from .questioner import Trail as Asked
from .recreate import Trail, recreate
from .tree import Bad, Blocked, Judged, Leaf, Node, Question, Read, Restart

MOST_STEPS = 500
MOST_VALUATIONS = 20_000
"""Of the scalars that only one activity writes, at all its local states; beyond, none is known."""
MOST_SPARE = 16


@dataclass
class LocalState:
    """One position of an activity: how to get there, what stands there, what it does next."""

    trail: Trail
    position: Position
    resting: bool
    lock: str = ""
    """The lock that is waited for here, or an empty string."""
    tree: Node = field(default_factory=Blocked)

    def orders(self) -> list[tuple[str, str]]:
        """(a lock that is held here, the one that is waited for)."""
        _, held, _ = self.position
        return [(name, self.lock) for name, *_ in held if self.lock not in ("", name)]


@dataclass
class Tables:
    """A tabulated specification: for each activity its local states, for each property a tree."""

    spec: Specification
    activities: list[list[LocalState]]
    judges: dict[str, Node]
    merge: bool
    """Whether local states that differ only in what nobody reads again are one."""

    def key(self, where: Position) -> Position:
        """The position of the local state for a position."""
        return lasting(where) if self.merge else where

    @property
    def trees(self) -> list[list[Node]]:
        return [[local.tree for local in locals_] for locals_ in self.activities]


@dataclass
class _Parked:
    """A coroutine that stands at a local state, ready to go on, and what it holds."""

    coroutine: Coroutine[Step, None, None]
    step: Step
    holds: Any


End = tuple[int, int, int]
"""Where a step ends: the local state, which bits of packed scalars stay, and what is written."""


class Packed:
    """Some scalars as one integer."""

    def __init__(self, spec: Specification, names: list[str]) -> None:
        self.places: dict[str, tuple[int, int]] = {}
        """Scalar to (shift, mask)."""
        self.initial = 0
        shift = 0
        for name in names:
            width = (len(spec.fields[name].domain) - 1).bit_length()
            self.places[name] = (shift, (1 << width) - 1)
            self.initial |= spec.fields[name].initial << shift
            shift += width

    def end(self, leaf: Leaf) -> End:
        kept, written = -1, 0
        for name, value in leaf.writes:
            if name in self.places:
                shift, mask = self.places[name]
                kept &= ~(mask << shift)
                written |= value << shift
        return leaf.goto, kept, written


@dataclass
class _Remembered:
    """The ends of a step, by the values of the scalars that it was ever seen to read."""

    read: int = 0
    ends: dict[int, list[End]] = field(default_factory=dict)


class _Activity:
    """Tabulates one activity."""

    def __init__(self, spec: Specification, driver: Questioner, activity: int, merge: bool) -> None:
        self.spec = spec
        self.driver = driver
        self.activity = activity
        self.merge = merge
        self.found: dict[Position, int] = {}
        self.locals: list[LocalState] = []
        self.steps: list[StepTree] = []
        self.spare: list[list[_Parked]] = []
        """By local state: coroutines that have come there, and need not be re-created."""
        self.writes: set[str] = set()
        """The scalars that it ever writes."""
        self.restarts = False
        """Whether it ever puts the others back to their beginning."""
        self.explored: tuple[frozenset[str], bool] | None = None

    def begin(self) -> None:
        """Find the first local state."""
        self.driver.begin(())
        coroutine, step = recreate(self.spec, self.activity, ())
        if self.driver.trail or self.driver.writes:
            raise SpecError(
                f"the activity {self.spec.activity_names[self.activity]} touches state before "
                f"its first await\n"
                f"  wrote: state first, then await\n"
                f"  write: await self.rest() (or self.preempt()) first",
                location(coroutine),
            )
        self.arrive(coroutine, step, ())

    def explore(self, shared: frozenset[str], restarted: bool) -> bool:
        """Tabulate what can happen when others write the scalars ``shared``, and perhaps restart
        this activity. Says whether that is more than last time.
        """
        if self.explored == (shared, restarted):
            return False
        self.explored = (shared, restarted)
        own = [name for name in self.spec.fields if name not in shared]
        if not self._explore(own, restarted):
            self._explore([], restarted)
        return True

    def _explore(self, own: list[str], restarted: bool) -> bool:
        """Go through all local states with all values of ``own``; False if these are too many."""
        packed = Packed(self.spec, own)
        memory: list[_Remembered] = []
        start = (0, packed.initial)
        seen = {start}
        todo = deque([start])
        while todo:
            local, values = todo.popleft()
            while len(memory) <= local:
                memory.append(_Remembered())
            for goto, kept, written in self.ends(local, values, packed, memory[local]):
                after = values & kept | written
                for state in ((goto, after), (0, after)) if restarted else ((goto, after),):
                    if state not in seen:
                        seen.add(state)
                        todo.append(state)
            if own and len(seen) > MOST_VALUATIONS:
                return False
        return True

    def ends(self, local: int, values: int, packed: Packed, memory: _Remembered) -> list[End]:
        """Where one step from a local state can end, given the values of some scalars."""
        ends = memory.ends.get(values & memory.read)
        if ends is not None:
            return ends
        read = memory.read

        def heard(question: Question, outcomes: range) -> range:
            if isinstance(question, Read) and question.field in packed.places:
                shift, mask = packed.places[question.field]
                memory.read |= mask << shift
                value = values >> shift & mask
                return range(value, value + 1)
            return outcomes

        try:
            leaves = list(self.steps[local].leaves(heard))
        except TooManyOutcomes:
            raise self.explosion(local) from None
        if memory.read != read:
            memory.ends.clear()  # they were remembered by less than they depend on
        ends = list({packed.end(leaf): None for leaf in leaves if isinstance(leaf, Leaf)})
        memory.ends[values & memory.read] = ends
        return ends

    def finish(self) -> list[LocalState]:
        """The tables."""
        for spare in self.spare:
            for parked in spare:
                parked.coroutine.close()
        for local, step in zip(self.locals, self.steps, strict=True):
            local.tree = step.root.freeze()
        return self.locals

    def arrive(self, coroutine: Coroutine[Step, None, None], step: Step, trail: Trail) -> int:
        """The local state that a coroutine has come to. It waits there to be of use."""
        where = position(coroutine, step, self.spec.held(self.activity))
        where = lasting(where) if self.merge else where
        local = self.found.get(where)
        if local is None:
            if len(trail) > MOST_STEPS:
                raise SpecError(
                    f"the activity {self.spec.activity_names[self.activity]} is at a new place "
                    f"after {MOST_STEPS} steps: does a local grow without end?\n"
                    f"  wrote: count = count + 1, with an await in the loop\n"
                    f"  write: min(count + 1, 3), or a declared field",
                    location(coroutine),
                )
            local = self.found[where] = len(self.locals)
            self.locals.append(LocalState(trail, where, step.resting, step.lock))
            self.steps.append(StepTree(lambda script: self.run(local, script)))
            self.spare.append([])
        if len(self.spare[local]) < MOST_SPARE:
            self.spare[local].append(_Parked(coroutine, step, self.spec.parked(self.activity)))
        else:
            coroutine.close()
        return local

    def at(self, local: int) -> _Parked:
        """A coroutine at a local state."""
        if self.spare[local]:
            parked = self.spare[local].pop()
            self.spec.unpark(self.activity, parked.holds)
            return parked
        coroutine, step = recreate(self.spec, self.activity, self.locals[local].trail)
        return _Parked(coroutine, step, self.spec.parked(self.activity))

    def explosion(self, local: int) -> SpecError:
        asked = self.driver.asked_about()
        coroutine = self.at(local).coroutine
        codes = [frame.f_code for frame in frames(coroutine)]
        inner = [c.co_name for c in codes if "/softsnp/lang/" not in c.co_filename]
        return SpecError(
            f"one step of {inner[-1]}() has more than {MOST_RUNS:,} outcomes: it reads {asked}\n"
            f"  wrote: all of it between two awaits\n"
            f"  write: await self.preempt() in between, or fewer questions",
            location(coroutine),
        )

    def run(self, local: int, script: Answers) -> tuple[Asked, Node]:
        """One step from a local state, with scripted answers: what it asked, and its leaf."""
        driver = self.driver
        parked = self.at(local)
        driver.begin(script)
        leaf = self.end_of(local, parked)
        if isinstance(leaf, Leaf):
            self.writes.update(name for name, _ in leaf.writes)
            self.restarts = self.restarts or any(isinstance(e, Restart) for e in driver.trail)
        return driver.trail, leaf

    def end_of(self, local: int, parked: _Parked) -> Node:
        driver = self.driver
        coroutine, step = parked.coroutine, parked.step
        self.spec.begin_step(self.activity, step.atomic)
        try:
            if step.guard is not None and not step.guard():
                self.spare[local].append(parked)
                return Blocked()
            step = advance(coroutine)
            trail = (*self.locals[local].trail, tuple(driver.said))
            goto = self.arrive(coroutine, step, trail)
            return Leaf(tuple(sorted(driver.writes.items())), goto, tuple(driver.events))
        except SpecError:
            raise
        except StopIteration:
            return Bad(f"the activity {self.spec.activity_names[self.activity]} ended")
        except (Impossible, Exception) as error:
            place = innermost_frame(error.__traceback__)
            kind = "" if isinstance(error, Impossible) else f"{type(error).__name__}: "
            return Bad(f"{place}: {kind}{error}")


def tabulate(spec: Specification, judges: dict[str, Always], merge: bool = True) -> Tables:
    """All tables of a specification and of the properties to judge its states by.

    ``merge``: local states that differ only in what nobody reads again are one. Raises SpecError
    for what the language refuses.
    """
    driver = Questioner(spec)
    spec.driver = driver
    names = spec.activity_names
    activities = [_Activity(spec, driver, index, merge) for index in range(len(names))]
    for activity in activities:
        activity.begin()
    more = True
    while more:
        more = False
        for activity in activities:
            others = [other for other in activities if other is not activity]
            shared = frozenset[str]().union(*(other.writes for other in others))
            more |= activity.explore(shared, any(other.restarts for other in others))
    trees = {name: _judge(spec, driver, name, judge) for name, judge in judges.items()}
    return Tables(spec, [activity.finish() for activity in activities], trees, merge)


def _judge(spec: Specification, driver: Questioner, name: str, judge: Always) -> Node:
    """What a property says of every state."""

    def run(script: Answers) -> tuple[Asked, Node]:
        driver.begin(script)
        spec.begin_step(-1, atomic="a property is not a step")
        return driver.trail, Judged(*judge.judge(spec))

    tree = StepTree(run)
    try:
        for _ in tree.leaves(lambda _, outcomes: outcomes):
            pass
    except TooManyOutcomes:
        raise SpecError(
            f"the property {name} has more than {MOST_RUNS:,} outcomes: it reads "
            f"{driver.asked_about()}\n"
            f"  wrote: all of it in one property\n"
            f"  write: a property for each part"
        ) from None
    return tree.root.freeze()
