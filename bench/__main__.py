"""``python -m bench``: measure our engines beside others, and say so in a table and a plot."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from .engine import Engine, EngineFailed
from .machine import facts
from .models import MODELS
from .peers.engines import Minicheck, Musil, Stateright
from .plot import plot
from .report import document, has_place, table, told, write_between
from .rounds import measure
from .rungs import Native, Python, Table
from .spin import DepthFirst, Exported, Reduced, Spin

SIZES = (1, 3, 4, 5, 6)
QUICK = (1, 2)
FAILED = 1
UNUSABLE = 2

ENGINES: dict[str, Callable[[str, Path], Engine]] = {
    "python": lambda model, _: Python(model),
    "table": lambda model, _: Table(model),
    "native": lambda model, _: Native(model),
    "spin": lambda model, work: Spin(MODELS[model], work / "spin"),
    "spin-dfs": lambda model, work: DepthFirst(MODELS[model], work / "spin-dfs"),
    "spin-por": lambda model, work: Reduced(MODELS[model], work / "spin-por"),
    "spin-export": lambda model, work: Exported(MODELS[model], work / "spin-export"),
    "stateright": lambda model, work: Stateright(MODELS[model], work / "stateright"),
    "musil": lambda model, work: Musil(MODELS[model], work / "musil"),
    "minicheck": lambda model, work: Minicheck(MODELS[model], work / "minicheck"),
}
"""Every engine by the name that --only knows it by, for a model and a directory of its own."""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--model", choices=MODELS, default="hotplug")
    parser.add_argument(
        "--cpus", type=int, nargs="+", metavar="N", default=SIZES, help="sizes of the model"
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--only", nargs="+", choices=ENGINES, help="these engines and no others")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes and one round: do all counts agree?"
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="put the table into a document, and the plot beside it",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot, an SVG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    options = parser.parse_args(arguments)
    if options.quick:
        options.cpus, options.rounds = QUICK, 1
    known = MODELS[options.model].counts
    if not set(options.cpus) <= set(known):
        parser.error(f"{options.model}'s counts are known with {min(known)} to {max(known)} CPUs")
    if options.rounds < 1:
        parser.error("there has to be a round")
    if options.write and not has_place(options.write):
        parser.error(f"{options.write} has no place for a table")
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    with TemporaryDirectory(prefix="softsnp-bench-") as work:
        names = [name for name in ENGINES if name in (options.only or ENGINES)]
        engines = [ENGINES[name](options.model, Path(work)) for name in names]
        for engine in list(engines):
            if engine.missing() and not engine.peer and not options.only:
                say(f"bench: without {' and '.join(engine.missing())}: not installed")
                engines.remove(engine)
        lacking = sorted({command for engine in engines for command in engine.missing()})
        if lacking:
            say(
                f"bench: this machine has no {' and no '.join(lacking)}.\n"
                "  On Debian: apt install spin gcc. Others: make peers. Without them: "
                "python -m bench --only python"
            )
            return UNUSABLE
        machine, model, sizes = facts(), MODELS[options.model], sorted(set(options.cpus))
        try:
            measured = measure(model, engines, sizes, options.rounds, say)
        except EngineFailed as failed:
            say(f"bench: {failed}")
            return FAILED
    text = f"{told(measured, machine, options.rounds)}\n{table(measured)}"
    drawing = plot(measured)
    print(text, end="")
    if options.json:
        data = document(measured, machine, options.rounds)
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        options.plot.write_text(drawing, encoding="utf-8")
    if options.write:
        picture = options.write.with_suffix(".svg")
        picture.write_text(drawing, encoding="utf-8")
        write_between(options.write, f"{text}\n![states a second]({picture.name})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
