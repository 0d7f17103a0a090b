"""Specifications by chance: small, of every word of the language, and valid.

What is written is source text, so that a failure shows it, and so that the source rules can read
it. All fields and bits are ghosts: the rule of one shared thing a step is not what is tried here.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from softsnp.lang import Property, Specification

T = TypeVar("T")

HEAD = """\
import enum
from softsnp.lang import *

class Mood(enum.Enum):
    glad = 0
    sad = 1
    odd = 2

class Random(Specification):
    flag = Bool(False, "a flag", ghost=True)
    lost = Bool({lost}, "a flag that a restart loses", ghost=True, memory="ram")
    count = Count(2, "a count", ghost=True, initial={count}, memory="{count_memory}")
    mood = OneOf(Mood.{mood}, "a mood", ghost=True)
    lock = Mutex("a mutex", memory="ram")
    other = Mutex("another", memory="ram")
    sem = PercpuRwsem("an rwsem", memory="ram")
    herd = Population("sheep", {{
{bits}
    }})

    def members(self):
        return ({kinds},)
"""
PROPERTIES = """
PROPERTIES = [
    Always("always", "", "", "", when=lambda s: {when}, must=lambda s: {must}),
    Always("at-rest", "", "", "", when=lambda s: {when_resting}, must=lambda s: {must_resting},
        at_rest=True),
    Never("never", "", "", "", never="bang", situation="try"),
    NoDeadlock("no-deadlock", "", "", ""),
    LockOrder("lock-order", "", "", ""),
    AlwaysPossible("possible", "", "", "", when=lambda s: {when}, goal=lambda s: {must},
        goal_sentence=""),
    AlwaysPossible("possible-from-rest", "", "", "", when=lambda s: {when_resting},
        goal=lambda s: {must}, goal_sentence="", at_rest=True),
]
"""
ACTIVITIES = ("first", "second", "third")


@dataclass(frozen=True)
class Context:
    """Where a statement stands."""

    depth: int
    held: frozenset[str] = frozenset()
    """The locks that are held here."""
    member: bool = False
    """Whether a member is held here."""
    helper: bool = False
    """Whether this is a function that the activities call."""

    def deeper(self, **changes: Any) -> Context:
        return replace(self, depth=self.depth + 1, **changes)


@dataclass
class Author:
    """Writes one specification. Every decision is drawn."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    bits: list[str] = field(default_factory=list)
    fixed: str = ""
    """The bit that tells members apart in the real system: nobody changes it."""
    left: int = 0
    """How many statements the function may still have."""

    def one_of(self, *alternatives: T) -> T:
        chosen: T = self.draw(st.sampled_from(alternatives))
        return chosen

    def number(self, least: int, most: int) -> int:
        drawn: int = self.draw(st.integers(least, most))
        return drawn

    # --- expressions ---------------------------------------------------------------------------

    def some_bits(self, least: int, *, change: bool = False, but: str = "") -> str:
        names = [b for b in self.bits if b != but and not (change and b == self.fixed)]
        chosen: set[str] = self.draw(st.sets(st.sampled_from(names), min_size=least, max_size=2))
        return ", ".join(f"{name}={self.one_of(True, False)}" for name in sorted(chosen))

    def selection(self, me: str = "self") -> str:
        bits = self.some_bits(0)
        return f"{me}.herd.where({bits})" if bits else f"{me}.herd"

    def condition(self, me: str = "self", *, member: bool = False, local: bool = True) -> str:
        kinds = ["flag", "lost", "count", "mood", "any", "any", "all"]
        kinds += ["local"] * local + ["member"] * 3 * member + ["not", "both"]
        kind = self.one_of(*kinds)
        if kind == "count":
            return f"{me}.count {self.one_of('==', '<', '>')} {self.number(0, 2)}"
        if kind == "mood":
            return f"{me}.mood is Mood.{self.one_of('glad', 'sad', 'odd')}"
        if kind == "any":
            return f"{self.selection(me)}.any({self.some_bits(0)})"
        if kind == "all":
            return f"{self.selection(me)}.all({self.some_bits(1)})"
        if kind == "local":
            return f"x == {self.number(0, 2)}"
        if kind == "member":
            return f"member.{self.one_of(*self.bits)}"
        if kind == "not":
            return f"not ({self.condition(me, member=member, local=local)})"
        if kind == "both":
            left, right = (self.condition(me, member=member, local=local) for _ in range(2))
            return f"({left} {self.one_of('and', 'or')} {right})"
        return f"{me}.{kind}"

    # --- statements ----------------------------------------------------------------------------

    def block(self, here: Context) -> list[str]:
        """A few statements, with places between them where others run."""
        lines = []
        for _ in range(self.number(2, 4)):
            if self.left > 0:
                self.left -= 1
                lines += self.statement(here)
                lines += self.one_of([], ["await self.preempt()"])
        return lines or ["await self.preempt()"]

    def statement(self, here: Context) -> list[str]:
        kinds = [self.assign, self.update, self.update, self.update_one, self.peek]
        kinds += [self.choose, self.happen, self.ask_again]
        if here.member:
            kinds += [self.change_member, self.change_member, self.ask_again, self.ask_again]
        if here.depth < 3:
            kinds += [self.branch, self.branch, self.fault, self.loop, self.under_lock]
            kinds += [self.under_lock, self.wait, *[self.with_member] * 4]
            if not here.helper:
                kinds += [self.call]
        if here.depth == 0 and not here.helper:
            kinds += [self.restart]
        return self.one_of(*kinds)(here)

    def assign(self, here: Context) -> list[str]:
        condition = self.condition(member=here.member)
        return [
            self.one_of(
                f"self.flag = {condition}",
                f"self.lost = {condition}",
                f"self.count = {self.number(0, 2)}",
                "self.count = min(self.count + 1, 2)",
                f"self.mood = Mood.{self.one_of('glad', 'sad', 'odd')}",
                f"x = self.count if {condition} else x",
            )
        ]

    def update(self, here: Context) -> list[str]:
        return [f"{self.selection()}.set({self.some_bits(1, change=True)})"]

    def update_one(self, here: Context) -> list[str]:
        call = f"{self.selection()}.set_one({self.some_bits(1, change=True)})"
        return [self.one_of(call, f"self.flag = {call}")]

    def peek(self, here: Context) -> list[str]:
        """At a bit that the selection leaves open; to look at another would be idle."""
        bit = self.one_of(*self.bits)
        bits = self.some_bits(0, but=bit)
        selection = f"self.herd.where({bits})" if bits else "self.herd"
        told = self.one_of("self.flag", "self.lost")
        return [f"if {selection}.any():", f"    {told} = {selection}.peek('{bit}')"]

    def choose(self, here: Context) -> list[str]:
        return [self.one_of("x = self.choose(0, 1, 2)", "x = 1 - self.choose(0, 1, label='way')")]

    def happen(self, here: Context) -> list[str]:
        return [f"self.event('{self.one_of('try', 'try', 'bang')}')"]

    def preempt(self, here: Context) -> list[str]:
        return ["await self.preempt()"]

    def change_member(self, here: Context) -> list[str]:
        return [f"member.set({self.some_bits(1, change=True)})"]

    def ask_again(self, here: Context) -> list[str]:
        """The same question in one step, before and after an answer may have changed."""
        question = f"{self.selection()}.any({self.some_bits(0)})"
        if here.member:
            question = self.one_of(question, f"member.{self.one_of(*self.bits)}")
        change = self.one_of(self.update, self.update_one, *[self.change_member] * 3 * here.member)
        return [f"self.flag = {question}", *change(here), f"self.lost = {question}"]

    def wait(self, here: Context) -> list[str]:
        return [f"await self.until(lambda: {self.condition(local=False)})"]

    def branch(self, here: Context) -> list[str]:
        lines = [f"if {self.condition(member=here.member)}:", *indented(self.block(here.deeper()))]
        if self.one_of(True, False):
            lines += ["else:", *indented(self.block(here.deeper()))]
        return lines

    def fault(self, here: Context) -> list[str]:
        return ["if self.fault('it'):", *indented(self.block(here.deeper()))]

    def loop(self, here: Context) -> list[str]:
        """A loop that waits in each round, or a step would never end."""
        condition = self.one_of(
            self.condition(member=here.member),
            f"{self.selection()}.set_one({self.some_bits(1, change=True)})",
        )
        body = ["await self.preempt()", *self.block(here.deeper())]
        return [f"while {condition}:", *indented(body)]

    def under_lock(self, here: Context) -> list[str]:
        free = sorted({"lock", "other", "sem"} - here.held)
        if not free:
            return self.preempt(here)
        lock = self.one_of(*free)
        body = self.block(here.deeper(held=here.held | {lock}))
        if lock == "sem":
            how = self.one_of("read", "write")
            return [f"await self.down_{how}(self.sem)", *body, f"self.up_{how}(self.sem)"]
        unlock = f"self.mutex_unlock(self.{lock})"
        if self.one_of(True, False):
            body = indented([*body, unlock])
            return [f"if await self.mutex_trylock(self.{lock}):", *body]
        return [f"await self.mutex_lock(self.{lock})", *body, unlock]

    def with_member(self, here: Context) -> list[str]:
        if here.member:
            return self.change_member(here)
        body = self.block(here.deeper(member=True))
        return [
            f"member = {self.selection()}.take()",
            "if member is not None:",
            *indented([*body, "member.release()"]),
        ]

    def call(self, here: Context) -> list[str]:
        if here.held or here.member:  # the helper takes some of its own
            return self.preempt(here)
        return [f"x = await self.helper({self.number(0, 2)})"]

    def restart(self, here: Context) -> list[str]:
        """Whoever starts the others anew holds nothing, and their locks are lost with them."""
        return ["self.restart('ram')"]

    # --- the whole -----------------------------------------------------------------------------

    def function(self, helper: bool) -> list[str]:
        self.left = 3 if helper else 7
        return self.block(Context(0, helper=helper))

    def kind(self, count: int | None) -> str:
        bits = [f"{name!r}: {self.one_of(True, False)}" for name in self.bits]
        return f"Kind({{{', '.join(bits)}}}, {count})"

    def write(self) -> str:
        self.bits = list("abcd"[: self.number(2, 4)])
        self.fixed = self.one_of("", "a")
        kinds = [
            self.kind(None),
            *(self.kind(self.one_of(None, 1)) for _ in range(self.number(0, 1))),
        ]
        text = HEAD.format(
            lost=self.one_of(True, False),
            count=self.number(0, 2),
            count_memory=self.one_of("", "ram"),
            mood=self.one_of("glad", "sad", "odd"),
            bits="\n".join(
                f"        {b!r}: Bit('a bit', ghost=True, identity={b == self.fixed}),"
                for b in self.bits
            ),
            kinds=", ".join(kinds),
        )
        lines = ["async def helper(self, x: int) -> int:", *indented(self.function(True))]
        lines += indented([self.one_of("return x", "return self.count", "return 1")])
        for name in ACTIVITIES[: self.number(2, 3)]:
            guard = self.one_of("", "", f"lambda: {self.condition(local=False)}")
            body = [f"await self.rest({guard})", *self.function(False)]
            body = ["x = 0", "while True:", *indented(body)]
            lines += ["", f"@activity('the {name}')", f"async def {name}(self) -> None:"]
            lines += indented(body)
        judged = {
            name: self.condition("s", local=False)
            for name in ("when", "must", "when_resting", "must_resting")
        }
        body_text = "".join(f"    {line}\n" if line else "\n" for line in lines)
        return f"{text}\n{body_text}{PROPERTIES.format(**judged)}"


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def sources(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    return Author(draw).write()


def loaded(source: str) -> tuple[type[Specification], list[Property]]:
    """The specification and its properties, with the source where the source rules look for it."""
    file = "<a random specification>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"__name__": "random_specification"}
    exec(compile(source, file, "exec"), names)
    return names["Random"], names["PROPERTIES"]
