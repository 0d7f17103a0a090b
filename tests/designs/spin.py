"""Spin explores what we export, without reductions, and has to come to what we come to.

``python -m tests.designs.spin --cpus 3`` compares every design of the lineage, or those that are
named; ``test_spin.py`` does it with 2 CPUs.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from softsnp.cli.options import assumptions
from softsnp.explore.export import exported
from softsnp.explore.export.promela import Model
from softsnp.explore.layout import machine
from softsnp.explore.search import Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.lang import Never, NoDeadlock, Property, Specification
from softsnp.spec.catalog import DESIGNS, SCENARIOS
from softsnp.spec.properties import PROPERTIES
from tests.explore.told_apart import transitions

from .runs import PROFILES, label

TOOLS = ("spin", "gcc")
FLAGS = ("-O0", "-DSAFETY", "-DNOREDUCE", "-DNOCOMP")
LARGE = 1_000_000
"""From how many states on a faster verifier is worth its compilation."""
NO_DEADLOCK = "no-deadlock"


@dataclass(frozen=True)
class Seen:
    """What an exploration with every CPU told apart came to."""

    states: int
    transitions: int
    violated: frozenset[str]


@dataclass(frozen=True)
class Exported:
    """A model, what we say of it, and what Spin has to count beyond the states of the design."""

    text: str
    ours: Seen
    extra_states: int
    extra_transitions: int
    known: dict[str, str]
    """What the model calls a violation to the property."""


def missing() -> list[str]:
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def export(spec: Specification, members: int, properties: list[Property]) -> Exported:
    """Explore a specification here, and write it down for Spin."""
    tables = tabulate(spec, state_judges(properties, []))
    merged = machine(tables)
    explored = Search(merged, members, properties, []).run()
    asked = exported(properties)
    told = {p for p in asked if explored.findings[p.name].steps is not None}
    deadlocks = {p for p in asked if isinstance(p, NoDeadlock)}
    told -= deadlocks  # of which a model says one half: whether nobody can step
    told |= {p for p in deadlocks if explored.rung.deadlock >= 0}
    states = explored.concrete_states()
    assert states is not None
    ours = Seen(states, transitions(explored), frozenset(p.name for p in told))
    model = Model(merged, members, asked)
    starts = len(model.members.starts)
    settling = starts if starts > 1 else 0
    looking = sum(1 for p in told if not isinstance(p, Never))
    return Exported(
        model.text(""),
        ours,
        1 if settling else 0,
        1 + settling + looking,  # and Spin counts the beginning as a transition
        {known: name for name, known in model.known.items()},
    )


def spin(model: Exported, directory: Path) -> Seen:
    """What Spin says, without what is beyond the states of the design."""
    (directory / "model.pml").write_text(model.text)
    large = model.ours.states > LARGE
    flags = [*FLAGS, "-O2"] if large else FLAGS
    _run(directory, "spin", "-o2", "-a", "model.pml")
    _run(directory, "gcc", *flags, "-o", "pan", "pan.c")
    slots = max(18, (model.ours.states * 5 // 4).bit_length())
    said = _run(directory, "./pan", "-c0", "-E", "-n", f"-w{slots}", f"-m{model.ours.states + 100}")
    assert "search not completed" not in said, said
    assert "search depth too small" not in said, said
    return Seen(
        _number(r"(\S+) states, stored", said) - model.extra_states,
        _number(r"(\S+) transitions \(", said) - model.extra_transitions,
        frozenset(
            model.known.get(each, each)
            for each in re.findall(r"assertion violated (.*) \(at depth", said)
        ),
    )


def _run(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if done.returncode or "rror:" in said.replace("errors:", ""):
        raise AssertionError(f"{' '.join(command)}\n{said}")
    return said


def _number(pattern: str, said: str) -> int:
    found = re.search(pattern, said)
    assert found is not None, said
    number = float(found[1])
    assert number < 1e8, "Spin writes no more than eight digits"
    return int(number)


# --- the lineage -------------------------------------------------------------------------------


def of_design(
    name: str,
    profile: str,
    members: int,
    scenario: str = "thread",
    assume: dict[str, bool] | None = None,
) -> Exported:
    chosen = SCENARIOS[scenario]
    spec = DESIGNS[name](chosen.activities, chosen.assume(assume or {}), firmware=profile)
    return export(spec, members, PROPERTIES)


def differences(model: Exported) -> list[str]:
    """Where Spin and we differ."""
    with tempfile.TemporaryDirectory() as directory:
        theirs = spin(model, Path(directory))
    return [
        f"{what}: Spin {their}, softsnp {our}"
        for what, their, our in (
            ("states", theirs.states, model.ours.states),
            ("transitions", theirs.transitions, model.ours.transitions),
            ("violated", sorted(theirs.violated), sorted(model.ours.violated)),
        )
        if their != our
    ]


def compare(
    name: str, profile: str, members: int, scenario: str, assume: dict[str, bool]
) -> tuple[str, bool]:
    """(a line that says how it came out, whether Spin agrees)."""
    model = of_design(name, profile, members, scenario, assume)
    found = differences(model)
    counts = f"{model.ours.states:,} states, {model.ours.transitions:,} transitions"
    told = "; ".join(found) or f"the same {counts} and {len(model.ours.violated)} violated"
    of = f"{name}, {profile}, {scenario}, {members} CPUs, {label(assume)}"
    return f"{of}: {told}", not found


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("designs", nargs="*", metavar="DESIGN", help="(default: every one)")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--firmware", choices=PROFILES, action="append")
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--assume", metavar="NAME", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    args = parser.parse_args(None if arguments is None else list(arguments))
    if missing():
        parser.error(f"{' and '.join(missing())} missing; on Debian: apt install spin gcc")
    runs = [
        (name, profile, args.cpus, scenario, assumptions(args.assume))
        for name in args.designs or DESIGNS
        for profile in args.firmware or PROFILES
        for scenario in args.scenario or ["thread"]
    ]
    wrong = 0
    with ProcessPoolExecutor(args.jobs) as pool:
        for line, agrees in pool.map(compare, *zip(*runs, strict=True)):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
            wrong += not agrees
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
