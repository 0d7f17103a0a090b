"""Python emitted from the tables: one small function for every merged local state.

An emitted function takes a state and appends its successors. Questions become tests on the
packed integer; effects on the population are looked up, since few populations occur.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from softsnp.lang import Change, Cube

from .layout import MANY, Layout
from .tree import (
    AnyMember,
    Ask,
    AtRest,
    Bad,
    Blocked,
    Choose,
    Do,
    Effect,
    Judged,
    Leaf,
    MemberBit,
    MemberUpdate,
    Node,
    Peek,
    Pick,
    Question,
    Read,
    Release,
    Restart,
    Update,
    UpdateOne,
)

Expand = Callable[[int, Callable[[int], None]], None]


class Memo(dict[int, Any]):
    """Remembers what a function of the population returned."""

    def __init__(self, function: Callable[[int], Any]) -> None:
        super().__init__()
        self.function = function

    def __missing__(self, population: int) -> Any:
        value = self[population] = self.function(population)
        return value


class Populations:
    """The effects, as functions of the population part of a state."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.canonical = layout.machine.canonical

    def _take(self, population: int, cls: int) -> list[int]:
        """The populations with one member of a class fewer: two when many may be one or many."""
        lane = self.layout.lanes[cls]
        count = population >> lane & self.layout.lane_mask
        fewer = population - (1 << lane)
        return [fewer, population] if self.layout.saturated and count == MANY else [fewer]

    def _give(self, population: int, cls: int, count: int = 1) -> int:
        lane = self.layout.lanes[cls]
        before = population >> lane & self.layout.lane_mask
        after = self.layout.cap(before + count)
        return population + ((after - before) << lane)

    def _free(self, population: int, cube: Cube) -> list[int]:
        layout = self.layout
        return [
            c
            for c, lane in layout.lanes.items()
            if cube.holds(c) and population >> lane & layout.lane_mask
        ]

    def _slots(self, population: int, cube: Cube) -> list[int]:
        """The activities whose picked member is in the cube."""
        layout = self.layout
        return [
            a
            for a, s in layout.slots.items()
            if population >> s & layout.slot_valid
            and cube.holds(population >> s & layout.class_mask)
        ]

    def _change_slot(self, population: int, activity: int, change: Change) -> int:
        shift, mask = self.layout.slots[activity], self.layout.class_mask
        cls = self.canonical[change(population >> shift & mask)]
        return population & ~(mask << shift) | cls << shift

    def update(self, cube: Cube, change: Change) -> Callable[[int], int]:
        def function(population: int) -> int:
            moved = [c for c in self._free(population, cube) if self.canonical[change(c)] != c]
            slots = self._slots(population, cube)
            counts = []
            for cls in moved:
                lane = self.layout.lanes[cls]
                counts.append(population >> lane & self.layout.lane_mask)
                population -= counts[-1] << lane
            for cls, count in zip(moved, counts, strict=True):
                population = self._give(population, self.canonical[change(cls)], count)
            for activity in slots:
                population = self._change_slot(population, activity, change)
            return population

        return function

    def update_one(self, cube: Cube, change: Change) -> Callable[[int], list[int]]:
        def function(population: int) -> list[int]:
            found = []
            for cls in self._free(population, cube):
                after = self.canonical[change(cls)]
                if after == cls:
                    found.append(population)
                else:
                    found += [self._give(p, after) for p in self._take(population, cls)]
            for activity in self._slots(population, cube):
                found.append(self._change_slot(population, activity, change))
            return found

        return function

    def member_update(self, activity: int, change: Change) -> Callable[[int], int]:
        return lambda population: self._change_slot(population, activity, change)

    def pick(self, activity: int, cube: Cube) -> Callable[[int], list[int]]:
        layout = self.layout
        shift = layout.slots[activity]

        def function(population: int) -> list[int]:
            return [
                p | (layout.slot_valid | cls) << shift
                for cls in self._free(population, cube)
                for p in self._take(population, cls)
            ]

        return function

    def release(self, activity: int) -> Callable[[int], int]:
        layout = self.layout
        shift = layout.slots[activity]

        def function(population: int) -> int:
            cls = population >> shift & layout.class_mask
            return self._give(population & ~(layout.slot_mask << shift), cls)

        return function

    def restart(self, activity: int) -> Callable[[int], int]:
        layout = self.layout

        def function(population: int) -> int:
            for other, shift in layout.slots.items():
                if other != activity and population >> shift & layout.slot_valid:
                    population = self.release(other)(population)
            return population

        return function


class Emitter:
    """Writes the source of one function at a time."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.populations = Populations(layout)
        self.names: dict[str, Any] = {}
        self.known: dict[tuple[Any, ...], str] = {}
        self.lines: list[str] = []
        self.events: list[str] = []
        self.bad: list[str] = []
        self.activity = 0

    def memo(self, key: tuple[Any, ...], make: Callable[[], Callable[[int], Any]]) -> str:
        if key not in self.known:
            self.known[key] = f"m{len(self.known)}"
            self.names[self.known[key]] = Memo(make())
        return self.known[key]

    def function(self, name: str, activity: int, tree: Node) -> None:
        self.activity = activity
        self.lines.append(f"def {name}(s, out):")
        start = len(self.lines)
        self.node(tree, "s", 1)
        if len(self.lines) == start:
            self.lines.append(" pass")

    def add(self, depth: int, text: str) -> None:
        self.lines.append(" " * depth + text)

    # --- nodes ---------------------------------------------------------------------------------

    def node(self, node: Node, state: str, depth: int) -> None:
        if isinstance(node, Leaf):
            self.leaf(node, state, depth)
        elif isinstance(node, Ask):
            self.ask(node, state, depth)
        elif isinstance(node, Do):
            self.do(node.effect, node.then, state, depth)
        elif isinstance(node, Judged):
            self.add(depth, f"return {int(node.exercised) | int(node.violated) << 1}")
        elif isinstance(node, Bad):
            self.add(depth, f"bad({len(self.bad)}, {state})")
            self.bad.append(node.message)
        else:
            assert isinstance(node, Blocked)
            self.add(depth, "pass")

    def leaf(self, leaf: Leaf, state: str, depth: int) -> None:
        shift, mask = self.layout.at[self.activity]
        cleared, value = mask << shift, leaf.goto << shift
        for name, index in leaf.writes:
            shift, mask = self.layout.scalars[name]
            cleared |= mask << shift
            value |= index << shift
        successor = f"{state} & {~cleared} | {value}" if value else f"{state} & {~cleared}"
        if leaf.events:
            for event in leaf.events:
                if event not in self.events:
                    self.events.append(event)
                self.add(depth, f"hit({self.events.index(event)}, {successor})")
        self.add(depth, f"out({successor})")

    def do(self, effect: Effect, then: Node, state: str, depth: int) -> None:
        layout = self.layout
        population = layout.population_mask
        new = f"s{depth}"
        split = f"{state} & {~population} |"
        if isinstance(effect, MemberUpdate):
            change = effect.change
            memo = self.memo(
                ("M", self.activity, change),
                lambda: self.populations.member_update(self.activity, change),
            )
            self.add(depth, f"{new} = {split} {memo}[{state} & {population}]")
        elif isinstance(effect, Update):
            memo = self.memo(("U", effect), lambda: self.populations.update(*_of(effect)))
            self.add(depth, f"{new} = {split} {memo}[{state} & {population}]")
        elif isinstance(effect, Release):
            memo = self.memo(("L", self.activity), lambda: self.populations.release(self.activity))
            self.add(depth, f"{new} = {split} {memo}[{state} & {population}]")
        elif isinstance(effect, Restart):
            others = 0
            for activity, (shift, mask) in enumerate(layout.at):
                others |= 0 if activity == self.activity else mask << shift
            memo = self.memo(("R", self.activity), lambda: self.populations.restart(self.activity))
            self.add(
                depth,
                f"{new} = {state} & {~(population | others)} | {memo}[{state} & {population}]",
            )
        else:
            if isinstance(effect, Pick):
                cube = effect.cube
                memo = self.memo(
                    ("P", self.activity, cube),
                    lambda: self.populations.pick(self.activity, cube),
                )
            else:
                assert isinstance(effect, UpdateOne)
                memo = self.memo(("O", effect), lambda: self.populations.update_one(*_of(effect)))
            self.add(depth, f"for p in {memo}[{state} & {population}]:")
            depth += 1
            self.add(depth, f"{new} = {split} p")
        self.node(then, new, depth)

    def ask(self, node: Ask, state: str, depth: int) -> None:
        question = node.question
        if isinstance(question, Choose):
            for _, kid in node.kids:
                self.node(kid, state, depth)
        elif isinstance(question, Peek):
            for answer, kid in node.kids:
                cube = Cube(
                    question.cube.mask | 1 << question.bit,
                    question.cube.value | answer << question.bit,
                )
                self.add(depth, f"if {self.any(cube, state, free=False)}:")
                self.node(kid, state, depth + 1)
        elif isinstance(question, Read):
            self.read(node, state, depth)
        else:
            kids = dict(node.kids)
            self.add(depth, f"if {self.test(question, state)}:")
            self.node(kids[1], state, depth + 1)
            self.add(depth, "else:")
            self.node(kids[0], state, depth + 1)

    def test(self, question: Question, state: str) -> str:
        layout = self.layout
        if isinstance(question, AnyMember):
            return self.any(question.cube, state, question.free)
        if isinstance(question, MemberBit):
            return f"{state} & {1 << question.bit + layout.slots[self.activity]}"
        assert isinstance(question, AtRest)
        shift, mask = layout.at[question.activity]
        resting = layout.machine.resting[question.activity]
        table = sum(1 << block for block, rests in enumerate(resting) if rests)
        return f"{table} >> ({state} >> {shift} & {mask}) & 1"

    def any(self, cube: Cube, state: str, free: bool) -> str:
        layout = self.layout
        lanes = sum(layout.lane_mask << lane for c, lane in layout.lanes.items() if cube.holds(c))
        tests = [f"{state} & {lanes}"] if lanes else []
        if not free:
            for shift in layout.slots.values():
                mask = (layout.slot_valid | cube.mask) << shift
                value = (layout.slot_valid | cube.value) << shift
                tests.append(f"{state} & {mask} == {value}")
        return " or ".join(tests) or "False"

    def read(self, node: Ask, state: str, depth: int) -> None:
        assert isinstance(node.question, Read)
        shift, mask = self.layout.scalars[node.question.field]
        groups: list[tuple[Node, list[int]]] = []
        for answer, kid in node.kids:
            for other, answers in groups:
                if other == kid:
                    answers.append(answer)
                    break
            else:
                groups.append((kid, [answer]))
        value = f"v{depth}"
        if mask == 1:
            value = f"{state} & {1 << shift}"
        elif len(groups) > 1:
            self.add(depth, f"{value} = {state} >> {shift} & {mask}")
        for index, (kid, answers) in enumerate(groups):
            if index == len(groups) - 1:
                if index:
                    self.add(depth, "else:")
            else:
                test = " or ".join(f"{value} == {a}" for a in answers)
                if mask == 1:
                    test = value if answers == [1] else f"not {value}"
                self.add(depth, f"{'elif' if index else 'if'} {test}:")
            self.node(kid, state, depth + (len(groups) > 1))


def _of(effect: Update | UpdateOne) -> tuple[Cube, Change]:
    return effect.cube, effect.change


class Emitted:
    """The code for one layout, loaded."""

    def __init__(
        self,
        layout: Layout,
        judges: dict[str, Node],
        hit: Callable[[int, int], None],
        bad: Callable[[str, int], None],
    ) -> None:
        emitter = Emitter(layout)
        for activity, trees in enumerate(layout.machine.trees):
            for block, tree in enumerate(trees):
                emitter.function(f"a{activity}_{block}", activity, tree)
        for index, tree in enumerate(judges.values()):
            emitter.function(f"judge{index}", -1, tree)
        lines = emitter.lines
        for activity, trees in enumerate(layout.machine.trees):
            table = ", ".join(f"a{activity}_{block}" for block in range(len(trees)))
            lines.append(f"t{activity} = [{table}]")
        lines.append("def expand(s, out):")
        for activity, (shift, mask) in enumerate(layout.at):
            lines.append(f" t{activity}[s >> {shift} & {mask}](s, out)")
        self.source = "\n".join(lines) + "\n"
        self.events = emitter.events
        names = {
            **emitter.names,
            "hit": hit,
            "bad": lambda index, state: bad(emitter.bad[index], state),
        }
        exec(compile(self.source, "<emitted>", "exec"), names)
        self.expand: Expand = names["expand"]
        self.by_activity: list[list[Expand]] = [
            names[f"t{activity}"] for activity in range(len(layout.machine.trees))
        ]
        self.judges: list[Callable[[int, None], int]] = [
            names[f"judge{index}"] for index in range(len(judges))
        ]
