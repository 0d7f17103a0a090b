"""A machine as a model in Promela, for Spin. See docs/export.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from softsnp.explore.layout import Machine
from softsnp.explore.recreate import recreate
from softsnp.explore.tree import Ask, AtRest, Do, Node, Restart, asks_at_rest
from softsnp.lang import Always, Never, NoDeadlock, Property
from softsnp.lang.telling import chain

from .expressions import YES
from .lines import comment, declared, forked, step, told
from .members import Members
from .names import Names
from .options import THEM, Option, Options
from .variables import Activities, Scalars

KNOWN = "known"


def exported(properties: Sequence[Property]) -> list[Property]:
    """Those of the properties that a model says: what can be seen in one state or one step."""
    return [p for p in properties if isinstance(p, Always | Never | NoDeadlock)]


def promela(
    machine: Machine, members: int, properties: Sequence[Property], heading: str = ""
) -> str:
    """The model for so many members, told apart. ``properties`` may be none.

    ``machine`` has been tabulated with the Always properties among them.
    """
    return Model(machine, members, exported(properties)).text(heading)


class Model:
    """One model, while it is written."""

    def __init__(self, machine: Machine, members: int, properties: Sequence[Property]) -> None:
        self.machine = machine
        self.properties = properties
        self.names = Names()
        for word in ("N", "ALL", "BIT", "EACH", "started", THEM):
            self.names.of(word, word)
        self.members = Members(machine, members, self.names)
        self.scalars = Scalars(machine, self.names)
        self.activities = Activities(machine, self.names)
        self.options = Options(machine, self.members, self.scalars, self.activities)
        self.known = {p.name: self.names.of(p, f"{p.name}_{KNOWN}") for p in properties}
        """Scratch: whether a violation has been reported."""
        self.events = {p.never: p for p in properties if isinstance(p, Never)}
        restarting = [any(_restarts(tree) for tree in trees) for trees in machine.trees]
        self.restarted = [
            any(restarts for other, restarts in enumerate(restarting) if other != activity)
            for activity in range(len(restarting))
        ]
        """Whether another activity may send this one back: then its place is a variable."""
        self.asked = self._who_is_asked()
        self.several = len(self.members.starts) > 1
        self.labels = [self._labels(activity) for activity in range(len(machine.trees))]

    @property
    def _activities(self) -> range:
        return range(len(self.machine.trees))

    def _who_is_asked(self) -> set[int]:
        """The activities of which something wants to know whether they are at rest."""
        every = [t for trees in self.machine.trees for t in trees]
        judged = [self.machine.tables.judges[p.name] for p in self._always()]
        found = {a for node in (*every, *judged) for a in _asked(node)}
        return set(self._activities) if self._deadlock() else found

    def _always(self) -> list[Always]:
        return [p for p in self.properties if isinstance(p, Always)]

    def _deadlock(self) -> list[NoDeadlock]:
        return [p for p in self.properties if isinstance(p, NoDeadlock)]

    # --- places ----------------------------------------------------------------------------------

    def _labels(self, activity: int) -> list[tuple[str, str]]:
        """(label, where that is) of each place of an activity."""
        spec, blocks = self.machine.spec, self.machine.blocks[activity]
        found: dict[int, tuple[str, str]] = {}
        for local, block in zip(self.machine.tables.activities[activity], blocks, strict=True):
            if block in found:
                continue
            coroutine, awaited = recreate(spec, activity, local.trail)
            frames = chain(spec, coroutine)
            coroutine.close()
            inner = frames[-1]
            end = "end_" if self.machine.resting[activity][block] else ""
            label = self.names.of((activity, block), f"{end}{inner.function.strip('_')}_{block}")
            where = " > ".join(frame.function for frame in frames[1:] or frames)
            waits = f"; waits {awaited.what}" if awaited.what else ""
            found[block] = label, ("at rest" if end else where) + waits
        return [found[block] for block in range(len(found))]

    # --- the text --------------------------------------------------------------------------------

    def text(self, heading: str) -> str:
        processes = [line for a in self._activities for line in (*self._process(a), "")]
        judges = list(self._judge())
        body = [*processes, *judges]
        parts = [*comment(heading), *self._preamble(), *self._declarations(body), "", *body]
        return "\n".join(parts).rstrip() + "\n"

    def _preamble(self) -> Iterator[str]:
        count, member = self.members.count, self.members.member
        if self.members.bits:
            yield f"#define N {count}"
            yield f"#define ALL {self.members.everyone}"
            yield f"#define BIT({member}) (1 << ({member}))"
            each = " ".join(f"option({number})" for number in range(count))
            yield f"#define EACH(option) {each}"
            yield ""

    def _declarations(self, body: list[str]) -> Iterator[str]:
        spec, text = self.machine.spec, "\n".join(body)
        yield from comment("Scalars.")
        for (name, index), value in self.scalars.values.items():
            assert name in self.scalars.variables
            yield f"#define {value} {index}"
        for name, field in self.scalars.variables.items():
            values = len(field.domain)
            kind = "bit" if values <= 2 else "byte"
            initial = f" = {self.scalars.value(name, field.initial)}" if field.initial else ""
            yield from declared(f"{kind} {self.scalars.names[name]}{initial};", field.doc)
        population = spec.population()
        if population is not None:
            yield ""
            yield from comment(f"The population: each mask has bit i for {population.member} i.")
            docs = {bit.index: bit.doc for bit in population.bits.values()}
            for bit, name in self.members.constant_names.items():
                yield from declared(f"#define {name} {self.members.constants[bit]}", docs[bit])
            first = self.members.starts[0]
            for bit, name in self.members.variables.items():
                mask = 0 if self.several else self.members.mask(bit, first)
                initial = f" = {mask}" if mask else ""
                yield from declared(f"{self.members.type} {name}{initial};", docs[bit])
        yield ""
        yield from comment("Activities.")
        for activity in self._activities:
            name = self.activities.names[activity]
            rests = self.machine.resting[activity]
            if activity in self.activities.picked:
                picked = self.activities.picked[activity]
                yield from declared(f"{self.members.type} {picked};", f"who {name} has taken")
            if self.restarted[activity]:
                yield from declared(f"byte at_{name};", f"where {name} stands")
                for place, (label, _) in enumerate(self.labels[activity]):
                    yield f"#define {label} {place}"
            if activity in self.asked and self.restarted[activity]:
                places = [
                    label for (label, _), at in zip(self.labels[activity], rests, strict=True) if at
                ]
                tests = " || ".join(f"at_{name} == {place}" for place in places) or "false"
                yield f"#define {self.activities.rests[activity]} ({tests})"
            elif activity in self.asked:
                initial = " = 1" if rests[0] else ""
                yield f"bit {self.activities.rests[activity]}{initial};"
        if self.several:
            yield from declared("bit started;", "whether it is settled who is there at the start")
        scratch = [f"{THEM}_{n}" for n in range(10) if f"{THEM}_{n}" in text]
        if scratch or self.known:
            yield ""
            yield from comment("Scratch, no part of a state.")
        for name in scratch:
            yield f"hidden {self.members.type} {name};"
        for name in self.known.values():
            yield f"hidden byte {name};"

    # --- activities ------------------------------------------------------------------------------

    def _process(self, activity: int) -> Iterator[str]:
        spec, name = self.machine.spec, self.activities.names[activity]
        sentence = type(spec).declared_activities()[spec.activity_names[activity]]
        yield from comment(f"{spec.activity_names[activity]}: {sentence}.")
        provided = " provided (started)" if self.several else ""
        yield f"active proctype {name}(){provided} {{"
        if self.restarted[activity]:
            yield "end:"
            yield "    do"
            for place, (label, where) in enumerate(self.labels[activity]):
                yield from comment(f"{label}: {where}", "    ")
                yield from self._options(activity, place)
            yield "    od"
        else:
            for place, (label, where) in enumerate(self.labels[activity]):
                yield from comment(where, "    ")
                yield f"{label}:"
                options = list(self._options(activity, place))
                yield from ["    if", *options, "    fi;"] if options else ["    false;"]
        yield "}"

    def _options(self, activity: int, place: int) -> Iterator[str]:
        for option in self.options.of(activity, place):
            yield from self._option(activity, place, option)

    def _option(self, activity: int, place: int, option: Option) -> Iterator[str]:
        guards, statements, goto = list(option.guards), list(option.statements), ""
        labels, here = self.labels[activity], f"at_{self.activities.names[activity]}"
        if self.restarted[activity]:
            guards.insert(0, f"{here} == {labels[place][0]}")
        if option.goto is None:
            statements = [f"assert(false) /* {told(option.failure)} */"]
        elif self.restarted[activity]:
            if option.goto != place:
                statements.append(f"{here} = {labels[option.goto][0]}")
        else:
            rests = self.machine.resting[activity]
            if activity in self.asked and rests[place] != rests[option.goto]:
                statements.append(f"{self.activities.rests[activity]} = {int(rests[option.goto])}")
            goto = labels[option.goto][0]
        for event in option.events:
            if event in self.events:
                known = self.known[self.events[event].name]
                statements += [f"assert({known})", f"{known} = 1"]
        lines = step(guards, statements, goto, ", ".join(option.choices))
        yield from forked(lines, list(option.forks), self.members.count)

    # --- properties ------------------------------------------------------------------------------

    def _judge(self) -> Iterator[str]:
        if not (self._always() or self._deadlock() or self.several):
            return
        yield from comment(
            "Looks at every state. Each violation is reported once, so that looking adds no state."
        )
        yield "active proctype properties() {"
        yield "end:"
        yield "    do"
        if self.several:
            for start in self.members.starts:
                masks = {n: self.members.mask(b, start) for b, n in self.members.variables.items()}
                settled = [f"{name} = {mask}" for name, mask in masks.items() if mask]
                yield from step(["!started"], [*settled, "started = 1"])
        for prop in self._always():
            judge = self.machine.tables.judges[prop.name]
            yield from self._reported(prop, self.options.violated(judge))
        for deadlock in self._deadlock():
            everyone = " && ".join(self.activities.rests[a] for a in self._activities)
            yield from self._reported(deadlock, f"timeout && !({everyone})")
        yield "    od"
        yield "}"

    def _reported(self, prop: Property, violated: str) -> Iterator[str]:
        yield f"    /* {prop.name}: {prop.sentence} */"
        known = self.known[prop.name]
        started = ["started"] if self.several else []
        test = f"({violated})" if " || " in violated else violated
        guards = [*started, f"!{known}", *([test] if test != YES else [])]
        yield from step(guards, [f"assert({known})", f"{known} = 1"])


# --- what trees have in them ---------------------------------------------------------------------


def _restarts(node: Node) -> bool:
    if isinstance(node, Do):
        return isinstance(node.effect, Restart) or _restarts(node.then)
    return isinstance(node, Ask) and any(_restarts(kid) for _, kid in node.kids)


def _asked(node: Node) -> set[int]:
    """The activities of which a tree asks whether they are at rest."""
    if not asks_at_rest(node):
        return set()
    if isinstance(node, Do):
        return _asked(node.then)
    assert isinstance(node, Ask)
    mine = {node.question.activity} if isinstance(node.question, AtRest) else set()
    return mine.union(*(_asked(kid) for _, kid in node.kids))
