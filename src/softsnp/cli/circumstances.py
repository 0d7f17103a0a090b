"""What a violation may need: circumstances, each there or not, and where: contexts.

A circumstance is an assumption at its less benign value, a detail, or an activity beyond the one
that boots the host. A context is a firmware profile, an ioctl era, and a value for each
assumption of which neither is benign.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

from softsnp.explore import Limits
from softsnp.spec.catalog import ACTIVITIES, ASSUMPTIONS, DETAILS, IOCTLS, SCENARIOS

from .designs import DesignRef
from .minimal import Circumstances
from .runs import Run

SWITCHES = {**ASSUMPTIONS, **DETAILS}


@dataclass(frozen=True)
class Circumstance:
    """``on``: the value of the assumption or detail. ``usual``: there in the scenario anyway."""

    name: str
    kind: str
    """assumption, detail or activity"""
    on: bool
    usual: bool

    def clause(self, present: bool = True) -> str:
        """To follow an "if"."""
        if self.kind == "activity":
            return f"{self.name} is {'' if present else 'not '}active"
        return SWITCHES[self.name].clause(self.on is present)

    @property
    def sentence(self) -> str:
        if self.kind == "activity":
            return f"{ACTIVITIES[self.name]}."
        return SWITCHES[self.name].sentence


@dataclass(frozen=True)
class Context:
    firmware: str
    ioctls: str
    either: tuple[tuple[str, bool], ...]
    """The assumptions that are benign neither way, and their values."""


@dataclass(frozen=True)
class Question:
    """Everything that is asked about: one design and property, in a scenario."""

    design: DesignRef
    era: str
    """The design's own ioctls."""
    prop: str
    scenario: str
    members: int | None
    limits: Limits
    rung: str
    circumstances: tuple[Circumstance, ...]
    contexts: tuple[Context, ...]
    """The design's own era and the default values come first."""

    def named(self, names: Collection[str]) -> list[Circumstance]:
        return [c for c in self.circumstances if c.name in names]

    @property
    def usual(self) -> Circumstances:
        return frozenset(c.name for c in self.circumstances if c.usual)

    @property
    def defaults(self) -> list[Context]:
        """The contexts that differ in nothing but firmware from what is explored by default."""
        return [c for c in self.contexts if not self.unusual(c)]

    def unusual(self, context: Context) -> tuple[str, ...]:
        """What of a context differs from what is explored by default, as clauses."""
        told = [f"ioctls are as in the era {context.ioctls}"] if context.ioctls != self.era else []
        told += [
            ASSUMPTIONS[name].clause(on)
            for name, on in context.either
            if on != ASSUMPTIONS[name].default
        ]
        return tuple(told)

    def run(self, context: Context, present: Circumstances, members: int | None = None) -> Run:
        """The exploration with these circumstances and no others; it asks for the trace."""
        scenario = SCENARIOS[self.scenario]
        kinds = {c.name: c for c in self.circumstances}
        active = tuple(a for a in scenario.activities if a not in kinds or a in present)
        assume = dict(context.either)
        for name, one in kinds.items():
            if one.kind != "activity":
                assume[name] = one.on is (name in present)
        custom = active != scenario.activities
        return Run(
            self.design,
            context.firmware,
            tuple(sorted(assume.items())),
            None if context.ioctls == self.era else context.ioctls,
            "custom" if custom else self.scenario,
            active,
            self.members if members is None else members,
            (self.prop,),
            self.limits,
            traces=True,
            rung=self.rung,
        )


def question(
    design: DesignRef,
    prop: str,
    scenario: str,
    members: int | None,
    profiles: list[str],
    limits: Limits,
    rung: str = "auto",
) -> Question:
    era = design.load().ioctls
    eras = [era, *(other for other in IOCTLS if other != era)]
    either = [name for name, a in ASSUMPTIONS.items() if a.benign is None]
    values = [
        tuple(zip(either, on, strict=True))
        for on in product(*((ASSUMPTIONS[n].default, not ASSUMPTIONS[n].default) for n in either))
    ]
    contexts = tuple(Context(f, e, v) for e in eras for v in values for f in profiles)
    found = tuple(_circumstances(scenario))
    return Question(design, era, prop, scenario, members, limits, rung, found, contexts)


def _circumstances(scenario: str) -> list[Circumstance]:
    """Activities first: what they do is what the assumptions are about."""
    have = SCENARIOS[scenario]
    found = [Circumstance(name, "activity", True, True) for name in have.activities[1:]]
    found += [Circumstance(name, "detail", True, True) for name in have.details]
    chosen = have.assume({})
    for name, assumption in ASSUMPTIONS.items():
        if assumption.benign is not None:
            adverse = not assumption.benign
            usual = chosen.get(name, assumption.default) is adverse
            found.append(Circumstance(name, "assumption", adverse, usual))
    return found
