"""Check a specification: explore it, decide its properties, and replay what is violated."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from softsnp.lang import AlwaysPossible, LockOrder, Property, Sometimes, Specification
from softsnp.lang.trace import Trace

from .layout import Layout, Machine, machine
from .memory_use import uncollected
from .replay import Replay
from .rungs.ladder import Ladder
from .search import Explored, Finding, Limits, Search, Watch, state_judges
from .tabulate import tabulate
from .walk import successors

MOST_MEMBERS = 6
FALLBACK_STATES = 200_000
EXACT_STATES = 5_000_000
EXACT_MEMBERS = 2
"""How many members more than the least are looked at exactly, where more paths could mislead."""


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
        self, spec: Specification, properties: list[Property], checks: list[Sometimes]
    ) -> None:
        self.properties = properties
        self.checks = checks
        tables = tabulate(spec, state_judges(properties, checks))
        self.machine: Machine = machine(tables)
        self._exact: dict[int, Search] = {}
        self._explored: dict[int, Explored] = {}

    def search(self, members: int | None) -> Search:
        return Search(self.machine, members, self.properties, self.checks)

    def exact(self, members: int) -> Search:
        if members not in self._exact:
            self._exact[members] = self.search(members)
        return self._exact[members]

    def least_members(self) -> int:
        return sum(kind.count or 0 for kind in self.machine.spec.members())

    def concretize(self, explored: Explored, path: list[int]) -> tuple[Layout, list[int]] | None:
        """The path at the least number of members that has it, or None up to MOST_MEMBERS."""
        for members in range(self.least_members(), MOST_MEMBERS + 1):
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
        if isinstance(prop, AlwaysPossible) and explored.layout.saturated:
            return self._always_possible(prop, finding, want_trace)
        if finding.steps is None:
            return Outcome(prop, "holds", finding.exercised)
        path = explored.path_to(finding)
        layout = explored.layout
        if layout.saturated:
            found = None
            if not isinstance(prop, LockOrder):  # of which a path shows the last order only
                found = self.concretize(explored, path)
            found = found or self._search_exactly(prop)
            if found is None:
                return Outcome(
                    prop,
                    "undecided",
                    finding.exercised,
                    reason=f"spurious: no run with up to {MOST_MEMBERS} members shows it",
                )
            layout, path = found
        trace = None
        if want_trace:
            trace = Replay(layout).run(path, prop)
        members = layout.members
        return Outcome(prop, "violated", True, len(path) - 1, members, trace, finding.told)

    def _always_possible(self, prop: AlwaysPossible, finding: Finding, want_trace: bool) -> Outcome:
        """What is possible for any number of members is decided for some numbers of them exactly.

        A way that the images have may be no way for any one number, and so hide a violation.
        """
        if not finding.exercised:
            return Outcome(prop, "holds", False)
        least = self.least_members()
        most = least + EXACT_MEMBERS if finding.steps is None else MOST_MEMBERS
        for members in range(least, most + 1):
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
        if finding.steps is None:
            return Outcome(prop, "holds", True)
        reason = f"spurious: no run with up to {MOST_MEMBERS} members shows it"
        return Outcome(prop, "undecided", True, reason=reason)

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


def follow(search: Search, path: list[int], image: Callable[[int], int]) -> list[int]:
    """An exact path whose images are the given path, or an empty list."""
    levels: list[dict[int, int | None]] = [
        {s: None for s in search.layout.initial_states() if image(s) == path[0]}
    ]
    for goal in path[1:]:
        reached: dict[int, int | None] = {}
        for state in levels[-1]:
            for successor in successors(search.program, state):
                if image(successor) == goal:
                    reached.setdefault(successor, state)
        if not reached:
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
) -> Result:
    """Decide every property for a number of members, or for any number of them (None).

    ``traces`` says for which violated properties the counterexample is replayed on the
    specification and returned. Raises SpecError for what is wrong in the specification.
    """
    with uncollected():
        checker = Checker(spec, properties, checks)
        consulted = frozenset(spec.consulted)
        explored = checker.search(members).run(limits or Limits(), watch, ladder)
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
