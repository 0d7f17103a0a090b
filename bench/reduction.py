"""``python -m bench.reduction``: what partial-order reduction could leave out, at the very most.

It knows the whole state space, as no reduction does: an activity's steps alone are taken from a
state when, whatever the others can do from there while it waits, its steps stay the same, commute
with theirs, and are seen by no property (Peled's ample sets; the cycle proviso by the stack).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from softsnp.explore import Ladder
from softsnp.explore.layout import machine
from softsnp.explore.rungs.emit import Emitted
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.explore.walk import stepping
from softsnp.lang import Never
from softsnp.spec.catalog import DESIGNS, FIRMWARE, SCENARIOS
from softsnp.spec.properties import PROPERTIES

Steps = list[list[tuple[int, frozenset[str]]]]
"""By activity: (number of the state after a step, what happens in it)."""


@dataclass(frozen=True)
class Graph:
    """Every state's steps, and what properties see of the state."""

    begin: list[int]
    steps: list[Steps]
    seen: list[object]
    events: frozenset[str]
    """Those that a property asks about."""

    def visible(self, source: int, target: int, events: frozenset[str]) -> bool:
        return self.seen[source] != self.seen[target] or bool(events & self.events)

    def transitions(self) -> int:
        return sum(len(mine) for steps in self.steps for mine in steps)


def explored(design: str, scenario: str, firmware: str, members: int | None) -> Graph:
    chosen = SCENARIOS[scenario]
    spec = DESIGNS[design](chosen.activities, chosen.assume({}), firmware=firmware)
    shared = machine(tabulate(spec, state_judges(PROPERTIES, [])))
    found = Search(shared, members, PROPERTIES, []).run(ladder=Ladder("python"))
    program, layout = found.rung.program, found.layout
    states = list(found.states)
    numbers = {state: number for number, state in enumerate(states)}
    judges = Emitted(program, lambda *_: None, lambda _: None).judges.values()
    nevers = [prop for prop in PROPERTIES if isinstance(prop, Never)]
    return Graph(
        [numbers[state] for state in layout.initial_states()],
        [
            [
                [(numbers[after], events) for after, events in stepping(program, state, activity)]
                for activity in range(len(layout.at))
            ]
            for state in states
        ],
        [(layout.everyone_rests(s), *(judge(s, None) for judge in judges)) for s in states],
        frozenset(event for prop in nevers for event in (prop.never, prop.situation)),
    )


def alone(graph: Graph, state: int, activity: int) -> bool:
    """Whether an activity's steps are enough from here, but for the cycle proviso."""
    mine = graph.steps[state][activity]
    todo, known = [state] if mine else [], {state}
    while todo:
        here = todo.pop()
        steps = graph.steps[here]
        if len(steps[activity]) != len(mine):
            return False
        if any(graph.visible(here, after, events) for after, events in steps[activity]):
            return False
        for other, theirs in enumerate(steps):
            for after, _ in theirs if other != activity else ():
                later = [end for end, _ in graph.steps[after][activity]]
                if len(later) != len(mine):
                    return False
                for (between, _), end in zip(steps[activity], later, strict=True):
                    if end not in [there for there, _ in graph.steps[between][other]]:
                        return False
                if after not in known:
                    known.add(after)
                    todo.append(after)
    return bool(mine)


def reduced(graph: Graph) -> tuple[int, int]:
    """(states, transitions) of a depth-first search with the best ample sets of one activity."""
    is_alone = cache(lambda state, activity: alone(graph, state, activity))
    known: set[int] = set()
    path: set[int] = set()

    def ample(state: int) -> Iterator[int]:
        for activity, mine in enumerate(graph.steps[state]):
            targets = [after for after, _ in mine]
            if is_alone(state, activity) and not path.intersection(targets):
                return iter(targets)
        return iter([after for mine in graph.steps[state] for after, _ in mine])

    def enter(state: int) -> None:
        known.add(state)
        path.add(state)
        stack.append((state, ample(state)))

    transitions = 0
    stack: list[tuple[int, Iterator[int]]] = []
    for begin in graph.begin:
        if begin not in known:
            enter(begin)
        while stack:
            state, rest = stack[-1]
            after = next(rest, None)
            if after is None:
                path.discard(state)
                stack.pop()
                continue
            transitions += 1
            if after not in known:
                enter(after)
    return len(known), transitions


def commuting(graph: Graph) -> float:
    """The part of the pairs of steps of two activities from one state that commute."""
    pairs = both = 0
    for steps in graph.steps:
        for one, mine in enumerate(steps):
            for other in range(one):
                for after, _ in mine:
                    for there, _ in steps[other]:
                        ends = {end for end, _ in graph.steps[after][other]}
                        pairs += 1
                        both += any(end in ends for end, _ in graph.steps[there][one])
    return both / max(1, pairs)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.reduction", description=__doc__)
    parser.add_argument("design", nargs="?", choices=DESIGNS, default="rmpopt-v10")
    parser.add_argument("--scenario", choices=SCENARIOS, default=next(iter(SCENARIOS)))
    parser.add_argument("--firmware", choices=FIRMWARE, default=next(iter(FIRMWARE)))
    parser.add_argument("--cpus", metavar="N", default="any")
    options = parser.parse_args(arguments)
    members = None if options.cpus == "any" else int(options.cpus)
    graph = explored(options.design, options.scenario, options.firmware, members)
    states, transitions = reduced(graph)
    print(
        f"{options.design}, {options.scenario}, {options.firmware}, {options.cpus} CPUs: "
        f"{len(graph.steps):,} states, {1 - states / len(graph.steps):.0%} fewer; "
        f"{graph.transitions():,} transitions, {1 - transitions / graph.transitions():.0%} fewer; "
        f"{commuting(graph):.0%} of the pairs of steps commute"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
