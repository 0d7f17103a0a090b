"""Trees brought down to a layout: tests of bits and numbered effects, the same for every rung.

What is emitted as Python and what the table engine reads both come from here, so that both take
the same steps in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from softsnp.lang import SpecError

from .layout import Layout
from .populations import Effect, Fork
from .tree import (
    AnyMember,
    Ask,
    AtRest,
    Bad,
    Blocked,
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

# --- operations ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Nothing:
    """No successor here."""


@dataclass(frozen=True, slots=True)
class End:
    """A successor: these bits cleared, those set, under the population in hand."""

    clear: int
    value: int
    events: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """Go by the value of a field of the state before the step; ``kids`` has one for each."""

    shift: int
    mask: int
    kids: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """Go by a bit of the answers of the population in hand."""

    bit: int
    yes: Op
    no: Op


@dataclass(frozen=True, slots=True)
class Each:
    """Go every way, in order."""

    kids: tuple[Op, ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """Go on with the population that an effect makes."""

    effect: int
    then: Op


@dataclass(frozen=True, slots=True)
class ApplyEach:
    """Go on with every population that a fork makes, in order."""

    fork: int
    then: Op


@dataclass(frozen=True, slots=True)
class Fail:
    """The specification fails here."""

    message: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of a property's tree."""

    exercised: bool
    violated: bool


Op = Nothing | End | Switch | Test | Each | Apply | ApplyEach | Fail | Verdict
NOTHING = Nothing()
PROPERTY = -1  # in place of an activity
T = TypeVar("T")


@dataclass
class Program:
    """A machine in a layout. ``steps`` has one operation a local state of each activity."""

    layout: Layout
    steps: list[list[Op]] = field(default_factory=list)
    judges: dict[str, Op] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    forks: list[Fork] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def lower(layout: Layout) -> Program:
    """The program of a layout's machine and of the properties it was tabulated with."""
    program = Program(layout)
    lowering = _Lowering(program)
    for activity, trees in enumerate(layout.machine.trees):
        lowering.activity = activity
        program.steps.append([lowering.op(tree) for tree in trees])
    lowering.activity = PROPERTY
    for name, tree in layout.machine.tables.judges.items():
        program.judges[name] = lowering.op(tree)
    layout.populations.prepare()
    return program


class _Lowering:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.layout = program.layout
        self.populations = program.layout.populations
        self.effects: dict[object, int] = {}
        self.forks: dict[object, int] = {}
        self.activity = PROPERTY

    def op(self, node: Node, restarted: int = 0) -> Op:
        """``restarted``: the places of activities that were sent to their beginnings."""
        if isinstance(node, Leaf):
            return self.end(node, restarted)
        if isinstance(node, Ask):
            return self.ask(node, restarted)
        if isinstance(node, Do):
            return self.do(node, restarted)
        if isinstance(node, Judged):
            return Verdict(node.exercised, node.violated)
        if isinstance(node, Bad):
            return Fail(_numbered(self.program.failures, node.message))
        assert isinstance(node, Blocked)
        return NOTHING

    def end(self, leaf: Leaf, restarted: int) -> End:
        shift, mask = self.layout.at[self.activity]
        clear, value = restarted | mask << shift, leaf.goto << shift
        for name, index in leaf.writes:
            if name in self.layout.constants:
                continue
            shift, mask = self.layout.scalars[name]
            clear |= mask << shift
            value |= index << shift
        named = dict.fromkeys(leaf.events)  # said twice in one step is said once
        events = tuple(_numbered(self.program.events, event) for event in named)
        return End(clear, value, events)

    # --- effects ---------------------------------------------------------------------------------

    def do(self, node: Do, restarted: int) -> Op:
        effect, populations, me = node.effect, self.populations, self.activity
        if isinstance(effect, Restart):
            places = [mask << shift for shift, mask in self.layout.at]
            restarted = self.layout.places_mask & ~places[me]
            if set(populations.slots) <= {me}:
                return self.op(node.then, restarted)
        then = self.op(node.then, restarted)
        if isinstance(effect, Pick):
            return self.fork((effect, me), populations.pick(me, effect.cube), then)
        if isinstance(effect, UpdateOne):
            return self.fork(effect, populations.update_one(effect.cube, effect.change), then)
        if isinstance(effect, Update):
            return self.apply(effect, populations.update(effect.cube, effect.change), then)
        if isinstance(effect, MemberUpdate):
            return self.apply((effect, me), populations.member_update(me, effect.change), then)
        if isinstance(effect, Release):
            return self.apply((effect, me), populations.release(me), then)
        return self.apply((effect, me), populations.restart(me), then)

    def apply(self, key: object, effect: Effect, then: Op) -> Apply:
        return Apply(_once(self.effects, key, self.program.effects, effect), then)

    def fork(self, key: object, fork: Fork, then: Op) -> ApplyEach:
        return ApplyEach(_once(self.forks, key, self.program.forks, fork), then)

    # --- questions -------------------------------------------------------------------------------

    def ask(self, node: Ask, restarted: int) -> Op:
        question = node.question
        kids = {answer: self.op(kid, restarted) for answer, kid in node.kids}
        if isinstance(question, Choose | Peek) and self.activity == PROPERTY:
            raise SpecError(
                "a property looks at one member, whichever, or chooses: its verdict would depend "
                "on which\n  wrote: peek(…) or choose(…)\n  write: any(…) or all(…)"
            )
        if isinstance(question, Choose):
            return Each(tuple(kids[answer] for answer in sorted(kids)))
        if isinstance(question, Peek):
            return Each(tuple(self.peeked(question, a, kids[a]) for a in sorted(kids)))
        if isinstance(question, Read):
            if question.field in self.layout.constants:
                return kids.get(self.layout.constants[question.field], NOTHING)
            shift, mask = self.layout.scalars[question.field]
            return _switch(shift, mask, kids)
        if isinstance(question, AtRest):
            shift, mask = self.layout.at[question.activity]
            rests = self.layout.machine.resting[question.activity]
            if restarted & mask << shift:
                return kids[rests[0]]
            return _switch(shift, mask, {local: kids[rest] for local, rest in enumerate(rests)})
        return self.test(question, kids)

    def peeked(self, question: Peek, answer: int, kid: Op) -> Op:
        cube = question.where(answer)
        if cube is None:
            return NOTHING
        return Test(self.populations.ask(self.populations.any(cube, free=False)), kid, NOTHING)

    def test(self, question: Question, kids: dict[int, Op]) -> Op:
        if isinstance(question, MemberBit):
            asked = self.populations.member_bit(self.activity, question.bit)
        else:
            assert isinstance(question, AnyMember)
            asked = self.populations.any(question.cube, question.free)
        return Test(self.populations.ask(asked), kids[1], kids[0])


def _switch(shift: int, mask: int, kids: dict[int, Op]) -> Op:
    every = tuple(kids.get(value, NOTHING) for value in range(mask + 1))
    return every[0] if all(kid == every[0] for kid in every) else Switch(shift, mask, every)


def _numbered(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _once(known: dict[object, int], key: object, made: list[T], value: T) -> int:
    """The number of what goes by the key; ``value`` is what it is when it is new."""
    if key not in known:
        known[key] = len(made)
        made.append(value)
    return known[key]
