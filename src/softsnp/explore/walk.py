"""The steps from one state, read off the program: for whoever wants a few, and no code for it."""

from __future__ import annotations

from collections.abc import Iterator

from .lower import Apply, ApplyEach, Each, End, Op, Program, Switch, Test


def successors(program: Program, state: int) -> list[int]:
    """The states after each step that somebody can take, in the order in which a rung has them."""
    activities = range(len(program.steps))
    return [after for each in activities for after, _ in stepping(program, state, each)]


def stepping(program: Program, state: int, activity: int) -> Iterator[tuple[int, frozenset[str]]]:
    """The states after each step of one activity, and what happens in it."""
    shift, mask = program.layout.at[activity]
    number = state >> program.layout.number_at
    for after, end in _from(program, program.steps[activity][state >> shift & mask], state, number):
        yield after, frozenset([program.events[event] for event in end.events])


def _from(program: Program, op: Op, state: int, number: int) -> Iterator[tuple[int, End]]:
    """``number``: that of the population in hand."""
    at, populations = program.layout.number_at, program.layout.populations
    if isinstance(op, End):
        yield state & (1 << at) - 1 & ~op.clear | op.value | number << at, op
    elif isinstance(op, Switch):
        yield from _from(program, op.kids[state >> op.shift & op.mask], state, number)
    elif isinstance(op, Test):
        kid = op.yes if populations.answers[number] >> op.bit & 1 else op.no
        yield from _from(program, kid, state, number)
    elif isinstance(op, Each):
        for kid in op.kids:
            yield from _from(program, kid, state, number)
    elif isinstance(op, Apply):
        after = populations.number(program.effects[op.effect](populations.packed[number]))
        yield from _from(program, op.then, state, after)
    elif isinstance(op, ApplyEach):
        for packed in program.forks[op.fork](populations.packed[number]):
            yield from _from(program, op.then, state, populations.number(packed))
