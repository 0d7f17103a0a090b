"""Run every local state once for every combination of answers; out come decision trees.

The specification runs here and nowhere else during a check. A local state is a position of a
coroutine; it is re-created by replaying the answers that first led to it. Tables do not depend
on the number of members.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from softsnp.lang import Always, Change, Cube, Field, Impossible, SpecError, Specification, Step
from softsnp.lang.errors import innermost_frame
from softsnp.lang.position import Position, advance, frames, location, position

from .recreate import Trail, recreate
from .tree import (
    AnyMember,
    Ask,
    AtRest,
    Bad,
    Blocked,
    Choose,
    Do,
    Effect,
    Judged,
    Leaf,
    MemberBit,
    MemberUpdate,
    Node,
    Peek,
    Pick,
    Question,
    Read,
    Release,
    Restart,
    Update,
    UpdateOne,
)

Answers = tuple[int, ...]
MOST_STEPS = 500
REST = "rest of "
MOST_RUNS = 20_000  # of one step: a table of that size is a mistake, or needs another step


class TooManyOutcomes(Exception):
    """One step has more than MOST_RUNS outcomes; the argument says what it asked about."""


@dataclass
class LocalState:
    """One position of an activity: how to get there, what stands there, what it does next."""

    trail: Trail
    position: Position
    resting: bool
    tree: Node = field(default_factory=Blocked)


@dataclass
class Tables:
    """A tabulated specification: for each activity its local states, for each property a tree."""

    spec: Specification
    activities: list[list[LocalState]]
    judges: dict[str, Node]

    @property
    def trees(self) -> list[list[Node]]:
        return [[local.tree for local in locals_] for locals_ in self.activities]


class Questioner:
    """The driver that answers from a script, and writes down what was asked and done."""

    def __init__(self, spec: Specification) -> None:
        self.spec = spec
        self.begin(())

    def begin(self, script: Answers) -> None:
        self.script = script
        self.asked = 0
        self.said: list[int] = []
        self.trail: list[tuple[Question, range, int] | Effect] = []
        self.overlay: dict[str, int] = {}
        self.writes: dict[str, int] = {}
        self.events: list[str] = []
        self._forget()

    def _forget(self) -> None:
        self.known_any: dict[AnyMember, bool] = {}
        self.known_bits: dict[int, bool] = {}

    def ask(self, question: Question, outcomes: range) -> int:
        answer = self.script[self.asked] if self.asked < len(self.script) else outcomes[0]
        self.asked += 1
        self.trail.append((question, outcomes, answer))
        return answer

    def answers(self) -> Answers:
        """What was answered to each question asked of the state."""
        return tuple(entry[2] for entry in self.trail if isinstance(entry, tuple))

    def asked_about(self) -> str:
        """The scalars that were read, and how many other questions were asked."""
        questions = [entry[0] for entry in self.trail if isinstance(entry, tuple)]
        reads = [q.field for q in questions if isinstance(q, Read)]
        others = len(questions) - len(reads)
        return f"{', '.join(reads) or 'no scalar'}, and {others} other questions"

    def say(self, value: int) -> int:
        """Remembers everything that the specification was told, for replaying it."""
        self.said.append(value)
        return value

    # --- the driver's words ---------------------------------------------------------------

    def read(self, field: Field[Any]) -> int:
        if field.name not in self.overlay:
            self.overlay[field.name] = self.ask(Read(field.name), range(len(field.domain)))
        return self.say(self.overlay[field.name])

    def write(self, field: Field[Any], index: int) -> None:
        self.overlay[field.name] = self.writes[field.name] = index

    def _any(self, question: AnyMember) -> bool:
        if question not in self.known_any:
            self.known_any[question] = self.ask(question, range(2)) == 1
        return self.say(self.known_any[question]) == 1

    def any(self, cube: Cube) -> bool:
        return self._any(AnyMember(cube, free=False))

    def any_free(self, cube: Cube) -> bool:
        return self._any(AnyMember(cube, free=True))

    def update(self, cube: Cube, change: Change) -> None:
        self._forget()
        self.trail.append(Update(cube, change))

    def update_one(self, cube: Cube, change: Change) -> None:
        self._forget()
        self.trail.append(UpdateOne(cube, change))

    def peek(self, cube: Cube, bit: int) -> bool:
        return self.say(self.ask(Peek(cube, bit), range(2))) == 1

    def pick(self, cube: Cube) -> None:
        self._forget()
        self.trail.append(Pick(cube))

    def member_bit(self, bit: int) -> bool:
        if bit not in self.known_bits:
            self.known_bits[bit] = self.ask(MemberBit(bit), range(2)) == 1
        return self.say(self.known_bits[bit]) == 1

    def member_update(self, change: Change) -> None:
        self.known_any = {}
        for bit in list(self.known_bits):
            if change.mask >> bit & 1:
                self.known_bits[bit] = bool(change.value >> bit & 1)
        self.trail.append(MemberUpdate(change))

    def member_release(self) -> None:
        self._forget()
        self.trail.append(Release())

    def choose(self, count: int, label: str) -> int:
        return self.say(self.ask(Choose(count, label), range(count)))

    def at_rest(self, activity: int) -> bool:
        name = f"{REST}{activity}"
        if name not in self.overlay:
            self.overlay[name] = self.ask(AtRest(activity), range(2))
        return self.say(self.overlay[name]) == 1

    def restart(self) -> None:
        self._forget()
        for name in [name for name in self.overlay if name.startswith(REST)]:
            del self.overlay[name]  # to be asked again: they stand elsewhere now
        self.trail.append(Restart())

    def event(self, name: str) -> None:
        self.events.append(name)

    def note(self, text: str) -> None:
        pass


@dataclass
class _Growing:
    """A tree while it is being put together from runs."""

    question: Question | None = None
    effect: Effect | None = None
    kids: dict[int, _Growing] = field(default_factory=dict)
    leaf: Node | None = None

    def insert(self, trail: list[tuple[Question, range, int] | Effect], leaf: Node) -> None:
        node = self
        for entry in trail:
            question, effect, answer = None, None, 0
            if isinstance(entry, tuple):
                question, _, answer = entry
            else:
                effect = entry
            if node.kids and (node.question, node.effect) != (question, effect):
                raise SpecError(
                    "a step asked something else when run again: specifications must be "
                    "deterministic (no randomness, clocks, sets of objects or globals)"
                )
            node.question, node.effect = question, effect
            node = node.kids.setdefault(answer, _Growing())
        node.leaf = leaf

    def freeze(self) -> Node:
        if self.leaf is not None:
            return self.leaf
        if self.effect is not None:
            return Do(self.effect, self.kids[0].freeze())
        assert self.question is not None
        return Ask(self.question, tuple((a, k.freeze()) for a, k in sorted(self.kids.items())))


def enumerate_runs(driver: Questioner, run: Callable[[Answers], Node]) -> Node:
    """The tree of all runs: depth-first over the answers, each run from the start."""
    root = _Growing()
    pending: list[Answers] = [()]
    count = 0
    while pending:
        script = pending.pop()
        leaf = run(script)
        count += 1
        if count > MOST_RUNS:
            raise TooManyOutcomes(driver.asked_about())
        root.insert(driver.trail, leaf)
        taken = driver.answers()
        asked = [entry for entry in driver.trail if isinstance(entry, tuple)]
        for depth in range(len(script), len(asked)):
            _, outcomes, answer = asked[depth]
            pending += [(*taken[:depth], other) for other in outcomes if other != answer]
    return root.freeze()


@dataclass
class _Parked:
    """A coroutine that stands at a local state, ready to go on, and what it holds."""

    coroutine: Coroutine[Step, None, None]
    step: Step
    holds: Any


class _Activity:
    """Tabulates one activity."""

    def __init__(self, spec: Specification, driver: Questioner, activity: int) -> None:
        self.spec = spec
        self.driver = driver
        self.activity = activity
        self.found: dict[Position, int] = {}
        self.locals: list[LocalState] = []
        self.spare: list[list[_Parked]] = []
        """By local state: coroutines that have come there, and need not be re-created."""
        self.done = 0

    def tabulate(self) -> list[LocalState]:
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
        while self.done < len(self.locals):
            local = self.locals[self.done]
            try:
                local.tree = enumerate_runs(self.driver, lambda script: self.run(local, script))  # noqa: B023
            except TooManyOutcomes as error:
                raise self.explosion(local, str(error)) from None
            for parked in self.spare[self.done]:
                parked.coroutine.close()
            self.spare[self.done].clear()
            self.done += 1
        return self.locals

    def arrive(self, coroutine: Coroutine[Step, None, None], step: Step, trail: Trail) -> int:
        """The local state that a coroutine has come to. It waits there if it can be of use."""
        where = position(coroutine, step, self.spec.held(self.activity))
        if where not in self.found:
            if len(trail) > MOST_STEPS:
                raise SpecError(
                    f"the activity {self.spec.activity_names[self.activity]} is at a new place "
                    f"after {MOST_STEPS} steps: does a local grow without end?\n"
                    f"  wrote: count = count + 1, with an await in the loop\n"
                    f"  write: min(count + 1, 3), or a declared field",
                    location(coroutine),
                )
            self.found[where] = len(self.locals)
            self.locals.append(LocalState(trail, where, step.resting))
            self.spare.append([])
        local = self.found[where]
        if local >= self.done:
            parked = _Parked(coroutine, step, self.spec.parked(self.activity))
            self.spare[local].append(parked)
        else:
            coroutine.close()
        return local

    def at(self, local: LocalState) -> _Parked:
        """A coroutine at a local state."""
        spare = self.spare[self.done]
        if spare:
            parked = spare.pop()
            self.spec.unpark(self.activity, parked.holds)
            return parked
        coroutine, step = recreate(self.spec, self.activity, local.trail)
        return _Parked(coroutine, step, self.spec.parked(self.activity))

    def explosion(self, local: LocalState, asked: str) -> SpecError:
        coroutine = self.at(local).coroutine
        codes = [frame.f_code for frame in frames(coroutine)]
        inner = [c.co_name for c in codes if "/softsnp/lang/" not in c.co_filename]
        return SpecError(
            f"one step of {inner[-1]}() has more than {MOST_RUNS:,} outcomes: it reads {asked}\n"
            f"  wrote: all of it between two awaits\n"
            f"  write: await self.preempt() in between, or fewer questions",
            location(coroutine),
        )

    def run(self, local: LocalState, script: Answers) -> Node:
        """One step from a local state, with scripted answers; the leaf it ends in."""
        driver = self.driver
        parked = self.at(local)
        coroutine, step = parked.coroutine, parked.step
        driver.begin(script)
        self.spec.begin_step(self.activity, step.atomic)
        try:
            if step.guard is not None and not step.guard():
                self.spare[self.done].append(parked)
                return Blocked()
            step = advance(coroutine)
            goto = self.arrive(coroutine, step, (*local.trail, tuple(driver.said)))
            return Leaf(tuple(sorted(driver.writes.items())), goto, tuple(driver.events))
        except SpecError:
            raise
        except StopIteration:
            return Bad(f"the activity {self.spec.activity_names[self.activity]} ended")
        except (Impossible, Exception) as error:
            place = innermost_frame(error.__traceback__)
            kind = "" if isinstance(error, Impossible) else f"{type(error).__name__}: "
            return Bad(f"{place}: {kind}{error}")


def tabulate(spec: Specification, judges: dict[str, Always]) -> Tables:
    """All tables of a specification and of the properties to judge its states by.

    Raises SpecError for what the language refuses.
    """
    driver = Questioner(spec)
    spec.driver = driver
    activities = [
        _Activity(spec, driver, index).tabulate() for index in range(len(spec.activity_names))
    ]
    trees: dict[str, Node] = {}
    for name, judge in judges.items():

        def run(script: Answers, judge: Always = judge) -> Node:
            driver.begin(script)
            spec.begin_step(-1, atomic="a property is not a step")
            return Judged(*judge.judge(spec))

        try:
            trees[name] = enumerate_runs(driver, run)
        except TooManyOutcomes as error:
            raise SpecError(
                f"the property {name} has more than {MOST_RUNS:,} outcomes: it reads {error}\n"
                f"  wrote: all of it in one property\n"
                f"  write: a property for each part"
            ) from None
    return Tables(spec, activities, trees)
