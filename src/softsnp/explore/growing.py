"""A decision tree while it is put together from runs, of which only those that matter are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from softsnp.lang import SpecError

from .questioner import Answers, Trail
from .tree import Ask, Bad, Do, Effect, Node, Question

MOST_RUNS = 20_000  # of one step: a table of that size is a mistake, or needs another step
MISSED = Bad("softsnp: the tabulator took this step to be impossible. Please report it.")


Heard = Callable[[Question, range], range]
"""The answers that a question can have, of those that it could have in itself."""


class TooManyOutcomes(Exception):
    """One step has more than MOST_RUNS outcomes."""


@dataclass
class Growing:
    """A node; without question, effect and leaf it has not been run yet."""

    question: Question | None = None
    outcomes: range = range(0)
    effect: Effect | None = None
    kids: dict[int, Growing] = field(default_factory=dict)
    leaf: Node | None = None

    @property
    def unknown(self) -> bool:
        return self.leaf is None and self.question is None and self.effect is None

    def insert(self, trail: Trail, leaf: Node) -> None:
        """Add one run. Raises SpecError when it asked something else than the runs before it."""
        node = self
        for entry in trail:
            question, outcomes, answer, effect = None, range(0), 0, None
            if isinstance(entry, tuple):
                question, outcomes, answer = entry
            else:
                effect = entry
            if not node.unknown and (node.question, node.effect) != (question, effect):
                raise SpecError(
                    "a step asked something else when run again: specifications must be "
                    "deterministic (no randomness, clocks, sets of objects or globals)"
                )
            node.question, node.outcomes, node.effect = question, outcomes, effect
            node = node.kids.setdefault(answer, Growing())
        node.leaf = leaf

    def freeze(self) -> Node:
        """The tree; what was never run is MISSED, an error if it is ever reached."""
        if self.leaf is not None:
            return self.leaf
        if self.effect is not None:
            return Do(self.effect, self.kids[0].freeze())
        if self.question is not None:
            kids = self.kids
            return Ask(
                self.question,
                tuple((a, kids[a].freeze() if a in kids else MISSED) for a in self.outcomes),
            )
        return MISSED


class StepTree:
    """One step: its tree so far, and how to run it with scripted answers."""

    def __init__(self, run: Callable[[Answers], tuple[Trail, Node]]) -> None:
        self.run = run
        self.root = Growing()
        self.runs = 0

    def leaves(self, heard: Heard) -> Iterator[Node]:
        """The leaves behind the answers that a question can have; runs the step where it must.

        Raises TooManyOutcomes.
        """
        pending: list[tuple[Growing, Answers]] = [(self.root, ())]
        while pending:
            node, script = pending.pop()
            if node.unknown:
                self.root.insert(*self.run(script))
                self.runs += 1
                if self.runs > MOST_RUNS:
                    raise TooManyOutcomes
            while node.effect is not None:
                node = node.kids[0]
            if node.leaf is not None:
                yield node.leaf
                continue
            assert node.question is not None
            for answer in reversed(heard(node.question, node.outcomes)):
                kid = node.kids.get(answer)
                if kid is None:
                    kid = node.kids[answer] = Growing()
                pending.append((kid, (*script, answer)))
