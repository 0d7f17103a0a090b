"""A program as LLVM's intermediate language.

One function does what ``kernel.expand`` does, and one for each property what ``judging.judge``
does. Only what is usual is emitted. Where something is not, the function ends with the states that
it has done, and the next one is the tables' to do: a population that nobody has asked about yet, an
event that happens for the first time, a state without successors, a failure, buffers that are full.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from softsnp.explore.layout import WORD
from softsnp.explore.lower import (
    Apply,
    ApplyEach,
    Each,
    End,
    Nothing,
    Op,
    Program,
    Switch,
    Test,
    Verdict,
)

FRAME = (
    "todo", "states", "out0", "out1", "ends", "answers", "one", "each", "lists", "events", "limit",
)  # fmt: skip
"""What the function is given, one word each: addresses of arrays, and how many successors at most.

``events`` are those that have happened, by bits.
"""
WORD_MASK = (1 << WORD) - 1


@dataclass(frozen=True)
class Population:
    """The population in hand: the variable with its number, and whether it is not the state's."""

    number: str
    changed: bool


def bound(op: Op) -> int:
    """The most successors of an operation, what forks make counted once."""
    if isinstance(op, Switch):
        return max(bound(kid) for kid in set(op.kids))
    if isinstance(op, Test):
        return max(bound(op.yes), bound(op.no))
    if isinstance(op, Each):
        return sum(map(bound, op.kids))
    if isinstance(op, Apply | ApplyEach):
        return bound(op.then)
    return 1


class Source:
    """Writes the module. ``words`` is how many a state takes."""

    def __init__(self, program: Program, words: int, question_words: int) -> None:
        self.program = program
        self.layout = program.layout
        self.words = words
        self.question_words = question_words
        self.number_at = self.layout.number_at % WORD
        self.low = (1 << self.layout.number_at) - 1
        self.room = sum(max(map(bound, steps)) for steps in program.steps)
        self.lines: list[str] = []
        self.made = 0

    def text(self, at_rest: set[str]) -> str:
        """The module. ``at_rest`` names the properties that speak of states of rest only."""
        lines = self.expand()
        for number, (name, op) in enumerate(self.program.judges.items()):
            lines += self.judge(number, op, name in at_rest)
        return "\n".join(lines) + "\n"

    def expand(self) -> list[str]:
        self.lines = ["define i64 @expand(ptr %frame, i64 %count) {", "entry:"]
        self.frame()
        self.add("%at = alloca i64")
        self.add("store i64 0, ptr %at")
        self.add("%most = " + f"sub i64 %limit, {self.room}")
        self.jump("head")
        self.label("head")
        self.add("%position = phi i64 [ 0, %entry ], [ %following, %done ]")
        self.add("%begin = load i64, ptr %at")
        self.branch("icmp ult i64 %position, %count", "room", "leave")
        self.label("room")
        self.branch("icmp sle i64 %begin, %most", "body", "leave")
        self.label("body")
        self.state(self.load("i64", "%todo", "%position"))
        for steps, (shift, mask) in zip(self.program.steps, self.layout.at, strict=True):
            place = self.field(shift, mask)
            ops = dict(enumerate(steps))
            self.cases(place, ops, Population("%number", False))
        self.add("%end = load i64, ptr %at")
        self.branch("icmp ne i64 %begin, %end", "done", "leave")
        self.label("done")
        self.add(f"store i64 %end, ptr {self.at('i64', '%ends', '%position')}")
        self.add("%following = add i64 %position, 1")
        self.jump("head")
        self.label("leave")
        self.add("ret i64 %position")
        return [*self.lines, "}"]

    def judge(self, number: int, op: Op, at_rest: bool) -> list[str]:
        """Gives twice the number of the first violating state, or of the last and one, and 1 if the
        situation arises; or -1, and then the tables are to be asked.
        """
        self.lines = [f"define i64 @judge{number}(ptr %frame, i64 %first, i64 %last) {{", "entry:"]
        self.frame()
        self.add("%exercised = alloca i64")
        self.add("store i64 0, ptr %exercised")
        self.jump("head")
        self.label("head")
        self.add("%position = phi i64 [ %first, %entry ], [ %following, %done ]")
        self.branch("icmp ult i64 %position, %last", "body", "all")
        self.label("body")
        self.state("%position")
        if at_rest:
            self.go_on_at_rest()
        self.op(op, Population("%number", False))
        self.jump("done")
        self.label("done")
        self.add("%following = add i64 %position, 1")
        self.jump("head")
        self.label("violated")
        self.add("store i64 1, ptr %exercised")
        self.jump("all")
        self.label("all")
        self.add("%twice = shl i64 %position, 1")
        self.add("%said = load i64, ptr %exercised")
        self.add("%result = or i64 %twice, %said")
        self.add("ret i64 %result")
        self.label("leave")
        self.add("ret i64 -1")
        return [*self.lines, "}"]

    # --- parts of functions ----------------------------------------------------------------------

    def frame(self) -> None:
        """What a function is given, by name."""
        for number, name in enumerate(FRAME):
            kind = "i64" if name in ("events", "limit") else "ptr"
            at = self.value(f"getelementptr i64, ptr %frame, i64 {number}")
            self.add(f"%{name} = load {kind}, ptr {at}")

    def state(self, number: str) -> None:
        """The words of a state and the number of its population."""
        for word in range(self.words):
            which = self.value(f"mul i64 {number}, {self.words}") if self.words > 1 else number
            which = self.value(f"add i64 {which}, {word}") if word else which
            self.add(f"%s{word} = load i64, ptr {self.at('i64', '%states', which)}")
        last = f"%s{self.words - 1}"
        self.add(f"%number = lshr i64 {last}, {self.number_at}")

    def go_on_at_rest(self) -> None:
        """A state in which somebody does not rest is done."""
        for resting, (shift, mask) in zip(self.layout.machine.resting, self.layout.at, strict=True):
            rests = self.name("rests")
            labels = " ".join(f"i64 {n}, label %{rests}" for n, r in enumerate(resting) if r)
            self.add(f"switch i64 {self.field(shift, mask)}, label %done [ {labels} ]")
            self.label(rests)

    # --- words of the language -------------------------------------------------------------------

    def name(self, what: str = "v") -> str:
        self.made += 1
        return f"{what}{self.made}"

    def add(self, line: str) -> None:
        self.lines.append(f"  {line}")

    def value(self, what: str) -> str:
        name = f"%{self.name()}"
        self.add(f"{name} = {what}")
        return name

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def jump(self, to: str) -> None:
        self.add(f"br label %{to}")

    def branch(self, test: str, yes: str, no: str) -> None:
        self.add(f"br i1 {self.value(test)}, label %{yes}, label %{no}")

    def at(self, kind: str, array: str, index: str) -> str:
        return self.value(f"getelementptr {kind}, ptr {array}, i64 {index}")

    def load(self, kind: str, array: str, index: str) -> str:
        return self.value(f"load {kind}, ptr {self.at(kind, array, index)}")

    def field(self, shift: int, mask: int) -> str:
        word = self.value(f"lshr i64 %s{shift // WORD}, {shift % WORD}")
        return self.value(f"and i64 {word}, {mask}")

    def small(self, array: str, index: str) -> str:
        """An element of an array of 32-bit numbers."""
        return self.value(f"sext i32 {self.load('i32', array, index)} to i64")

    @contextmanager
    def block(self, name: str, then: str) -> Iterator[None]:
        self.label(name)
        yield
        self.jump(then)

    # --- operations ------------------------------------------------------------------------------

    def op(self, op: Op, population: Population) -> None:
        """What comes after it in the text is done after it."""
        if isinstance(op, End):
            self.end(op, population)
        elif isinstance(op, Switch):
            if len(set(op.kids)) == 2 and self.plain(*set(op.kids)):
                self.either(op, population)
            else:
                self.cases(self.field(op.shift, op.mask), dict(enumerate(op.kids)), population)
        elif isinstance(op, Test):
            self.test(op, population)
        elif isinstance(op, Each):
            for kid in op.kids:
                self.op(kid, population)
        elif isinstance(op, Apply):
            self.apply(op, population)
        elif isinstance(op, ApplyEach):
            self.fork(op, population)
        elif isinstance(op, Verdict):
            self.verdict(op)
        elif not isinstance(op, Nothing):
            self.jump("leave")
            self.label(self.name("unreached"))

    def verdict(self, op: Verdict) -> None:
        if op.violated:
            self.jump("violated")
            self.label(self.name("unreached"))
        elif op.exercised:
            self.add("store i64 1, ptr %exercised")

    def plain(self, *ops: Op) -> bool:
        return all(isinstance(op, Nothing) or (isinstance(op, End) and not op.events) for op in ops)

    def cases(self, value: str, kids: dict[int, Op], population: Population) -> None:
        """Go by a value; equal operations are written once."""
        groups: dict[Op, list[int]] = {}
        for number, kid in kids.items():
            groups.setdefault(kid, []).append(number)
        common = max(groups, key=lambda kid: len(groups[kid]))
        then = self.name("then")
        names = {kid: then if isinstance(kid, Nothing) else self.name("case") for kid in groups}
        labels = " ".join(
            f"i64 {number}, label %{names[kid]}"
            for kid, numbers in groups.items()
            if kid is not common
            for number in numbers
        )
        self.add(f"switch i64 {value}, label %{names[common]} [ {labels} ]")
        for kid, name in names.items():
            if name != then:
                with self.block(name, then):
                    self.op(kid, population)
        self.label(then)

    def test(self, op: Test, population: Population) -> None:
        answers = self.answers(op.bit // WORD, population)
        bit = self.value(f"and i64 {answers}, {signed(1 << op.bit % WORD)}")
        yes = self.value(f"icmp ne i64 {bit}, 0")
        if self.plain(op.yes, op.no):
            self.select(yes, op.yes, op.no, population)
            return
        names = [self.name("yes"), self.name("no"), self.name("then")]
        self.add(f"br i1 {yes}, label %{names[0]}, label %{names[1]}")
        for name, kid in zip(names, (op.yes, op.no), strict=False):
            with self.block(name, names[2]):
                self.op(kid, population)
        self.label(names[2])

    def either(self, op: Switch, population: Population) -> None:
        """One of two, without a branch that a processor might not expect."""
        first, second = dict.fromkeys(op.kids)
        values = [value for value, kid in enumerate(op.kids) if kid == first]
        field = self.field(op.shift, op.mask)
        tests = [self.value(f"icmp eq i64 {field}, {value}") for value in values]
        yes = tests[0]
        for test in tests[1:]:
            yes = self.value(f"or i1 {yes}, {test}")
        self.select(yes, first, second, population)

    def select(self, yes: str, first: Op, second: Op, population: Population) -> None:
        """A successor is written in any case; whether it counts is another matter."""
        if isinstance(first, Nothing) or isinstance(second, Nothing):
            end = second if isinstance(first, Nothing) else first
            if isinstance(end, End):
                values = self.successor(end, population)
                count = ("0", "1") if isinstance(first, Nothing) else ("1", "0")
                made = self.value(f"select i1 {yes}, i64 {count[0]}, i64 {count[1]}")
                self.write(values, made)
            return
        assert isinstance(first, End) and isinstance(second, End)
        one, other = self.successor(first, population), self.successor(second, population)
        self.write(
            [
                self.value(f"select i1 {yes}, i64 {a}, i64 {b}")
                for a, b in zip(one, other, strict=True)
            ],
            "1",
        )

    def successor(self, end: End, population: Population) -> list[str]:
        """The words of it."""
        kept = (self.low if population.changed else -1) & ~end.clear
        found = []
        for word in range(self.words):
            some = kept >> word * WORD & WORD_MASK
            value = end.value >> word * WORD & WORD_MASK
            made = f"%s{word}"
            if some != WORD_MASK:
                made = self.value(f"and i64 {made}, {signed(some)}")
            if value:
                made = self.value(f"or i64 {made}, {signed(value)}")
            if population.changed and word == self.words - 1:
                number = self.value(f"shl i64 {population.number}, {self.number_at}")
                made = self.value(f"or i64 {made}, {number}")
            found.append(made)
        return found

    def write(self, values: list[str], count: str) -> None:
        at = self.value("load i64, ptr %at")
        for word, value in enumerate(values):
            self.add(f"store i64 {value}, ptr {self.at('i64', f'%out{word}', at)}")
        self.add(f"store i64 {self.value(f'add i64 {at}, {count}')}, ptr %at")

    def end(self, end: End, population: Population) -> None:
        if end.events:
            mask = sum(1 << event for event in end.events)
            new = self.value(f"and i64 {self.value('xor i64 %events, -1')}, {mask}")
            known = self.name("known")
            self.branch(f"icmp eq i64 {new}, 0", known, "leave")
            self.label(known)
        self.write(self.successor(end, population), "1")

    # --- populations -----------------------------------------------------------------------------

    def answers(self, word: int, population: Population) -> str:
        at = population.number
        if self.question_words > 1:
            at = self.value(f"mul i64 {at}, {self.question_words}")
            at = self.value(f"add i64 {at}, {word}")
        return self.load("i64", "%answers", at)

    def looked_up(self, array: str, width: int, column: int, population: Population) -> str:
        """What is in a row of the population in hand; where that is not known, no more is done."""
        row = self.value(f"mul i64 {population.number}, {width}")
        found = self.small(array, self.value(f"add i64 {row}, {column}"))
        known = self.name("known")
        self.branch(f"icmp sge i64 {found}, 0", known, "leave")
        self.label(known)
        return found

    def apply(self, op: Apply, population: Population) -> None:
        made = self.looked_up("%one", max(1, len(self.program.effects)), op.effect, population)
        self.op(op.then, Population(made, True))

    def fork(self, op: ApplyEach, population: Population) -> None:
        at = self.looked_up("%each", max(1, len(self.program.forks)), op.fork, population)
        ways = self.small("%lists", at)
        names = [self.name(what) for what in ("before", "loop", "next", "then")]
        before, loop, following, then = names
        made = self.value("load i64, ptr %at")
        need = self.value(f"add i64 {self.value(f'mul i64 {ways}, {bound(op.then)}')}, {made}")
        self.branch(f"icmp sle i64 {need}, %most", before, "leave")
        self.label(before)
        self.branch(f"icmp sgt i64 {ways}, 0", f"{loop}.first", then)
        self.label(f"{loop}.first")
        self.jump(loop)
        self.label(loop)
        way = f"%{self.name()}"
        after = f"%{self.name()}"
        self.add(f"{way} = phi i64 [ 1, %{loop}.first ], [ {after}, %{following} ]")
        number = self.small("%lists", self.value(f"add i64 {at}, {way}"))
        self.op(op.then, Population(number, True))
        self.jump(following)
        self.label(following)
        self.add(f"{after} = add i64 {way}, 1")
        self.branch(f"icmp sle i64 {after}, {ways}", loop, then)
        self.label(then)


def signed(word: int) -> int:
    return word - (1 << WORD) if word >> WORD - 1 else word
