"""What the places of an activity are called, and what is decided there, for labels and comments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from softsnp.explore.growing import MISSED
from softsnp.explore.layout import Machine
from softsnp.explore.questioner import Answers, Questioner
from softsnp.explore.recreate import recreate
from softsnp.explore.tabulate import LocalState
from softsnp.explore.tree import Ask, Choose, Do, Node
from softsnp.lang import Specification
from softsnp.lang.position import advance
from softsnp.lang.telling import chain

from .names import Names

FAILS = " fails"
Decisions = dict[tuple[str, int], str]
"""What was decided, by the decision's label and the number of the alternative."""


@dataclass(frozen=True)
class Place:
    label: str
    where: str
    """In which functions that is, and what is waited for."""
    decisions: Decisions


def places(machine: Machine, activity: int, names: Names) -> list[Place]:
    """The places of an activity, each as the first of the local states that are one there."""
    spec, found = machine.spec, dict[int, Place]()
    resting = machine.resting[activity]
    states = machine.tables.activities[activity]
    for local, block in zip(states, machine.blocks[activity], strict=True):
        if block in found:
            continue
        coroutine, awaited = recreate(spec, activity, local.trail)
        frames = chain(spec, coroutine)
        coroutine.close()
        end = "end_" if resting[block] else ""
        name = f"{end}{frames[-1].function.strip('_')}_{block}"
        where = " > ".join(frame.function for frame in frames[1:] or frames)
        waits = f"; waits {awaited.what}" if awaited.what else ""
        found[block] = Place(
            names.of((activity, block), name),
            ("at rest" if end else where) + waits,
            decisions(spec, activity, local),
        )
    return [found[block] for block in range(len(found))]


class _Listener(Questioner):
    """Hears the remarks of a step, of which the first after a decision says what was decided."""

    def begin(self, script: Answers) -> None:
        super().begin(script)
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def decisions(spec: Specification, activity: int, local: LocalState) -> Decisions:
    """What the alternatives are that a step from a local state decides between."""
    found: Decisions = {}
    driver = getattr(spec, "driver", None)
    for label, answer, script in _choices(local.tree, ()):
        if label and not label.endswith(FAILS) and (label, answer) not in found:
            coroutine, step = recreate(spec, activity, local.trail)
            listener = _Listener(spec)
            listener.begin(script)
            spec.driver = listener
            spec.begin_step(activity, step.atomic)
            with suppress(Exception):  # where the specification fails, it has decided before
                if step.guard is None or step.guard():
                    advance(coroutine)
            coroutine.close()
            told = [note for note in listener.notes if note.startswith(f"{label}: ")]
            if told:
                found[label, answer] = told[0]
    if driver is not None:
        spec.driver = driver
    return found


def _choices(node: Node, script: Answers) -> Iterator[tuple[str, int, Answers]]:
    """Each decision in a tree, with the answers that lead to it."""
    if isinstance(node, Do):
        yield from _choices(node.then, script)
    elif isinstance(node, Ask):
        for answer, kid in node.kids:
            if kid != MISSED:
                if isinstance(node.question, Choose):
                    yield node.question.label, answer, (*script, answer)
                yield from _choices(kid, (*script, answer))
