"""``softsnp conform``: the same steps on the real kernel's own code."""

from __future__ import annotations

import argparse
import gc
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING

from softsnp.explore import Limits
from softsnp.spec.catalog import BY_NAME, FIRMWARE, SURVEY

from . import options
from .designs import DesignRef, find
from .errors import UsageError
from .progress import counting, meter
from .runs import Answer, Run
from .tables import WIDTH, changed
from .workers import answering

if TYPE_CHECKING:
    from softsnp.conform.campaign import Result
    from softsnp.conform.configurations import Configuration
    from softsnp.conform.counterexample import Outcome
    from softsnp.conform.kernel import Kernel
    from softsnp.conform.pair import Pair
    from softsnp.conform.replays import Replays

DIFFERS, NOT_EMULATED = 1, 3


@dataclass(frozen=True)
class Wanted:
    """How much is to be run."""

    cpus: int
    depth: int
    operations: int
    seed: int


C_NAME = re.compile(r"C: (?:arch|drivers|kernel)/\S+: (\w+)\(\)")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "conform",
        help="run the real kernel's own code beside the specification",
        description="Run a kernel's own machine code, function by function, in an emulator over "
        "the specification's hardware and firmware, and compare every operation with the "
        "specification; then replay the counterexamples that check finds for the design.",
        epilog="Exit status: 0 no difference, and every counterexample confirmed or not reachable; "
        "1 a difference; 3 the kernel did something that is not emulated; 2 bad usage.",
    )
    parser.add_argument("--vmlinux", required=True, type=Path, help="with debug information")
    parser.add_argument("--module", type=Path, help="ccp.ko of the same kernel")
    parser.add_argument(
        "--overlay",
        type=Path,
        action="append",
        default=[],
        metavar="OBJECT",
        help="an object file whose functions take the place of the kernel's",
    )
    parser.add_argument("--design", help="what it is compared with (default: by what it has)")
    parser.add_argument(
        "--firmware", metavar="PROFILE", help=f"{' or '.join(FIRMWARE)} (default: each)"
    )
    parser.add_argument("--cpus", default="4", metavar="N", help="from 2 to 16 (default: 4)")
    parser.add_argument(
        "--depth", default="2", help="every sequence of up to so many operations (default: 2)"
    )
    parser.add_argument(
        "--operations", default="4000", metavar="N", help="random ones, a profile (default: 4000)"
    )
    parser.add_argument("--seed", default="1", metavar="N", help="of the random ones (default: 1)")
    parser.add_argument(
        "--no-counterexamples", action="store_true", help="do not check and replay the design"
    )
    parser.add_argument("--record", type=Path, metavar="DIR", help="keep runs of the kernel there")
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    try:
        from softsnp.conform.configurations import CONFIGURATIONS
        from softsnp.conform.errors import KernelBug, NotEmulated, Unusable
        from softsnp.conform.pair import Pair
        from softsnp.conform.replays import Replays
    except ImportError as error:
        raise UsageError(
            f"conform needs {error.name}, which is not installed\n"
            f"  write: pip install 'softsnp[conform]'"
        ) from None
    wanted = Wanted(
        _number("--cpus", args.cpus, 2, 16),
        _number("--depth", args.depth, 0, 4),
        _number("--operations", args.operations, 0, 10**9),
        _number("--seed", args.seed, 0, 10**9),
    )
    profiles = options.firmware(args.firmware)
    asked = find(args.design) if args.design else None
    try:
        kernel = _load(args)
        design = _design(asked, kernel)
        load_class = design.load()
        print(_heading(kernel, design))
        stubs: dict[str, str] = {}
        oddities: set[str] = set()
        differs = False
        print(_not_driven(kernel))
        for number, (profile, under) in enumerate(product(profiles, CONFIGURATIONS)):
            loaded = kernel if number == 0 else _load(args)
            pair = Pair(loaded, load_class, wanted.cpus, profile, under.assume)
            differs |= _campaigns(pair, profile, under, wanted)
            if args.record:
                _record(pair, design.name, profile, under, args.record, wanted.seed)
            stubs |= pair.kernel.machine.assumed()
            oddities |= pair.kernel.machine.oddities
            del pair, loaded
            gc.collect()  # a kernel takes 400 MB, and its parts know each other
        if not args.no_counterexamples:
            replays = Replays(lambda: _load(args), load_class)
            differs |= _replay_all(design, args, replays)
            stubs |= replays.assumed
        print(_odd(oddities), end="")
        print(_stubs(stubs))
        return DIFFERS if differs else 0
    except Unusable as error:
        raise UsageError(str(error)) from None
    except (NotEmulated, KernelBug) as error:
        print(f"\nundecided: {error}")
        return NOT_EMULATED


# --- what is asked for ----------------------------------------------------------------------------


def _number(name: str, text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise UsageError(f"{name} wants a number from {least} to {most:,}; got {text!r}")
    return int(text)


def _load(args: argparse.Namespace) -> Kernel:
    from softsnp.conform.kernel import Kernel

    kernel = Kernel(args.vmlinux)
    if args.module:
        kernel.load_module(args.module)
    for path in args.overlay:
        kernel.load_module(path, overlay=True)
    return kernel


def _design(asked: list[DesignRef] | None, kernel: Kernel) -> DesignRef:
    if asked is None:
        return DesignRef("linux-7.3" if "snp_prepare" in kernel else "linux-6.12")
    if len(asked) > 1:
        raise UsageError(f"{asked[0].path} defines several designs; conform wants one")
    return asked[0]


# --- campaigns ------------------------------------------------------------------------------------


def _campaigns(pair: Pair, profile: str, under: Configuration, wanted: Wanted) -> bool:
    """All short sequences, then long random ones; whether anything differs."""
    from softsnp.conform.campaign import campaign, every_operation, long, scenes, short

    depth, seed = wanted.depth, wanted.seed
    operations = every_operation(pair.kernel, under.without)
    total = sum(n * len(operations) ** n for n in range(1, depth + 1))
    total += wanted.operations
    all_short = chain.from_iterable(short(operations, n) for n in range(1, depth + 1))
    length = 20
    random = long(operations, length, -(-wanted.operations // length), seed)
    with counting(total, f"{profile}: operations") as count:
        result = campaign(pair, chain(all_short, scenes(pair), random), count)
    told = f"{result.operations:,} operations in {result.sequences:,} sequences from boot"
    how = f"every sequence of up to {depth}, and random ones of {length} with seed {seed}"
    print(f"\n{profile} firmware, {pair.kernel.machine.cpus} CPUs: {told}:")
    for line in (f"where {under.sentence}:", how):
        print(textwrap.fill(line, WIDTH, initial_indent="  ", subsequent_indent="  "))
    print("\n".join(f"  {line}" for line in _verdict(result)))
    return result.divergence is not None


def _verdict(result: Result) -> Iterator[str]:
    found = result.divergence
    if found is None:
        yield "no difference"
        return
    yield "DIFFERS, at the end of:"
    for number, operation in enumerate(found.operations, 1):
        yield f"  {number}. {operation}"
    yield from found.differences()


def _record(
    pair: Pair, design: str, profile: str, under: Configuration, directory: Path, seed: int
) -> None:
    """What the suite compares the specification with, without a kernel."""
    from softsnp.conform.campaign import every_operation, long, scenes
    from softsnp.conform.pair import record
    from softsnp.conform.recording import About, to_text

    operations = every_operation(pair.kernel, under.without)
    release = pair.kernel.kernel.release
    about = About(release, design, profile, pair.kernel.machine.cpus, under.assume, seed)
    directory.mkdir(parents=True, exist_ok=True)
    name = "-".join(filter(None, (design, profile, under.name)))
    path = directory / f"{name}.jsonl"
    sequences = [*scenes(pair), *long(operations, 12, 80, seed)]
    path.write_text(to_text(record(pair, about, sequences)), encoding="utf-8")
    print(f"  recorded in {path}")


# --- counterexamples ------------------------------------------------------------------------------


def _replay_all(design: DesignRef, args: argparse.Namespace, replays: Replays) -> bool:
    """Every violation of the survey's runs of this design; whether any is not reproduced."""
    from softsnp.conform.counterexample import NOT_REPRODUCED

    scenario, active = options.activities(None, None)
    asked = [
        Run(
            design,
            profile,
            tuple(sorted(assumed.items())),
            None,
            scenario,
            active,
            None,
            tuple(BY_NAME),
            Limits(),
            traces=True,
        )
        for profile in options.firmware(args.firmware)
        for assumed in SURVEY
    ]
    print(f"\nWhat softsnp check finds for {design.name}, replayed on the kernel's own code:")
    differs = False
    with answering(asked) as answered, meter(len(asked)) as bar:
        for answer in answered(bar.watch):
            bar.finished += 1
            for name, outcome in _replay(answer, replays):
                differs |= outcome.word == NOT_REPRODUCED
                under = ", ".join([answer.run.firmware, *changed(answer.run)])
                with bar.aside():
                    print(f"  {name:25} {under:38} {outcome.word}")
                    if outcome.why:
                        print(textwrap.indent(textwrap.fill(outcome.why, WIDTH - 4), "    "))
    return differs


def _replay(answer: Answer, replays: Replays) -> Iterator[tuple[str, Outcome]]:
    for verdict in answer.verdicts:
        if verdict.trace is not None:
            outcome = replays.replay(
                verdict.trace,
                BY_NAME[verdict.name],
                answer.run.firmware,
                dict(answer.run.assume),
            )
            yield verdict.name, outcome


# --- what is told ---------------------------------------------------------------------------------


def _heading(kernel: Kernel, design: DesignRef) -> str:
    """Which kernel, and which functions of the specification have no code of their own there."""
    names: set[str] = set()
    for cls in design.load().__mro__:
        for method in vars(cls).values():
            names |= set(C_NAME.findall(getattr(method, "__doc__", None) or ""))
    inlined = sorted(name for name in names if name not in kernel)
    told = f"{kernel.release} beside {design.name}. Functions with no code of their own in these "
    told += f"files, which run inside their callers or not at all: {', '.join(inlined) or 'none'}."
    return textwrap.fill(told, WIDTH)


def _not_driven(kernel: Kernel) -> str:
    from softsnp.conform.operations import KINDS

    kinds = KINDS.items()
    absent = [f"{n} ({k.function})" for n, k in kinds if k.function and k.function not in kernel]
    if not absent:
        return "Every operation can be driven."
    return textwrap.fill(f"Not driven, since its function is absent: {', '.join(absent)}.", WIDTH)


def _odd(oddities: set[str]) -> str:
    """What was seen on the way that is no difference, and is wrong."""
    if not oddities:
        return ""
    lines = [
        textwrap.fill(f"{o}.", WIDTH, initial_indent="  ", subsequent_indent="    ")
        for o in sorted(oddities)
    ]
    return "\n".join(
        ["\nThe kernel was also seen to do this, which nothing here judges:", *lines, ""]
    )


ENVIRONMENT = textwrap.fill(
    "Of the kernel's own code ran what these operations call. KVM, guests, ACPI, the module "
    "loader, machine_kexec() and other subsystems' hotplug callbacks did not: in their place "
    "stands what they do to CPUs and firmware.",
    WIDTH,
)


def _stubs(stubs: dict[str, str]) -> str:
    lines = [
        f"\n{ENVIRONMENT}\nIt was given these stubs, and all this is so as far as they are right:"
    ]
    for assumes in sorted(set(stubs.values())):
        names = sorted(name for name, why in stubs.items() if why == assumes)
        lines.append(
            textwrap.fill(
                f"{assumes}: {', '.join(names)}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)
