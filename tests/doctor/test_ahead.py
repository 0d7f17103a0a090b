"""What looking ahead says of an operation is what comes of it on a virtual host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from softsnp.cli.ahead import Prospect, Question, prospects
from softsnp.cli.designs import DesignRef
from softsnp.cli.observed import observed
from softsnp.doctor.facts import Known, Unknown
from softsnp.doctor.state import seen
from softsnp.lang import AlwaysPossible
from softsnp.operate.beginning import NOTHING, UNDERTAKINGS, Undertaking
from softsnp.serve.host import VirtualHost
from softsnp.spec.catalog import BY_NAME, DESIGNS, FIRMWARE
from softsnp.spec.linux.init.main import CommandLine

from .carried_out import SEEDS, booted, carry_out, observation_of, perform, recovers

CASES = [
    (design, list(FIRMWARE)[number % 2], number % 3 == 0) for number, design in enumerate(DESIGNS)
]
"""Each design, with one of the profiles, some with two threads a core."""


def asked(
    host: VirtualHost, undertakings: list[Undertaking], firmware: tuple[str, ...] = ()
) -> list[Prospect]:
    """What a patch remembers in a flag of its own nobody observes: it is told."""
    observation = observation_of(host)
    design = host.circumstances.design
    found = observed(design, observation, seen(observation))
    flags = {name: host.scalar(name) for name in found.beginning.open}
    beginning = replace(found.beginning, scalars={**found.beginning.scalars, **flags}, open={})
    profiles = firmware or (host.circumstances.firmware,)
    question = Question(DesignRef(design.name), profiles[0], found.smt, beginning, NOTHING)
    return list(prospects(question, profiles, undertakings, 1))


def possible(smt: bool) -> list[Undertaking]:
    """What can be done on a host with all CPUs online."""
    return [
        undertaking
        for undertaking in UNDERTAKINGS
        if smt or not ("SMT" in undertaking.name or "nosmt" in undertaking.name)
    ]


@pytest.mark.parametrize(("design", "firmware", "smt"), CASES)
def test_every_operation_breaks_what_was_said(design: str, firmware: str, smt: bool) -> None:
    """Which CPUs a kernel with maxcpus= starts, or nr_cpus= leaves out, is free in the
    specification, and goes by number on the host.
    """
    host = booted(design, firmware, smt)
    for prospect in asked(host, possible(smt)):
        assert prospect.undecided == ""
        undertaking = prospect.undertaking
        said = {b.name for b in prospect.broken}
        assert not any(b.hangs_on for b in prospect.broken), "all of this host is known"
        step_by_step = {n for n in said if not isinstance(BY_NAME.get(n), AlwaysPossible)}
        free = undertaking.line is not CommandLine.NOTHING
        done: set[str] = set()
        for seed in SEEDS:
            if done != step_by_step or seed == 0:
                done |= carry_out(booted(design, firmware, smt, seed), undertaking)
        assert done <= step_by_step, undertaking.name
        assert free or done >= step_by_step, undertaking.name
        if not free:
            back = recovers(design, firmware, smt, undertaking)
            assert back != ("snp-can-come-up" in said), undertaking.name


@pytest.mark.parametrize(
    ("design", "before"),
    [
        ("linux-7.3", ("offline",)),
        ("linux-6.12", ("offline",)),
        ("rmpopt-v10", ("rmmod kvm-amd", "offline")),
        ("linux-7.3", ("start an SNP guest",)),
        ("rmpopt-v9-no-flag", ("rmmod kvm-amd", "modprobe kvm-amd")),
    ],
)
def test_from_other_states_than_that_after_boot(design: str, before: tuple[str, ...]) -> None:
    def host() -> VirtualHost:
        made = booted(design, "legacy", smt=False)
        for operation in before:
            perform(made, operation)
        return made

    chosen = [u for u in possible(smt=False) if u.name in ("bring a CPU online", "kexec")]
    chosen += [u for u in possible(smt=False) if u.name.startswith("reload kvm")]
    for prospect in asked(host(), chosen):
        said = {
            b.name for b in prospect.broken if not isinstance(BY_NAME.get(b.name), AlwaysPossible)
        }
        unsure = {b.name for b in prospect.broken if b.hangs_on}
        done = carry_out(host(), prospect.undertaking)
        assert said - unsure <= done <= said, prospect.undertaking.name


def test_what_is_not_known_is_what_it_depends_on() -> None:
    """Whether the firmware clears SNP_EN decides whether a legacy kexec can have SNP again."""
    host = booted("linux-7.3", "legacy", smt=False)
    perform(host, "offline")
    observation = observation_of(host)
    assert isinstance(observation.facts["snp_initialized"], Known)
    observation.facts["snp_initialized"] = Unknown("nobody has looked", "kernel")
    found = observed(DESIGNS["linux-7.3"], observation, seen(observation))
    assert found.beginning.open["snp_initialized"] == (False, True)
    undertaking = next(u for u in UNDERTAKINGS if u.name == "reload kvm_amd")
    question = Question(DesignRef("linux-7.3"), "legacy", False, found.beginning, NOTHING)
    (prospect,) = prospects(question, ("legacy",), [undertaking], 1)
    told = {b.name: b.hangs_on for b in prospect.broken}
    for value in (False, True):
        known = replace(
            found.beginning, scalars={**found.beginning.scalars, "snp_initialized": value}, open={}
        )
        (one,) = prospects(replace(question, beginning=known), ("legacy",), [undertaking], 1)
        broken = {b.name for b in one.broken}
        for name, hangs_on in told.items():
            if not hangs_on:
                assert name in broken
        assert broken <= set(told)
    assert any("snp_initialized" in hangs_on for hangs_on in told.values()), told
