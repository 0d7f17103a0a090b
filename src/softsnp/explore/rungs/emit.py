"""Python emitted from a program: one small function for every local state.

An emitted function takes a state and appends its successors. This is the ladder's first rung: it
is ready in milliseconds, and needs nothing but Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from softsnp.explore.lower import (
    Apply,
    ApplyEach,
    Each,
    End,
    Fail,
    Nothing,
    Op,
    Program,
    Switch,
    Test,
    Verdict,
)

MOST_CASES = 200
Expand = Callable[[int, Callable[[int], None]], None]


class Memo(dict[int, Any]):
    """Remembers what a function of a population's number returned."""

    def __init__(self, function: Callable[[int], Any]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, number: int) -> Any:
        value = self[number] = self.function(number)
        return value


def effects(program: Program) -> dict[str, Memo]:
    """``e3`` and ``f0``: effects and forks, from a population's number to shifted numbers."""
    populations, at = program.layout.populations, program.layout.number_at

    def one(effect: Callable[[int], int]) -> Memo:
        return Memo(lambda n: populations.number(effect(populations.packed[n])) << at)

    def many(fork: Callable[[int], list[int]]) -> Memo:
        return Memo(lambda n: [populations.number(p) << at for p in fork(populations.packed[n])])

    found = {f"e{number}": one(effect) for number, effect in enumerate(program.effects)}
    found.update({f"f{number}": many(fork) for number, fork in enumerate(program.forks)})
    return found


class Source:
    """Writes the source of one function at a time."""

    def __init__(self, program: Program) -> None:
        self.at = program.layout.number_at
        self.low = (1 << self.at) - 1
        self.lines: list[str] = []
        self.made = 0

    def function(self, name: str, op: Op) -> None:
        """``s`` is the state; ``n`` the population's number, shifted once it has been changed."""
        self.lines.append(f"def {name}(s, out):")
        self.made = 0
        start = len(self.lines)
        self.op(op, None, 1)
        if len(self.lines) == start:
            self.lines.append(" pass")

    def add(self, depth: int, text: str) -> None:
        self.lines.append(" " * depth + text)

    def op(self, op: Op, population: str | None, depth: int) -> None:
        """``population`` is the variable with the shifted number, if an effect has made one."""
        if isinstance(op, End):
            self.end(op, population, depth)
        elif isinstance(op, Switch):
            self.switch(op, population, depth)
        elif isinstance(op, Test):
            number = f"s >> {self.at}" if population is None else f"{population} >> {self.at}"
            self.add(depth, f"if answers[{number}] & {1 << op.bit}:")
            self.block(op.yes, population, depth + 1)
            if not isinstance(op.no, Nothing):
                self.add(depth, "else:")
                self.block(op.no, population, depth + 1)
        elif isinstance(op, Each):
            for kid in op.kids:
                self.op(kid, population, depth)
        elif isinstance(op, Apply | ApplyEach):
            number = f"s >> {self.at}" if population is None else f"{population} >> {self.at}"
            self.made += 1  # a name of its own: the next alternative begins from the old one
            new = f"p{self.made}"
            if isinstance(op, Apply):
                self.add(depth, f"{new} = e{op.effect}[{number}]")
                self.op(op.then, new, depth)
            else:
                self.add(depth, f"for {new} in f{op.fork}[{number}]:")
                self.block(op.then, new, depth + 1)
        elif isinstance(op, Fail):
            self.add(depth, f"fail({op.message})")
        elif isinstance(op, Verdict):
            self.add(depth, f"return {int(op.exercised) | int(op.violated) << 1}")

    def block(self, op: Op, population: str | None, depth: int) -> None:
        start = len(self.lines)
        self.op(op, population, depth)
        if len(self.lines) == start:
            self.add(depth, "pass")

    def end(self, end: End, population: str | None, depth: int) -> None:
        kept = f"s & {~end.clear}" if population is None else f"s & {self.low & ~end.clear}"
        parts = [kept, *([f"{end.value}"] if end.value else []), *([population] * bool(population))]
        successor = " | ".join(part for part in parts if part)
        for event in end.events:
            self.add(depth, f"hit({event}, {successor})")
        self.add(depth, f"out({successor})")

    def switch(self, switch: Switch, population: str | None, depth: int) -> None:
        if switch.mask == 1:
            self.add(depth, f"if s & {1 << switch.shift}:")
            self.block(switch.kids[1], population, depth + 1)
            self.add(depth, "else:")
            self.block(switch.kids[0], population, depth + 1)
            return
        name = f"v{depth}"
        self.add(depth, f"{name} = s >> {switch.shift} & {switch.mask}")
        self.cases(name, list(enumerate(switch.kids)), population, depth)

    def cases(
        self, name: str, kids: list[tuple[int, Op]], population: str | None, depth: int
    ) -> None:
        """One test after the other, or halves where they are many: CPython nests each elif."""
        groups: dict[Op, list[int]] = {}
        for value, kid in kids:
            groups.setdefault(kid, []).append(value)
        if len(groups) > MOST_CASES:
            middle = len(kids) // 2
            self.add(depth, f"if {name} < {kids[middle][0]}:")
            self.cases(name, kids[:middle], population, depth + 1)
            self.add(depth, "else:")
            self.cases(name, kids[middle:], population, depth + 1)
            return
        *most, last = sorted(groups.items(), key=lambda group: len(group[1]))
        if not most:
            self.block(last[0], population, depth)
            return
        for number, (kid, values) in enumerate(most):
            test = " or ".join(f"{name} == {value}" for value in values)
            self.add(depth, f"{'elif' if number else 'if'} {test}:")
            self.block(kid, population, depth + 1)
        self.add(depth, "else:")
        self.block(last[0], population, depth + 1)


class Emitted:
    """The code of a program, loaded. ``hit`` and ``fail`` hear of events and failures."""

    def __init__(
        self, program: Program, hit: Callable[[int, int], None], fail: Callable[[int], None]
    ) -> None:
        source = Source(program)
        for activity, steps in enumerate(program.steps):
            for block, op in enumerate(steps):
                source.function(f"a{activity}_{block}", op)
        for index, op in enumerate(program.judges.values()):
            source.function(f"judge{index}", op)
        lines = source.lines
        for activity, steps in enumerate(program.steps):
            table = ", ".join(f"a{activity}_{block}" for block in range(len(steps)))
            lines.append(f"t{activity} = [{table}]")
        lines.append("def expand(s, out):")
        for activity, (shift, mask) in enumerate(program.layout.at):
            lines.append(f" t{activity}[s >> {shift} & {mask}](s, out)")
        self.source = "\n".join(lines) + "\n"
        names: dict[str, Any] = {
            **effects(program),
            "answers": program.layout.populations.answers,
            "hit": hit,
            "fail": fail,
        }
        exec(compile(self.source, "<emitted>", "exec"), names)
        self.expand: Expand = names["expand"]
        self.judges: dict[str, Callable[[int, None], int]] = {
            name: names[f"judge{index}"] for index, name in enumerate(program.judges)
        }
