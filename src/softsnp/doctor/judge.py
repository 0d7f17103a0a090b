"""The specification's properties, judged over what is known: in three values.

A property is tried with every value of what is open that it looks at. Where all say the same, that
is so whatever the values are; where they do not, it is unknown, and on what it hangs is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from softsnp.lang import Always, Property
from softsnp.lang.driver import Cube
from softsnp.lang.population import Selection
from softsnp.spec.fw.psp import State
from softsnp.spec.hw.cpu import Cpus
from softsnp.spec.linux.kernel.cpu_smt import SmtControl

from .state import Group, Open, Seen

MOST_TRIES = 4096
"""Beyond so many combinations of what is open a property is unknown."""
USUAL_GROUPS = 16
"""Of CPUs, on a real host at most. With more there are fewer tries: each takes longer."""
MOST_REMEMBERED = 256
"""Different hosts of which the judgements are kept."""
ALIKE = 4
"""Of CPUs that are alike and partly open, so many stand for all: as many as two open bits can tell
apart.
"""


class Verdict(Enum):
    HOLDS = "holds"
    NOT_EXERCISED = "holds, not exercised"
    VIOLATED = "violated"
    UNKNOWN = "unknown"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Judgement:
    """``hangs_on``: what is open and would decide it. ``looked_at``: the names of scalars and of
    CPUs' bits that it has asked about.
    """

    prop: Property
    verdict: Verdict
    hangs_on: tuple[Open, ...] = ()
    looked_at: tuple[str, ...] = ()


class _Trial:
    """One assignment of values to what is open, made as it is asked about. It is the ``h`` of a
    property, and what a selection of CPUs asks.
    """

    def __init__(self, seen: Seen, script: list[int]) -> None:
        self._seen = seen
        self._script = script
        self._at = 0
        self.asked: list[tuple[Open, int]] = []
        """What was open, and how many values it can have."""
        self.looked_at: dict[str, None] = {}
        self._values: dict[object, Any] = {}
        self.driver = self
        self.cpus = Selection(self, Cpus.cpus, {})  # type: ignore[arg-type]

    def _try(self, key: object, what: Open, values: tuple[Any, ...]) -> Any:
        if key not in self._values:
            if self._at == len(self._script):
                self._script.append(0)
            self._values[key] = values[self._script[self._at]]
            self.asked.append((what, len(values)))
            self._at += 1
        return self._values[key]

    def __getattr__(self, name: str) -> Any:
        self.looked_at[name] = None
        if name not in self._seen.scalars:
            return self._try(name, Open(name, "no interface tells", False), (False, True))
        value = self._seen.scalars[name]
        if isinstance(value, Open):
            return self._try(name, value, DOMAINS.get(name, (False, True)))
        return value

    def at_rest(self) -> bool:
        return self._seen.resting

    # --- what a selection asks -------------------------------------------------------------------

    def touched(self, thing: object, write: bool = False) -> None:
        """Nobody has to hold a lock to look at an observation."""

    def any(self, cube: Cube) -> bool:
        for name, bit in Cpus.cpus.bits.items():
            if cube.mask >> bit.index & 1:
                self.looked_at[name] = None
        if not self._seen.groups:
            return bool(self._try(cube, NO_CPUS, (False, True)))
        return any(self._in(cube, group) for group in self._seen.groups)

    def _in(self, cube: Cube, group: Group) -> bool:
        """Whether one of a group is in the cube."""
        unsure: list[tuple[str, Open, bool]] = []
        for name, bit in Cpus.cpus.bits.items():
            if not cube.mask >> bit.index & 1:
                continue
            wanted, there = bool(cube.value >> bit.index & 1), group.bits[name]
            if isinstance(there, Open):
                unsure.append((name, there, wanted))
            elif there != wanted:
                return False
        return any(
            all(
                self._try((group.cpus, member, name), what, (False, True)) == wanted
                for name, what, wanted in unsure
            )
            for member in range(min(group.cpus.bit_count(), ALIKE) if unsure else 1)
        )


NO_CPUS = Open("the CPUs", "which there are is not known")
DOMAINS: dict[str, tuple[Any, ...]] = {
    "snp_state": tuple(State),
    "sev_state": tuple(State),
    "sev_plat_state": tuple(State),
    "cpu_hotplug_disabled": (0, 1, 2, 3),
    "cpu_smt_control": tuple(SmtControl),
    "cpu_smt_num_threads": (1, 2),
}
"""The values of scalars that are not False and True."""


def judge(seen: Seen, properties: list[Property]) -> list[Judgement]:
    """In their order. What speaks of more than one state cannot be judged by looking at one. Of
    hosts that are alike the first is judged, and the others are what it was.
    """
    usual = len(seen.groups) <= USUAL_GROUPS  # what is remembered stays small
    return list((_remembered if usual else _judgements)(seen, tuple(properties)))


def _judgements(seen: Seen, properties: tuple[Property, ...]) -> tuple[Judgement, ...]:
    return tuple(
        _judged(seen, prop) if isinstance(prop, Always) else Judgement(prop, Verdict.NOT_CHECKED)
        for prop in properties
    )


_remembered = lru_cache(MOST_REMEMBERED)(_judgements)


def _judged(seen: Seen, prop: Always) -> Judgement:
    said: set[tuple[bool, bool]] = set()
    hangs_on: dict[Open, None] = {}
    looked_at: dict[str, None] = {}
    most = MOST_TRIES * USUAL_GROUPS // max(USUAL_GROUPS, len(seen.groups))
    for tries, (answer, trial) in enumerate(_tries(seen, prop.judge)):
        said.add(answer)
        hangs_on.update(dict.fromkeys(what for what, _ in trial.asked))
        looked_at.update(trial.looked_at)
        if tries == most:
            said |= {(True, True), (False, False)}
            break
    if len({violated for _, violated in said}) == 1:
        exercised, violated = max(said)
        holds = Verdict.HOLDS if exercised else Verdict.NOT_EXERCISED
        return Judgement(prop, Verdict.VIOLATED if violated else holds, (), tuple(looked_at))
    looked = any(what.looked for what in hangs_on)
    verdict = Verdict.UNKNOWN if looked else Verdict.NOT_CHECKED
    return Judgement(prop, verdict, tuple(hangs_on), tuple(looked_at))


def _tries(
    seen: Seen, ask: Callable[[Any], tuple[bool, bool]]
) -> Iterator[tuple[tuple[bool, bool], _Trial]]:
    """What it says, for each combination of values of what is open and asked about."""
    script: list[int] = []
    while True:
        trial = _Trial(seen, script)
        yield ask(trial), trial
        while script and script[-1] + 1 >= trial.asked[len(script) - 1][1]:
            script.pop()
        if not script:
            return
        script[-1] += 1
