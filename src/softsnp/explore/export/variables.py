"""What a model's state is made of besides masks: scalars, and what activities have."""

from __future__ import annotations

from typing import Any

from softsnp.explore.layout import Machine
from softsnp.explore.tree import Ask, Do, Leaf, Node
from softsnp.lang import Field

from .expressions import YES
from .names import Names


class Scalars:
    """Declared scalars: which are variables, and what tests of them look like."""

    def __init__(self, machine: Machine, names: Names) -> None:
        fields = machine.spec.fields
        writes = {write for trees in machine.trees for tree in trees for write in _writes(tree)}
        moved = {name for name, index in writes if index != fields[name].initial}
        self.constants = {n: f.initial for n, f in fields.items() if n not in moved}
        self.variables: dict[str, Field[Any]] = {n: f for n, f in fields.items() if n in moved}
        self.names = {name: names.of(("field", name), name) for name in self.variables}
        self.values: dict[tuple[str, int], str] = {}
        """Names of values, for those that are no numbers."""
        for name, field in self.variables.items():
            if not self.is_bool(name) and tuple(field.domain) != tuple(range(len(field.domain))):
                for index in range(len(field.domain)):
                    text = f"{self.names[name]}_is_{field.show(index)}"
                    self.values[name, index] = names.of(("value", name, index), text)

    def is_bool(self, name: str) -> bool:
        return tuple(self.variables[name].domain) == (False, True)

    def value(self, name: str, index: int) -> str:
        return self.values.get((name, index), str(index))

    def write(self, name: str, index: int) -> str:
        return f"{self.names[name]} = {self.value(name, index)}"

    def test(self, name: str, answers: list[int]) -> str:
        """Whether a scalar has one of these values."""
        every = range(len(self.variables[name].domain))
        others = [index for index in every if index not in answers]
        me = self.names[name]
        if not others:
            return YES
        if self.is_bool(name):
            return me if answers == [1] else f"!{me}"
        if len(others) < len(answers):
            return " && ".join(f"{me} != {self.value(name, index)}" for index in others)
        tests = [f"{me} == {self.value(name, index)}" for index in answers]
        return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"


def _writes(node: Node) -> set[tuple[str, int]]:
    if isinstance(node, Leaf):
        return set(node.writes)
    if isinstance(node, Do):
        return _writes(node.then)
    if isinstance(node, Ask):
        return set().union(*(_writes(kid) for _, kid in node.kids))
    return set()


class Activities:
    """The names that stand for activities: what they have picked, and whether they are at rest."""

    def __init__(self, machine: Machine, names: Names, asked: set[int]) -> None:
        self.asked = asked
        """Of which something wants to know whether they are at rest."""
        self.names = [
            names.of(("activity", number), name)
            for number, name in enumerate(machine.spec.activity_names)
        ]
        member = getattr(machine.spec.population(), "member", "member")
        self.picked = {
            number: names.of(("picked", number), f"{member}s_of_{self.names[number]}")
            for number in machine.pickers
        }
        self.rests = [names.of(("rests", name), f"{name}_rests") for name in self.names]
