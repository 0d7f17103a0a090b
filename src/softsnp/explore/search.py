"""Breadth-first search over emitted code: every state, and the shortest way to each.

Exploring goes on after a property is violated, so every other property is still decided.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from softsnp.lang import Always, Never, NoDeadlock, Property, Sometimes, SpecError

from .emit import Emitted
from .layout import Layout, Machine
from .tree import asks_at_rest

CHUNK = 2048


@dataclass(frozen=True)
class Limits:
    """Bounds on one exploration; None is no bound. Memory is in bytes, of the whole process."""

    states: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Progress:
    """How far an exploration has come, for whoever watches. ``seconds`` is for rates only."""

    states: int
    depth: int
    seconds: float


Watch = Callable[[Progress], None]


@dataclass(frozen=True)
class Finding:
    """How a property fared. ``end`` is the index of the violating state, or None.

    ``steps`` counts steps from an initial state to the violation.
    """

    exercised: bool
    steps: int | None = None
    end: int | None = None
    extra: int | None = None
    """A violating step's target, when that step leads from ``end`` (events only)."""


@dataclass
class Explored:
    """What a search saw. ``stopped`` says which bound ended it early, or is empty."""

    layout: Layout
    states: list[int]
    parents: array[int]
    depths: array[int]
    transitions: int
    stopped: str
    findings: dict[str, Finding]
    reached: dict[str, bool]
    emitted: Emitted
    population_counts: dict[int, int] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return self.depths[-1] if self.depths else 0

    def path(self, end: int) -> list[int]:
        """The states from an initial one to the state with index ``end``."""
        found = [end]
        while self.parents[found[-1]] >= 0:
            found.append(self.parents[found[-1]])
        return [self.states[i] for i in reversed(found)]

    def path_to(self, finding: Finding) -> list[int]:
        """The states of the shortest way to a violation."""
        assert finding.end is not None
        path = self.path(finding.end)
        return path if finding.extra is None else [*path, finding.extra]

    def concrete_states(self) -> int | None:
        """The number of states with members told apart; None when counts are saturated."""
        if self.layout.saturated:
            return None
        memo: dict[int, int] = {}
        mask, total = self.layout.population_mask, 0
        for state in self.states:
            population = state & mask
            if population not in memo:
                memo[population] = self.layout.orbit(population)
            total += memo[population]
        return total


def resident() -> int:
    """The process's resident memory in bytes; where only the peak is known, the peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()


def state_judges(properties: list[Property], checks: list[Sometimes]) -> dict[str, Always]:
    """The predicates to tabulate: those of Always properties and of state reachability checks."""
    judges = {p.name: p for p in properties if isinstance(p, Always)}
    for check in checks:
        if check.state is not None:
            judges[check.name] = Always(
                check.name, check.sentence, "", "", must=lambda _: True, when=check.state
            )
    return judges


class Search:
    """One exploration of one machine, for a number of members or for any."""

    def __init__(
        self,
        machine: Machine,
        members: int | None,
        properties: list[Property],
        checks: list[Sometimes],
    ) -> None:
        self.layout = Layout(machine, members)
        self.properties = properties
        self.checks = checks
        self.judged = list(state_judges(properties, checks))
        self.emitted = Emitted(
            self.layout,
            {name: machine.tables.judges[name] for name in self.judged},
            self._hit,
            self._bad,
        )
        self.current = -1
        self.hits: dict[int, tuple[int, int]] = {}

    def _hit(self, event: int, successor: int) -> None:
        self.hits.setdefault(event, (self.current, successor))

    def _bad(self, message: str, state: int) -> None:
        raise SpecError(
            f"{message}\n  reached after {self.depths[self.current]} steps, so it can happen"
        )

    def run(self, limits: Limits = Limits(), watch: Watch | None = None) -> Explored:
        """Explore; Ctrl-C, ``limits.states`` and ``limits.memory`` end it early, and say so."""
        states: list[int] = []
        index: dict[int, int] = {}
        parents, self.depths = array("q"), array("i")
        edges, offsets = array("I"), array("Q", [0])
        for state in self.layout.initial_states():
            if state not in index:
                index[state] = len(states)
                states.append(state)
                parents.append(-1)
                self.depths.append(0)
        depths = self.depths
        expand = self.emitted.expand
        self.deadlock = -1
        stopped = ""
        began = time.monotonic()
        done = 0
        resting = self.layout.everyone_rests
        successors: list[int] = []
        append, edge, number, known = successors.append, edges.append, index.setdefault, len(states)
        collecting = gc.isenabled()
        gc.disable()  # only integers are made here, millions of them
        try:
            while done < len(states) and not stopped:
                for done in range(done, min(len(states), done + CHUNK)):  # noqa: B020
                    self.current = done
                    successors.clear()
                    expand(states[done], append)
                    if not successors and self.deadlock < 0 and not resting(states[done]):
                        self.deadlock = done
                    depth = depths[done] + 1
                    for successor in successors:
                        where = number(successor, known)
                        if where == known:
                            known += 1
                            states.append(successor)
                            parents.append(done)
                            depths.append(depth)
                        edge(where)
                    offsets.append(len(edges))
                done += 1
                stopped = self._bound(limits, len(states), done)
                if watch is not None:
                    watch(Progress(len(states), depths[-1], time.monotonic() - began))
        except KeyboardInterrupt:
            stopped = "interrupted"
        finally:
            if collecting:
                gc.enable()
        explored = Explored(
            self.layout, states, parents, depths, len(edges), stopped, {}, {}, self.emitted
        )
        self._judge(explored)
        self._decide(explored, edges, offsets)
        return explored

    def _bound(self, limits: Limits, states: int, done: int) -> str:
        if done >= states:
            return ""
        if limits.states is not None and states >= limits.states:
            return f"--max-states {limits.states} reached"
        if limits.memory is not None and resident() >= limits.memory:
            return f"--max-memory {limits.memory >> 20} MiB reached"
        return ""

    # --- after the search --------------------------------------------------------------------

    def _judge(self, explored: Explored) -> None:
        """First violating state and whether the situation arose, of every state predicate.

        A predicate that does not ask where activities stand is judged once for equal data.
        """
        places = self.layout.places_mask
        data: dict[int, int] = {}
        for number, state in enumerate(explored.states):
            data.setdefault(state & ~places, number)
        everywhere = range(len(explored.states))
        rests = self._who_rests(explored)
        everyone = (1 << len(self.layout.at)) - 1
        at_rest = [n for n, s in enumerate(explored.states) if rests[s & places] == everyone]
        trees = self.layout.machine.tables.judges
        kinds = state_judges(self.properties, self.checks)
        for name, judge in zip(self.judged, self.emitted.judges, strict=True):
            where: Iterable[int] = data.values()
            if kinds[name].at_rest:
                where = at_rest
            elif asks_at_rest(trees[name]):
                where = everywhere
            exercised, end = False, None
            for number in where:
                verdict = judge(explored.states[number], None)
                if verdict:
                    exercised = True
                    if verdict & 2:
                        end = number
                        break
            steps = None if end is None else explored.depths[end]
            explored.findings[name] = Finding(exercised, steps, end)

    def _who_rests(self, explored: Explored) -> dict[int, int]:
        """The places of a state to the set (by bits) of the activities that rest there."""
        found = {}
        for places in {state & self.layout.places_mask for state in explored.states}:
            found[places] = sum(
                1 << activity
                for activity, ((shift, mask), resting) in enumerate(
                    zip(self.layout.at, self.layout.machine.resting, strict=True)
                )
                if resting[places >> shift & mask]
            )
        return found

    def _decide(self, explored: Explored, edges: array[int], offsets: array[int]) -> None:
        seen = {self.emitted.events[event]: hit for event, hit in self.hits.items()}
        for check in self.checks:
            if check.state is not None:
                explored.reached[check.name] = explored.findings.pop(check.name).exercised
            else:
                explored.reached[check.name] = check.event in seen
        for prop in self.properties:
            if isinstance(prop, Never):
                exercised = prop.situation in seen or prop.never in seen
                finding = Finding(exercised)
                if prop.never in seen:
                    source, successor = seen[prop.never]
                    finding = Finding(True, explored.depths[source] + 1, source, successor)
                explored.findings[prop.name] = finding
            elif isinstance(prop, NoDeadlock):
                end = self.deadlock if self.deadlock >= 0 else None
                if end is None and not explored.stopped:
                    end = self._no_return(explored, edges, offsets)
                steps = None if end is None else explored.depths[end]
                explored.findings[prop.name] = Finding(True, steps, end)

    def _no_return(self, explored: Explored, edges: array[int], offsets: array[int]) -> int | None:
        """The first state from which some activity can never come to rest again, or None."""
        every = (1 << len(self.layout.at)) - 1
        places, rests = self.layout.places_mask, self._who_rests(explored)
        can = bytearray([rests[state & places] for state in explored.states])
        open_states = [n for n in range(len(can)) if can[n] != every]
        while open_states:
            changed = False
            left = []
            for number in reversed(open_states):
                value = can[number]
                for successor in edges[offsets[number] : offsets[number + 1]]:
                    value |= can[successor]
                    if value == every:
                        break
                changed |= value != can[number]
                can[number] = value
                if value != every:
                    left.append(number)
            if not changed:
                return min(left) if left else None
            open_states = left[::-1]
        return None
