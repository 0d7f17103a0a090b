"""Check a specification: explore it, decide its properties, and replay what is violated."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from softsnp.lang import (
    AlwaysPossible,
    LockOrder,
    NoDeadlock,
    Property,
    Sometimes,
    Specification,
)
from softsnp.lang.trace import Trace

from .layout import Layout, Machine, machine
from .memory_use import uncollected
from .proof import unsure
from .replay import Replay
from .rungs.ladder import Ladder
from .rungs.rung import OutOfRoom
from .search import Explored, Finding, Limits, Search, Watch, state_judges
from .tabulate import tabulate
from .walk import successors

MOST_MEMBERS = 6
"""Up to so many members what happens is explored exactly, where the images cannot tell."""
MOST_FOLLOWED = 32
"""Up to so many members a path of images is followed."""
FOLLOWED_STATES = 20_000
"""So many exact states with one image are followed; where there are more, nobody goes on."""
NO_PROOF = "no proof says for all"
FALLBACK_STATES = 200_000
EXACT_STATES = 5_000_000


@dataclass(frozen=True)
class Outcome:
    """What is known of one property. ``verdict``: holds, violated or undecided."""

    prop: Property
    verdict: str
    exercised: bool
    steps: int | None = None
    members: int | None = None
    """The number of members of the counterexample."""
    trace: Trace | None = None
    reason: str = ""
    """Why it is undecided; or what the violation is made of, where the property does not say."""


@dataclass(frozen=True)
class Result:
    """One exploration and its verdicts. ``members`` is None for any number of them."""

    members: int | None
    states: int
    concrete_states: int | None
    transitions: int
    depth: int
    stopped: str
    """Which bound ended it early, or an empty string."""
    outcomes: tuple[Outcome, ...]
    reached: dict[str, bool] = field(default_factory=dict)
    consulted: frozenset[str] = frozenset()
    """The assumptions that anything looked at: had any other been otherwise, all were the same."""

    @property
    def complete(self) -> bool:
        return not self.stopped


class Checker:
    """Everything that one specification's tables are used for."""

    def __init__(
        self,
        spec: Specification,
        properties: list[Property],
        checks: list[Sometimes],
        apart: bool = False,
        memory: int | None = None,
    ) -> None:
        self.properties = properties
        self.checks = checks
        tables = tabulate(spec, state_judges(properties, checks))
        self.machine: Machine = machine(tables, apart)
        self._exact: dict[int, Search] = {}
        self._explored: dict[int, Explored] = {}
        self.memory = memory
        """Bounds the whole process, in bytes."""
        self._unsure: dict[str, str] | None = None

    def search(self, members: int | None) -> Search:
        return Search(self.machine, members, self.properties, self.checks)

    def exact(self, members: int) -> Search:
        if members not in self._exact:
            self._exact[members] = self.search(members)
        return self._exact[members]

    def least_members(self) -> int:
        return sum(kind.count or 0 for kind in self.machine.spec.members())

    def concretize(
        self, explored: Explored, path: list[int], numbers: Iterable[int]
    ) -> tuple[Layout, list[int]] | None:
        """The path at the first of these numbers of members that has it, or None."""
        for members in numbers:
            search = self.exact(members)
            image = explored.layout.abstraction(search.layout)
            found = follow(search, path, image)
            if found:
                return search.layout, found
        return None

    def outcome(
        self,
        prop: Property,
        explored: Explored,
        finding: Finding,
        want_trace: bool,
    ) -> Outcome:
        if explored.stopped and (finding.steps is None or isinstance(prop, AlwaysPossible)):
            return Outcome(prop, "undecided", finding.exercised, reason=explored.stopped)
        if explored.layout.saturated and isinstance(prop, AlwaysPossible | NoDeadlock):
            if finding.steps is None:
                return self._always_possible(prop, explored, finding, want_trace)
            if isinstance(prop, AlwaysPossible):
                return self._exactly(prop, want_trace) or _spurious(prop, finding)
        if finding.steps is None:
            return Outcome(prop, "holds", finding.exercised)
        path = explored.path_to(finding)
        layout = explored.layout
        if layout.saturated:
            few = range(self.least_members(), MOST_MEMBERS + 1)
            many = range(MOST_MEMBERS + 1, MOST_FOLLOWED + 1)
            if isinstance(prop, LockOrder):  # of which a path shows the last order only
                few = many = range(0)
            found = (
                self.concretize(explored, path, few)
                or self._search_exactly(prop)
                or self.concretize(explored, path, many)
            )
            if found is None:
                return _spurious(prop, finding)
            layout, path = found
        trace = None
        if want_trace:
            trace = Replay(layout).run(path, prop)
        members = layout.members
        return Outcome(prop, "violated", True, len(path) - 1, members, trace, finding.told)

    def _always_possible(
        self, prop: Property, explored: Explored, finding: Finding, want_trace: bool
    ) -> Outcome:
        """A way that the images have may be no way for any one number: it takes a proof."""
        lacking = finding.exercised and self.unsure(explored)[prop.name]
        if not lacking:
            return Outcome(prop, "holds", finding.exercised)
        reason = f"no number of members up to {MOST_MEMBERS} violates it, and {lacking}"
        undecided = Outcome(prop, "undecided", True, reason=reason)
        return self._exactly(prop, want_trace) or undecided

    def _exactly(self, prop: Property, want_trace: bool) -> Outcome | None:
        """A violation with the least number of members, up to MOST_MEMBERS, that has one."""
        for members in range(self.least_members(), MOST_MEMBERS + 1):
            explored = self.explored(members)
            if explored.stopped:
                return Outcome(
                    prop, "undecided", True, reason=f"with {members} members: {explored.stopped}"
                )
            found = explored.findings[prop.name]
            if found.steps is not None:
                path, layout = explored.path_to(found), explored.layout
                trace = Replay(layout).run(path, prop) if want_trace else None
                return Outcome(prop, "violated", True, found.steps, members, trace)
        return None

    def unsure(self, explored: Explored) -> dict[str, str]:
        """By property, why a proof lacks that what the images can still reach every number of
        members can; empty where there is one.
        """
        if self._unsure is None:
            possible = [
                prop
                for prop in self.properties
                if isinstance(prop, AlwaysPossible | NoDeadlock)
                and explored.findings[prop.name].steps is None
            ]
            try:
                found = unsure(explored.rung, possible, self.memory)
                self._unsure = {name: NO_PROOF if left else "" for name, left in found.items()}
            except OutOfRoom as error:
                why = f"whether there is a proof for all is not known: {error}"
                self._unsure = {prop.name: why for prop in possible}
        return self._unsure

    def explored(self, members: int) -> Explored:
        """All of what happens with so many members."""
        if members not in self._explored:
            self._explored[members] = self.exact(members).run(Limits(states=EXACT_STATES))
        return self._explored[members]

    def _search_exactly(self, prop: Property) -> tuple[Layout, list[int]] | None:
        """When a path has no concrete run: another path to the same violation, if there is."""
        for members in range(self.least_members(), MOST_MEMBERS + 1):
            explored = self.search(members).run(Limits(states=FALLBACK_STATES))
            finding = explored.findings[prop.name]
            if finding.steps is not None:
                return explored.layout, explored.path_to(finding)
        return None


def _spurious(prop: Property, finding: Finding) -> Outcome:
    reason = f"spurious: no run with up to {MOST_MEMBERS} members shows it"
    if not isinstance(prop, AlwaysPossible | LockOrder):
        reason += f", and none with up to {MOST_FOLLOWED} goes the way that the images go"
    return Outcome(prop, "undecided", finding.exercised, reason=reason)


def follow(search: Search, path: list[int], image: Callable[[int], int]) -> list[int]:
    """An exact path whose images are the given path, or an empty list when none is found."""
    levels: list[dict[int, int | None]] = [
        {s: None for s in search.layout.initial_states() if image(s) == path[0]}
    ]
    for goal in path[1:]:
        reached: dict[int, int | None] = {}
        for state in levels[-1]:
            for successor in successors(search.program, state):
                if image(successor) == goal:
                    reached.setdefault(successor, state)
        if not reached or len(reached) > FOLLOWED_STATES:
            return []
        levels.append(reached)
    exact = [next(iter(levels[-1]))]
    for level in reversed(levels[1:]):
        before = level[exact[-1]]
        assert before is not None
        exact.append(before)
    return exact[::-1]


def check(
    spec: Specification,
    members: int | None,
    properties: list[Property],
    checks: list[Sometimes],
    *,
    limits: Limits | None = None,
    watch: Watch | None = None,
    ladder: Ladder | None = None,
    traces: bool | Collection[str] = False,
    apart: bool = False,
) -> Result:
    """Decide every property for a number of members, or for any number of them (None).

    ``traces`` says for which violated properties the counterexample is replayed on the
    specification and returned. With ``apart``, members are told apart, and a state counts once for
    each way to say which is which; there has to be a number of them. Raises SpecError for what is
    wrong in the specification.
    """
    with uncollected():
        limits = limits or Limits()
        checker = Checker(spec, properties, checks, apart, limits.memory)
        consulted = frozenset(spec.consulted)
        explored = checker.search(members).run(limits, watch, ladder)
        outcomes = tuple(
            checker.outcome(
                prop,
                explored,
                explored.findings[prop.name],
                traces if isinstance(traces, bool) else prop.name in traces,
            )
            for prop in properties
        )
        return Result(
            members,
            len(explored.states),
            explored.concrete_states(),
            explored.transitions,
            explored.depth,
            explored.stopped,
            outcomes,
            explored.reached,
            consulted,
        )
