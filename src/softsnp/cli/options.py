"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

from softsnp.explore import RUNGS, Limits
from softsnp.spec.catalog import (
    ACTIVITIES,
    ASSUMPTIONS,
    BY_NAME,
    DETAILS,
    FIRMWARE,
    FORMER,
    IOCTLS,
    SCENARIOS,
)

from .designs import DesignRef
from .errors import UsageError, unknown
from .runs import Run

MOST_CORES = 4096
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to explore."""
    add_firmware(parser)
    add_cpus(parser)
    add_circumstances(parser)
    add_exploring(parser)
    parser.add_argument(
        "--no-symmetry",
        action="store_true",
        help="tell CPUs apart, as an exported model does: with --cpus N, each state counts once "
        "for each way to say which CPU is which; all verdicts are the same",
    )


def add_circumstances(parser: argparse.ArgumentParser) -> None:
    """What is assumed, and who is active."""
    parser.add_argument(
        "--assume",
        metavar="NAME",
        action="append",
        default=[],
        help="switch an assumption on, or off with no-NAME; see softsnp list assumptions",
    )
    parser.add_argument("--scenario", metavar="NAME", help=f"who is active: {', '.join(SCENARIOS)}")
    parser.add_argument(
        "--activities", metavar="A,B", help="who is active, one by one, instead of a scenario"
    )
    parser.add_argument("--ioctls", metavar="ERA", help=f"{' or '.join(IOCTLS)}, as of that kernel")


def add_firmware(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--firmware", metavar="PROFILE", help=f"{' or '.join(FIRMWARE)} (default: each)"
    )


def add_cpus(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cpus", metavar="N", help="a number of CPUs, or any (the default)")


def add_scenarios(parser: argparse.ArgumentParser) -> None:
    """``--scenario`` for who goes through several."""
    parser.add_argument(
        "--scenario",
        metavar="NAME",
        action="append",
        default=[],
        help=f"{', '.join(SCENARIOS)} (default: each); may be given several times",
    )


def add_exploring(parser: argparse.ArgumentParser) -> None:
    """How to explore, and how much of it."""
    parser.add_argument(
        "--rung",
        metavar="NAME",
        default="auto",
        help="what explores: python, table (native code), native (code made for the run), or "
        "auto (the default), from the first to the second when that pays; all answer the same",
    )
    parser.add_argument(
        "--cores",
        metavar="N",
        help="how many cores to use, by runs side by side or by threads of one (default: all)",
    )
    parser.add_argument("--max-states", metavar="N", help="stop after so many states, undecided")
    parser.add_argument(
        "--max-memory", metavar="SIZE", help="stop at so much memory a process (512M, 4G)"
    )


def firmware(text: str | None) -> list[str]:
    if text is None:
        return list(FIRMWARE)
    if text not in FIRMWARE:
        raise unknown("firmware profile", text, FIRMWARE, "firmware")
    return [text]


def members(text: str | None) -> int | None:
    if text is None or text == "any":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise UsageError(f"--cpus wants a number from 1 to 64, or any; got {text!r}")
    return int(text)


def assumptions(names: list[str]) -> dict[str, bool]:
    """``NAME`` is on, ``no-NAME`` is off; commas separate several. A detail is named likewise."""
    switches = {**ASSUMPTIONS, **DETAILS}
    found: dict[str, bool] = {}
    for text in [part for name in names for part in name.split(",") if part]:
        name, on = text, True
        if text not in switches and text.startswith("no-"):
            name, on = text.removeprefix("no-"), False
        if name not in switches:
            raise unknown("assumption", name, switches, "assumptions")
        if found.get(name, on) != on:
            raise UsageError(f"--assume {name} and --assume no-{name} exclude each other")
        found[name] = on
    return found


def activities(scenario: str | None, listed: str | None) -> tuple[str, tuple[str, ...]]:
    """(name of the scenario, its activities)."""
    if scenario is not None and listed is not None:
        raise UsageError("--scenario and --activities exclude each other")
    if listed is not None:
        names = tuple(name for name in listed.split(",") if name)
        for name in names:
            if name not in ACTIVITIES:
                raise unknown("activity", name, ACTIVITIES, "activities")
        if not names or len(set(names)) != len(names):
            raise UsageError(f"--activities wants different names, at least one; got {listed!r}")
        return "custom", names
    (name,) = scenarios([scenario or next(iter(SCENARIOS))])
    return name, SCENARIOS[name].activities


def scenarios(names: list[str]) -> list[str]:
    """The scenarios asked for in the order of the catalogue; all of them when none is."""
    found = [FORMER.get(name, name) for name in names]
    for name in found:
        if name not in SCENARIOS:
            raise unknown("scenario", name, SCENARIOS, "scenarios")
    return [name for name in SCENARIOS if not found or name in found]


def ioctls(text: str | None) -> str | None:
    if text is not None and text not in IOCTLS:
        raise unknown("ioctl era", text, IOCTLS)
    return text


def rung(text: str) -> str:
    if text not in RUNGS:
        raise unknown("rung", text, RUNGS)
    return text


def cores(text: str | None) -> int | None:
    """How many to use; None is as many as there are."""
    if text is not None and (not text.isdecimal() or not 1 <= int(text) <= MOST_CORES):
        raise UsageError(f"--cores wants a number from 1 to {MOST_CORES}; got {text!r}")
    return None if text is None else int(text)


def limits(states: str | None, memory: str | None) -> Limits:
    if states is not None and (not states.isdecimal() or int(states) < 1):
        raise UsageError(f"--max-states wants a number from 1; got {states!r}")
    size = None
    if memory is not None:
        match = re.fullmatch(r"(\d+)([kmg]?)", memory.lower())
        if not match:
            raise UsageError(f"--max-memory wants a size such as 512M or 4G; got {memory!r}")
        size = int(match[1]) * UNITS[match[2]]
    return Limits(None if states is None else int(states), size)


def properties(names: list[str]) -> tuple[str, ...]:
    """The properties asked for in the order of the catalogue; all of them when none is."""
    for name in names:
        if name not in BY_NAME:
            raise unknown("property", name, BY_NAME, "properties")
    return tuple(name for name in BY_NAME if not names or name in names)


def symmetry(left_out: bool, count: int | None) -> None:
    """Refuses to tell any number of CPUs apart."""
    if left_out and count is None:
        raise UsageError(
            "--no-symmetry tells CPUs apart, and wants a number of them from 1 to 64; got any\n"
            "  write: --no-symmetry --cpus 3"
        )


def enough(count: int | None, assumed: Mapping[str, bool]) -> None:
    """Refuses fewer CPUs than there must be."""
    if count is not None and count < least(assumed):
        raise UsageError(f"--cpus wants {least(assumed)} or more with cpu-hot-add; got {count}")


def least(assumed: Mapping[str, bool]) -> int:
    """The fewest CPUs that there are: one that is added comes on top of the first."""
    return 2 if assumed.get("cpu-hot-add") else 1


def runs(
    args: argparse.Namespace,
    designs: list[DesignRef],
    sets: list[dict[str, bool]],
    wanted: tuple[str, ...],
    traces: bool,
) -> list[Run]:
    """A run for each design, firmware profile and set of assumptions, in this order."""
    scenario, active = activities(args.scenario, args.activities)
    count = members(args.cpus)
    symmetry(args.no_symmetry, count)
    for assumed in sets:
        enough(count, assumed)
    return [
        Run(
            design,
            profile,
            tuple(sorted(assumed.items())),
            ioctls(args.ioctls),
            scenario,
            active,
            count,
            wanted,
            limits(args.max_states, args.max_memory),
            traces,
            rung(args.rung),
            args.no_symmetry,
        )
        for design in designs
        for profile in firmware(args.firmware)
        for assumed in sets
    ]
