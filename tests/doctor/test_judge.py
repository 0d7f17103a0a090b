"""A property over what is not known says what it says of every host that this might be."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from softsnp.doctor.judge import DOMAINS, Verdict, judge
from softsnp.doctor.state import Group, Open, Seen
from softsnp.lang import Always
from softsnp.lang.world import InWorld, World
from softsnp.spec.activities import Host
from softsnp.spec.properties import PROPERTIES

SCALARS = (
    "snp_state", "snp_initialized", "guest_pages_assigned", "ccp_loaded", "sev_snp_enabled",
    "cpu_hotplug_disabled", "cpu_smt_num_threads", "fully_shut_down",
)  # fmt: skip
BITS = ("online", "snp_en", "mfdm", "sibling", "fused")
JUDGED = [prop for prop in PROPERTIES if isinstance(prop, Always)]
UNKNOWN = Open("it", "nobody has looked")
MOST_OPEN = 5


class Resting(InWorld):
    def at_rest(self, activity: int) -> bool:
        return True


def values(name: str) -> tuple[Any, ...]:
    return DOMAINS.get(name, (False, True))


@st.composite
def states(draw: st.DrawFn) -> Seen:
    left = MOST_OPEN

    def one(domain: tuple[Any, ...]) -> Any:
        nonlocal left
        if left and draw(st.integers(0, 3)) == 0:
            left -= 1
            return UNKNOWN
        return draw(st.sampled_from(domain))

    scalars = {name: one(values(name)) for name in SCALARS}
    groups, at = [], 0
    for _ in range(draw(st.integers(1, 3))):
        bits: dict[str, bool | Open] = dict.fromkeys(Host.cpus.bits, False)
        bits.update({name: one((False, True)) for name in BITS})
        opened = any(isinstance(value, Open) for value in bits.values())
        count = 1 if opened else draw(st.integers(1, 3))
        groups.append(Group(((1 << count) - 1) << at, bits))
        at += count
    return Seen(scalars, tuple(groups), True)


def worlds(seen: Seen) -> list[World]:
    """Every host that this might be."""
    names = list(seen.scalars)
    choices: list[tuple[Any, ...]] = [
        values(name) if isinstance(seen.scalars[name], Open) else (seen.scalars[name],)
        for name in names
    ]
    for group in seen.groups:
        sets = [
            (False, True) if isinstance(value, Open) else (value,) for value in group.bits.values()
        ]
        choices.append(tuple(product(*sets)))
    fields = Host.declared_fields()
    found = []
    for chosen in product(*choices):
        scalars = {name: field.initial for name, field in fields.items()}
        for name, value in zip(names, chosen, strict=False):
            scalars[name] = fields[name].domain.index(value)
        members = []
        for group, bits in zip(seen.groups, chosen[len(names) :], strict=True):
            packed = Host.cpus.pack(dict(zip(group.bits, bits, strict=True)))[1]
            members += [packed] * group.cpus.bit_count()
        found.append(World(scalars, members))
    return found


@given(states())
@settings(max_examples=150, derandomize=True, database=None, deadline=None)
def test_it_is_what_all_hosts_that_this_might_be_agree_on(seen: Seen) -> None:
    spec = Host([], {})
    driver = Resting(spec)
    spec.driver = driver  # type: ignore[assignment]
    said: dict[str, set[bool]] = {prop.name: set() for prop in JUDGED}
    for world in worlds(seen):
        driver.world = world
        spec.begin_step(-1, atomic="a property is not a step")
        for prop in JUDGED:
            said[prop.name].add(prop.judge(spec)[1])
    for judgement in judge(seen, list(JUDGED)):
        agreed = said[judgement.prop.name]
        verdict = judgement.verdict
        if judgement.hangs_on and len(agreed) == 1:
            # what nobody gave a value here is open as well
            assert verdict in (Verdict.UNKNOWN, Verdict.NOT_CHECKED)
        elif len(agreed) == 2:
            assert verdict in (Verdict.UNKNOWN, Verdict.NOT_CHECKED)
        elif agreed == {True}:
            assert verdict is Verdict.VIOLATED
        else:
            assert verdict in (Verdict.HOLDS, Verdict.NOT_EXERCISED)
