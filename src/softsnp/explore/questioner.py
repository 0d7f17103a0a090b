"""The driver that asks: every answer comes from a script, every question and effect is kept."""

from __future__ import annotations

from typing import Any

from softsnp.lang import Change, Cube, Field, Specification

from .tree import (
    AnyMember,
    AtRest,
    Choose,
    Effect,
    MemberBit,
    MemberUpdate,
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
Trail = list[tuple[Question, range, int] | Effect]
"""What one step asked, could have heard and heard, and what it did, in order."""
REST = "rest of "


class Questioner:
    """The driver that answers from a script, and writes down what was asked and done."""

    def __init__(self, spec: Specification) -> None:
        self.spec = spec
        self.begin(())

    def begin(self, script: Answers) -> None:
        self.script = script
        self.asked = 0
        self.said: list[int] = []
        self.trail: Trail = []
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
