"""Trees as options: each way through a step with the guard under which it is taken.

Promela decides nothing within a ``d_step``, so every way is an option of its own: a conjunction of
tests of the state before the step, then statements. What a step asks after it has changed the
population is asked of the state before it, by working out what the change makes of each mask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from softsnp.explore.growing import MISSED
from softsnp.explore.layout import Machine
from softsnp.explore.tree import (
    AnyMember,
    Ask,
    AtRest,
    Bad,
    Choose,
    Do,
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
from softsnp.lang import Change, Cube

from .expressions import ALL, NO, NONE, YES, both, conjunction, given, negated, some
from .members import EVERY, Members
from .places import FAILS, Decisions
from .variables import Activities, Scalars

PROPERTY = -1  # in place of an activity
THEM = "them"
"""Scratch: the members that statements select. Zero between steps."""


@dataclass(frozen=True)
class Option:
    """One way through a step. ``goto`` is None where the specification fails, for ``failure``."""

    guards: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """What was decided, for a comment."""
    forks: tuple[str, ...] = ()
    """Names in guards and statements that stand for a member: there is one option for each."""
    goto: int | None = None
    events: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True)
class _Way:
    """A way under way: its option so far, and masks and picked members in terms of the state before
    the step."""

    option: Option
    masks: dict[int, str]
    picked: dict[int, str]
    restarted: bool = False

    def when(self, guard: str) -> _Way | None:
        if guard == NO:
            return None
        guards = self.option.guards
        if guard == YES or guard in guards:
            return self
        return replace(self, option=replace(self.option, guards=(*guards, guard)))

    def then(self, *statements: str) -> _Way:
        return replace(
            self, option=replace(self.option, statements=(*self.option.statements, *statements))
        )

    def having_chosen(self, text: str) -> _Way:
        return replace(self, option=replace(self.option, choices=(*self.option.choices, text)))


class Options:
    """Goes through trees. ``activity`` is whose, or PROPERTY."""

    def __init__(
        self, machine: Machine, members: Members, scalars: Scalars, activities: Activities
    ) -> None:
        self.machine = machine
        self.members = members
        self.scalars = scalars
        self.activities = activities
        self.activity = PROPERTY
        self.place = 0
        self.decisions: Decisions = {}

    def of(self, activity: int, place: int, decisions: Decisions) -> list[Option]:
        """The ways through the step of an activity at a place."""
        self.activity, self.place, self.decisions = activity, place, decisions
        return list(self._walk(self.machine.trees[activity][place], self._start()))

    def violated(self, judge: Node) -> str:
        """An expression: whether the property that this tree judges is violated."""
        self.activity = PROPERTY
        return self._violated(judge, self._start())

    def _start(self) -> _Way:
        return _Way(Option(), self.members.names(), dict(self.activities.picked))

    # --- ways ------------------------------------------------------------------------------------

    def _walk(self, node: Node, way: _Way | None) -> Iterator[Option]:
        if way is None:
            return
        if isinstance(node, Do):
            yield from self._walk(node.then, self._do(node, way))
        elif isinstance(node, Ask):
            for answers, kid in _kids(node):
                asked = self._asked(node.question, answers, way)
                yield from self._walk(kid, asked)
        elif isinstance(node, Leaf):
            writes = [
                self.scalars.write(*write)
                for write in node.writes
                if write[0] in self.scalars.names
            ]
            events = tuple(dict.fromkeys(node.events))
            yield replace(way.then(*writes).option, goto=node.goto, events=events)
        elif isinstance(node, Bad) and node != MISSED:
            yield replace(way.option, failure=node.message)

    def _asked(self, question: Question, answers: list[int], way: _Way) -> _Way | None:
        if isinstance(question, Choose):
            (answer,) = answers
            return way.having_chosen(self._chosen(question, answer))
        if isinstance(question, Peek):
            (answer,) = answers
            cube = question.where(answer)
            found = NONE if cube is None else self.members.within(cube, way.masks)
            return way.when(some(found))
        return way.when(self._test(question, answers, way))

    def _chosen(self, question: Choose, answer: int) -> str:
        label = question.label
        if (label, answer) in self.decisions:
            return self.decisions[label, answer]
        if question.count == 2 and label.endswith(FAILS):
            return label if answer else f"{label.removesuffix(FAILS)} does not fail"
        return f"{label or 'choice'}: {answer + 1} of {question.count}"

    def _test(self, question: Question, answers: list[int], way: _Way) -> str:
        """An expression: whether this is among the answers to a question without forks."""
        if isinstance(question, Read):
            if question.field in self.scalars.constants:
                return YES if self.scalars.constants[question.field] in answers else NO
            return self.scalars.test(question.field, answers)
        if len(answers) == 2:
            return YES
        if isinstance(question, AtRest):
            said = self._rests(question.activity, way.restarted)
        elif isinstance(question, MemberBit):
            said = some(both(way.masks[question.bit], way.picked[self.activity]))
        else:
            assert isinstance(question, AnyMember)
            said = some(self._within(question.cube, way, question.free))
        return said if answers == [1] else negated(said)

    def _within(self, cube: Cube, way: _Way, free: bool) -> str:
        found = self.members.within(cube, way.masks)
        taken = [name for name in way.picked.values() if name != NONE]
        if not free or found == NONE or not taken:
            return found
        return " & ".join([found, *(f"~{name}" for name in taken)])

    def _rests(self, activity: int, restarted: bool) -> str:
        rests = self.machine.resting[activity]
        if activity == self.activity:
            return YES if rests[self.place] else NO
        if restarted:
            return YES if rests[0] else NO
        return self.activities.rests[activity]

    def _violated(self, node: Node, way: _Way) -> str:
        if isinstance(node, Judged):
            return YES if node.violated else NO
        assert isinstance(node, Ask), "a property changes nothing"
        parts: dict[str, list[int]] = {}
        for answers, kid in _kids(node):
            parts.setdefault(self._violated(kid, way), []).extend(answers)
        if len(parts) == 1:
            return next(iter(parts))
        terms = []
        for violated, answers in parts.items():
            test = self._test(node.question, sorted(answers), way)
            if violated != NO and test != NO:
                terms.append(conjunction(test, violated))
        return " || ".join(terms) or NO

    # --- effects ---------------------------------------------------------------------------------

    def _do(self, node: Do, way: _Way) -> _Way | None:
        effect, me = node.effect, self.activity
        if isinstance(effect, Update):
            return self._change(way, effect.cube, effect.change, "", "")
        if isinstance(effect, UpdateOne):
            forked = self._fork(way, self._within(effect.cube, way, free=False))
            if forked is None:
                return None
            one = f"BIT({forked.option.forks[-1]})"
            return self._change(forked, effect.cube, effect.change, one, one)
        if isinstance(effect, MemberUpdate):
            mine = self.activities.picked[me]
            return self._change(way, EVERY, effect.change, mine, way.picked[me])
        if isinstance(effect, Pick):
            forked = self._fork(way, self._within(effect.cube, way, free=True))
            if forked is None:
                return None
            one = f"BIT({forked.option.forks[-1]})"
            picked = replace(forked, picked={**forked.picked, me: one})
            return picked.then(f"{self.activities.picked[me]} = {one}")
        if isinstance(effect, Release):
            released = replace(way, picked={**way.picked, me: NONE})
            return released.then(f"{self.activities.picked[me]} = {NONE}")
        assert isinstance(effect, Restart)
        return self._restart(way)

    def _restart(self, way: _Way) -> _Way:
        """Every other activity stands at its beginning, and has nothing picked."""
        me, names = self.activity, self.activities
        others = [other for other in range(len(names.names)) if other != me]
        empty = {other: NONE for other in others if other in way.picked}
        restarted = replace(way, picked={**way.picked, **empty}, restarted=True)
        back = [f"RESTART_{names.names[other]}" for other in others]
        resting = [
            f"{names.rests[other]} = {int(self.machine.resting[other][0])}"
            for other in others
            if other in names.asked
        ]
        released = [f"{names.picked[other]} = {NONE}" for other in empty]
        return restarted.then(*back, *resting, *released)

    def _fork(self, way: _Way, among: str) -> _Way | None:
        """One way for every member among these."""
        if among == NONE:
            return None
        option = way.option
        name = f"{self.members.member}{len(option.forks) or ''}"
        guards = tuple(guard for guard in option.guards if guard != some(among))  # said below
        bit = f"BIT({name})"
        test = YES if among == ALL else some(both(among, bit))
        forked = replace(option, guards=guards, forks=(*option.forks, name))
        return replace(way, option=forked).when(test)

    def _change(self, way: _Way, cube: Cube, change: Change, now: str, before: str) -> _Way:
        """``now`` and ``before``: the one member that is changed, as it is called while the step is
        taken and in terms of the state before it; empty for every member of the cube."""
        parts = self.members.parts(cube, change)
        if not parts:
            return way
        names = self.members.names()
        them = now or self.members.within(cube, names)
        them_before = before or self._within(cube, way, free=False)
        scratch: dict[tuple[Cube, ...] | None, str] = {}
        statements, masks = [], dict(way.masks)
        words = set(re.findall(r"\w+", them))
        first = len(parts) == 1 or not any(names[part.bit] in words for part in parts)
        for part in parts:
            if part.among not in scratch and part.among is None and first:
                scratch[None] = them
            elif part.among not in scratch:
                subset = "" if part.among is None else self._any_of(part.among, names)
                scratch[part.among] = f"{THEM}_{len(scratch)}"
                selected = both(them, subset) if subset else them
                statements.append(f"{scratch[part.among]} = {selected}")
        for part in parts:
            name, which = self.members.variables[part.bit], scratch[part.among]
            statements.append(f"{name} = {given(name, which, part.on)}")
            were = them_before
            if part.among is not None:
                were = both(were, self._any_of(part.among, way.masks))
            masks[part.bit] = f"({given(way.masks[part.bit], were, part.on)})"
        done = [f"{name} = 0" for name in scratch.values() if name.startswith(f"{THEM}_")]
        return replace(way, masks=masks).then(*statements, *done)

    def _any_of(self, cubes: tuple[Cube, ...], masks: dict[int, str]) -> str:
        return " | ".join(f"({self.members.within(cube, masks)})" for cube in cubes)


def _kids(node: Ask) -> list[tuple[list[int], Node]]:
    """Answers to a question by what comes of them; forks are kept apart, for each is a step.

    Answers that cannot occur are as whichever of the others has most, so that less is tested.
    """
    if isinstance(node.question, Choose | Peek):
        return [([answer], kid) for answer, kid in node.kids]
    groups: dict[Node, list[int]] = {}
    missed = []
    for answer, kid in node.kids:
        if kid == MISSED:
            missed.append(answer)
        else:
            groups.setdefault(kid, []).append(answer)
    if groups and missed:
        largest = max(groups.values(), key=len)
        largest[:] = sorted([*largest, *missed])
    return [(answers, kid) for kid, answers in groups.items()]
