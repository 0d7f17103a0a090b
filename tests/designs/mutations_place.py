"""Mutations of the specification, where to look for what they change, and what changes there."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from softsnp.explore import check
from softsnp.lang import SpecError
from softsnp.spec.activities import Host
from softsnp.spec.catalog import DESIGNS, SCENARIOS, with_ioctls
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks
from tests.mutation import Mutation, mutated

KINDS = ("lock", "unlock", "swap", "check", "constant", "step")
"""Drop a lock, drop an unlock, swap two lines, forget a check, a wrong constant, forget a step."""


@dataclass(frozen=True)
class Place:
    """One run: of a design, in a scenario, with so many CPUs."""

    design: str
    scenario: str
    firmware: str
    cpus: int | None
    era: str
    changes: tuple[tuple[str, bool], ...]

    def __str__(self) -> str:
        era = (f"{self.era} ioctls",) if self.era else ()
        changes = (n if on else f"no-{n}" for n, on in self.changes)
        return ", ".join((self.design, self.scenario, self.firmware, *era, *changes))

    def host(self) -> type[Host]:
        """The design, with the ioctls that it has at this moment."""
        design = DESIGNS[self.design]
        return with_ioctls(design, self.era) if self.era else design


def at(
    design: str,
    scenario: str,
    firmware: str = "legacy",
    *,
    cpus: int | None = 2,
    ioctls: str = "",
    **assume: bool,
) -> Place:
    """Two CPUs are enough for most, and quick. ``assume`` has _ in names where there is a -."""
    changes = tuple((name.replace("_", "-"), on) for name, on in assume.items())
    return Place(design, scenario, firmware, cpus, ioctls, changes)


@dataclass(frozen=True)
class Answer:
    """What a run says to one question. The length of a way is told, and not compared."""

    said: str
    steps: int | None = None

    def __str__(self) -> str:
        return self.said if self.steps is None else f"{self.said} in {self.steps}"


Answers = dict[str, Answer]


def answers(place: Place) -> Answers:
    """The verdict on every property, and every reachability check's answer, explored now."""
    chosen = SCENARIOS[place.scenario]
    assume = chosen.assume(dict(place.changes))
    spec = place.host()(chosen.activities, assume, firmware=place.firmware)
    found = check(spec, place.cpus, PROPERTIES, checks(spec))
    if not found.complete:
        raise RuntimeError(f"{place}: {found.stopped}")
    said: Answers = {}
    for outcome in found.outcomes:
        verdict = outcome.verdict if outcome.exercised else "never exercised"
        said[outcome.prop.name] = Answer(verdict, outcome.steps)
    for name, reached in found.reached.items():
        said[name] = Answer("reached" if reached else "not reached")
    return said


unmutated = cache(answers)
"""Explored once for all the mutations of a place, and never inside ``mutated()``."""


@dataclass(frozen=True)
class Seeded:
    """A mistake in one function, and the place in which a verdict changes with it.

    Each text to be changed stands once in the function's source. One that is ``explained`` changes
    nothing there, and is right not to.
    """

    name: str
    kind: str
    owner: type
    function: str
    edits: Mapping[str, str]
    place: Place
    explained: str = ""

    def __str__(self) -> str:
        return self.name

    def mutation(self) -> Mutation:
        """Raises ValueError if a text is not there, or more than once."""
        source = inspect.getsource(vars(self.owner)[self.function])
        changed = source
        for old, new in self.edits.items():
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} occurs {source.count(old)} times, not once")
            changed = changed.replace(old, new)
        return Mutation(self.name, self.owner, self.function, source, changed)


@dataclass(frozen=True)
class Fate:
    """What became of a mutation: the answers that changed, or why the language refused it."""

    seeded: Seeded
    changed: tuple[str, ...] = ()
    refused: str = ""

    @property
    def as_said(self) -> bool:
        """Killed if it is not explained, and survived if it is."""
        return not self.refused and bool(self.changed) != bool(self.seeded.explained)

    def __str__(self) -> str:
        told = f"{self.seeded.name:44} {self.seeded.place}: "
        if self.refused:
            return f"{told}REFUSED BY THE LANGUAGE: {self.refused}"
        if not self.changed:
            why = self.seeded.explained
            return told + (f"survives: {why}" if why else "SURVIVES, UNEXPLAINED")
        more = f", and {len(self.changed) - 1} more" if len(self.changed) > 1 else ""
        wrong = " ALTHOUGH EXPLAINED" if self.seeded.explained else ""
        return f"{told}{self.changed[0]}{more}{wrong}"


def fate(seeded: Seeded) -> Fate:
    """Explore the mutation's place with it and without it, and compare what was decided."""
    right = unmutated(seeded.place)
    with mutated(seeded.mutation()):
        try:
            wrong = answers(seeded.place)
        except SpecError as error:
            return Fate(seeded, refused=error.message.partition("\n")[0])
    changed = [
        f"{name} {right[name].said} → {wrong[name]}"
        for name in right
        if right[name].said != wrong[name].said
        and "undecided" not in (right[name].said, wrong[name].said)
    ]
    # The first is the one that is told: best a property that breaks, and by the shortest way.
    changed.sort(key=lambda told: ("→ violated" not in told, "violated →" not in told))
    return Fate(seeded, tuple(changed))
