"""Steps at any number of members as a game: what we choose, and what the number decides.

With counts saturated, one member less of *many* is *one* or *many*. Which, nobody may choose: the
number of members decides. So a step is a *way*, and a way is a set of outcomes. Whatever the number
of members, whoever goes this way comes to one of the outcomes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from .counted import MANY
from .layout import Layout
from .lower import Apply, ApplyEach, Each, End, Op, Program, Switch, Test, lower
from .populations import Fork

MOST_WAYS = 64
"""Ways from one state by one activity beyond these are left out, which can only lose a proof."""
FEW, MORE = MANY, MANY + 1
"""Two numbers that *many* stands for: one less of the first is *one*, of the second *many*."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A state that a way may lead to. ``fewer`` and ``more``: the classes (by bits, in the order of
    the machine's) whose exact number of free members this way has made smaller, or may have made
    larger, whatever the number of members.
    """

    state: int
    fewer: int
    more: int


Way = tuple[Outcome, ...]


class Game:
    """The steps of a saturated program, by way.

    What the number decides is found by trying two numbers: an effect has as many exact results
    with two members where there are *many* as with three, in the same order, and their images are
    all that the effect can come to.
    """

    def __init__(self, program: Program) -> None:
        layout = program.layout
        assert layout.saturated
        self.program = program
        self.layout = layout
        machine = layout.machine
        self.bits = {cls: bit for bit, cls in enumerate(machine.classes)}
        self.exact = lower(Layout(machine, (MORE + 1) * (len(machine.classes) + 1)))
        self._of_apply: dict[tuple[int, int], tuple[int, int, int]] = {}
        self._of_fork: dict[tuple[int, int], list[tuple[tuple[int, ...], int, int]]] = {}

    def ways(self, state: int) -> Iterator[Way]:
        """Every way from a state."""
        number = state >> self.layout.number_at
        for steps, (shift, mask) in zip(self.program.steps, self.layout.at, strict=True):
            yield from self._ways(steps[state >> shift & mask], state, number, 0, 0)

    def _ways(self, op: Op, state: int, number: int, fewer: int, more: int) -> list[Way]:
        """``number``: that of the population in hand."""
        if isinstance(op, Switch):
            return self._ways(op.kids[state >> op.shift & op.mask], state, number, fewer, more)
        if isinstance(op, Test):
            yes = self.layout.populations.answers[number] >> op.bit & 1
            return self._ways(op.yes if yes else op.no, state, number, fewer, more)
        if isinstance(op, End):
            at = self.layout.number_at
            kept = state & (1 << at) - 1 & ~op.clear
            return [(Outcome(kept | op.value | number << at, fewer & ~more, more),)]
        if isinstance(op, Apply):
            after, less, greater = self.applied(op.effect, number)
            return self._ways(op.then, state, after, fewer | less, more | greater)
        found: list[Way] = []
        if isinstance(op, Each):
            for kid in op.kids:
                found += self._ways(kid, state, number, fewer, more)
        elif isinstance(op, ApplyEach):
            for numbers, less, greater in self.forked(op.fork, number):
                # For each outcome we may then go on as we choose.
                chosen = [
                    self._ways(op.then, state, after, fewer | less, more | greater)
                    for after in numbers
                ]
                found += [tuple(o for way in ways for o in way) for ways in product(*chosen)]
        return found[:MOST_WAYS]

    # --- effects ---------------------------------------------------------------------------------

    def applied(self, effect: int, number: int) -> tuple[int, int, int]:
        """(the population that an effect makes, classes with fewer members, and with more)."""
        key = (effect, number)
        if key not in self._of_apply:
            packed = self.layout.populations.packed[number]
            after = self.program.effects[effect](packed)
            exact = self._concrete(number, MORE)
            moved = self._moved(exact, self.exact.effects[effect](exact))
            self._of_apply[key] = self.layout.populations.number(after), *moved
        return self._of_apply[key]

    def forked(self, fork: int, number: int) -> list[tuple[tuple[int, ...], int, int]]:
        """For each way of a fork: (populations, classes with fewer members, and with more)."""
        key = (fork, number)
        if key not in self._of_fork:
            few, more = self._concrete(number, FEW), self._concrete(number, MORE)
            effect = self.exact.forks[fork]
            self._of_fork[key] = [
                (tuple(sorted({self._image(one), self._image(other)})), *self._moved(more, other))
                for one, other in zip(effect(few), effect(more), strict=True)
            ]
        return self._of_fork[key]

    def _concrete(self, number: int, many: int) -> int:
        """An exact population of which this one is the image."""
        populations = self.layout.populations
        free, picked = populations.unpack(populations.packed[number])
        exact = {cls: many if count == MANY else count for cls, count in free.items()}
        return self.exact.layout.populations.pack(exact, picked)

    def _image(self, exact: int) -> int:
        populations = self.layout.populations
        return populations.number(populations.pack(*self.exact.layout.populations.unpack(exact)))

    def _moved(self, before: int, after: int) -> tuple[int, int]:
        """The classes whose number of free members is smaller after, and larger.

        It depends on no number: a class whose members all leave gets none by the same effect.
        """
        here, _ = self.exact.layout.populations.unpack(before)
        there, _ = self.exact.layout.populations.unpack(after)
        fewer = more = 0
        for cls in here.keys() | there.keys():
            difference = there.get(cls, 0) - here.get(cls, 0)
            fewer |= (difference < 0) << self.bits[cls]
            more |= (difference > 0) << self.bits[cls]
        return fewer, more

    # --- certain steps ---------------------------------------------------------------------------

    def certain(self) -> Program:
        """The steps that go where we choose, as a program of its own: ways of one outcome.

        And ways of two of which one is to stand still, with a member less in some class than
        before: whoever goes such a way again and again comes to the other outcome.
        """
        forks = [fork(number) for number in range(len(self.program.forks)) for fork in self._kinds]
        made = replace(self.program, forks=forks, judges={})
        made.steps = [
            [self._certain(op, place << shift, mask << shift, {}) for place, op in enumerate(steps)]
            for steps, (shift, mask) in zip(self.program.steps, self.layout.at, strict=True)
        ]
        return made

    @property
    def _kinds(self) -> tuple[Callable[[int], Fork], ...]:
        return self._single, self._descending

    def _certain(self, op: Op, place: int, mask: int, known: dict[tuple[int, bool], Op]) -> Op:
        """``place``: where the activity stands, in the bits of ``mask``."""

        def made(op: Op, changed: bool) -> Op:
            """``changed``: whether the population in hand may be another than the state's."""
            key = id(op), changed
            if key not in known:
                known[key] = fresh(op, changed)
            return known[key]

        def fresh(op: Op, changed: bool) -> Op:
            if isinstance(op, Switch | Each):
                return replace(op, kids=tuple([made(kid, changed) for kid in op.kids]))
            if isinstance(op, Test):
                return replace(op, yes=made(op.yes, changed), no=made(op.no, changed))
            if isinstance(op, Apply):
                return replace(op, then=made(op.then, True))
            if isinstance(op, ApplyEach):
                end = op.then
                still = isinstance(end, End) and (end.clear, end.value) == (mask, place)
                kind = int(still and not changed)
                return ApplyEach(len(self._kinds) * op.fork + kind, made(op.then, True))
            return op

        return made(op, False)

    def _single(self, fork: int) -> Fork:
        """The outcomes of a fork that no number of members decides."""
        populations = self.layout.populations

        def outcomes(packed: int) -> list[int]:
            ways = self.forked(fork, populations.number(packed))
            return [populations.packed[numbers[0]] for numbers, _, _ in ways if len(numbers) == 1]

        return outcomes

    def _descending(self, fork: int) -> Fork:
        """And those that come about when it is tried often enough."""
        populations = self.layout.populations

        def outcomes(packed: int) -> list[int]:
            here = populations.number(packed)
            found = []
            for numbers, fewer, more in self.forked(fork, here):
                others = [number for number in numbers if number != here]
                if len(numbers) == 1 or (len(others) == 1 and fewer & ~more):
                    found.append(populations.packed[(others or numbers)[0]])
            return found

        return outcomes
