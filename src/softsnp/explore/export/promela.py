"""A machine as a model in Promela, for Spin. See docs/export.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from softsnp.explore.layout import Machine, machine
from softsnp.explore.search import state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.explore.tree import Ask, AtRest, Do, Node, Restart, asks_at_rest
from softsnp.lang import Always, Never, NoDeadlock, Property, Specification

from .expressions import NO, YES
from .lines import comment, declared, forked, step, told
from .members import Members
from .names import Names
from .options import THEM, Option, Options
from .places import places
from .variables import Activities, Scalars

KNOWN = "known"
ONCE = (
    "What has been violated already, no part of a state: each violation is reported once, so that "
    "looking at states adds none. With -DFIRST only the first is, without hidden variables, which "
    "a breadth-first search does not allow."
)
AT_REST = "it is between two operations"
BACK = (
    "A process back at its first place, which Promela has no word for. So a counterexample is "
    "followed by ./pan -r."
)
HALF = "somebody can step while anybody is in the middle of something"


def exported(properties: Sequence[Property]) -> list[Property]:
    """Those of the properties that a model says: what can be seen in one state or one step."""
    return [p for p in properties if isinstance(p, Always | Never | NoDeadlock)]


def promela(
    spec: Specification, members: int, properties: Sequence[Property], heading: str = ""
) -> str:
    """The model of a specification with so many members, told apart; ``properties`` may be none.

    Raises SpecError for what the language refuses.
    """
    asked = exported(properties)
    merged = machine(tabulate(spec, state_judges(asked, [])))
    return Model(merged, members, asked).text(heading)


class Model:
    """One model, while it is written. ``machine`` was tabulated with the Always properties."""

    def __init__(self, machine: Machine, members: int, properties: Sequence[Property]) -> None:
        self.machine = machine
        self.properties = properties
        self.names = Names()
        for word in ("N", "ALL", "BIT", "EACH", "started", THEM):
            self.names.of(word, word)
        self.members = Members(machine, members, self.names)
        self.scalars = Scalars(machine, self.names)
        self.activities = Activities(machine, self.names, self._who_is_asked())
        self.options = Options(machine, self.members, self.scalars, self.activities)
        self.known = {p.name: self.names.of(p, f"{p.name}_{KNOWN}") for p in properties}
        """Scratch: whether a violation has been reported."""
        self.events = {p.never: p for p in properties if isinstance(p, Never)}
        self.restarted = [
            any(_restarts(t) for a, trees in enumerate(machine.trees) if a != other for t in trees)
            for other in range(len(machine.trees))
        ]
        """Whether another activity may send this one back to its beginning."""
        self.several = len(self.members.starts) > 1
        self.places = [places(machine, activity, self.names) for activity in self._activities]

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
            if activity in self.activities.picked:
                picked = self.activities.picked[activity]
                yield from declared(f"{self.members.type} {picked};", f"who {name} has taken")
            if activity in self.activities.asked:
                initial = " = 1" if self.machine.resting[activity][0] else ""
                yield from declared(f"bit {self.activities.rests[activity]}{initial};", AT_REST)
        if any(self.restarted):
            yield from comment(BACK)
        for activity, restarted in enumerate(self.restarted):
            if restarted:
                process = f"((P{activity} *)pptr(BASE + {activity}))"
                name = self.activities.names[activity]
                yield f"#define RESTART_{name} c_code {{ {process}->_p = _start{activity}; }}"
        if self.several:
            yield from declared("bit started;", "whether it is settled who is there at the start")
        for name in [f"{THEM}_{n}" for n in range(10) if f"{THEM}_{n}" in text]:
            yield from declared(f"{self.members.type} {name};", "zero between steps")
        known = [name for name in self.known.values() if name in text]
        if known:
            yield ""
            yield from comment(ONCE)
            yield "#ifdef FIRST"
            yield "#define VIOLATES(known) assert(known)"
            yield from (f"#define {name} 0" for name in known)
            yield "#else"
            yield "#define VIOLATES(known) assert(known); known = 1"
            yield from (f"hidden byte {name};" for name in known)
            yield "#endif"

    # --- activities ------------------------------------------------------------------------------

    def _process(self, activity: int) -> Iterator[str]:
        spec, name = self.machine.spec, self.activities.names[activity]
        sentence = type(spec).declared_activities()[spec.activity_names[activity]]
        yield from comment(f"{spec.activity_names[activity]}: {sentence}.")
        provided = " provided (started)" if self.several else ""
        yield f"active proctype {name}(){provided} {{"
        for number, place in enumerate(self.places[activity]):
            yield from comment(place.where, "    ")
            yield f"{place.label}:"
            options = list(self._options(activity, number))
            yield from ["    if", *options, "    fi;"] if options else ["    false;"]
        yield "}"

    def _options(self, activity: int, place: int) -> Iterator[str]:
        """Options that lead to one place have one ``goto``: Spin takes 2048 behind d_steps."""
        decisions = self.places[activity][place].decisions
        targets: dict[int, list[Option]] = {}
        for option in self.options.of(activity, place, decisions):
            targets.setdefault(place if option.goto is None else option.goto, []).append(option)
        for goto, options in targets.items():
            label = self.places[activity][goto].label
            if len(options) == 1 and not options[0].forks:
                yield from self._option(activity, place, options[0], label)
            else:
                lines = [x for option in options for x in self._option(activity, place, option, "")]
                inner = [line if line.startswith("#") else f"   {line}" for line in lines]
                yield from ["    :: if", *inner, f"       fi -> goto {label}"]

    def _option(self, activity: int, place: int, option: Option, goto: str) -> list[str]:
        guards, statements = list(option.guards), list(option.statements)
        rests = self.machine.resting[activity]
        if option.goto is None:
            statements = [f"assert(false) /* {told(option.failure)} */"]
        elif activity in self.activities.asked and rests[place] != rests[option.goto]:
            statements.append(f"{self.activities.rests[activity]} = {int(rests[option.goto])}")
        if option.goto == place and not guards and not statements:
            statements = ["skip"]  # Spin refuses to go in circles on true
        for event in option.events:
            if event in self.events:
                statements.append(f"VIOLATES({self.known[self.events[event].name]})")
        lines = step(guards, statements, goto, ", ".join(option.choices))
        return forked(lines, list(option.forks), self.members.count)

    # --- properties ------------------------------------------------------------------------------

    def _judge(self) -> Iterator[str]:
        if not (self._always() or self._deadlock() or self.several):
            return
        yield from comment("Looks at every state.")
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
        if violated == NO:
            yield from comment(f"{prop.name}: nothing here could violate it", "    ")
            return
        half = isinstance(prop, NoDeadlock)  # the other is about what comes of a state
        yield from comment(f"{prop.name}: {HALF if half else prop.sentence}", "    ")
        known = self.known[prop.name]
        started = ["started"] if self.several else []
        test = f"({violated})" if " || " in violated else violated
        guards = [*started, f"!{known}", *([test] if test != YES else [])]
        yield from step(guards, [f"VIOLATES({known})"])


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
