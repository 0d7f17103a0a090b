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
from .place import Place
from .plot import plot
from .report import document, table, told
from .rounds import Measured, measure
from .rungs import Beside, Native, Python, Table, TwoNative, TwoTable
from .spin import DepthFirst, Exported, ExportedDepthFirst, Reduced, Spin

PLACE = Place("python -m bench")
QUICK = (1, 2)
FAILED = 1
UNUSABLE = 2

ENGINES: dict[str, Callable[[str, Path], Engine]] = {
    "python": lambda model, _: Python(model),
    "table": lambda model, _: Table(model),
    "native": lambda model, _: Native(model),
    "table-2": lambda model, _: TwoTable(model),
    "native-2": lambda model, _: TwoNative(model),
    "native-beside": lambda model, _: Beside(model),
    "spin": lambda model, work: Spin(MODELS[model], work / "spin"),
    "spin-dfs": lambda model, work: DepthFirst(MODELS[model], work / "spin-dfs"),
    "spin-por": lambda model, work: Reduced(MODELS[model], work / "spin-por"),
    "spin-export": lambda model, work: Exported(MODELS[model], work / "spin-export"),
    "spin-export-dfs": lambda model, work: ExportedDepthFirst(MODELS[model], work / "spin-e-dfs"),
    "stateright": lambda model, work: Stateright(MODELS[model], work / "stateright"),
    "musil": lambda model, work: Musil(MODELS[model], work / "musil"),
    "minicheck": lambda model, work: Minicheck(MODELS[model], work / "minicheck"),
}
"""Every engine by the name that --only knows it by, for a model and a directory of its own."""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--model", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--cpus", type=int, nargs="+", metavar="N", help="sizes of the models, where they are known"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--only", nargs="+", choices=ENGINES, help="these engines and no others")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes and one round: do all counts agree?"
    )
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help="put the tables into a document, and the plot beside it",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot, an SVG")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure")
    options = parser.parse_args(arguments)
    if options.quick:
        options.cpus, options.rounds = QUICK, 1
    for name in options.model if options.cpus else []:
        known = MODELS[name].counts
        if not set(options.cpus) & set(known):
            parser.error(f"{name}'s counts are known with {', '.join(map(str, known))} CPUs")
    if options.rounds < 1:
        parser.error("there has to be a round")
    if options.write and not PLACE.is_in(options.write):
        parser.error(f"{options.write} has no place for a table")
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    machine = facts()
    measured: dict[str, list[Measured]] = {}
    with TemporaryDirectory(prefix="softsnp-bench-") as work:
        for name in options.model:
            model = MODELS[name]
            engines = usable(name, options.only, Path(work))
            if engines is None:
                return UNUSABLE
            sizes = [n for n in sorted(options.cpus or model.sizes) if n in model.counts]
            say(f"{name}:")
            try:
                measured[name] = measure(model, engines, sizes, options.rounds, say)
            except EngineFailed as failed:
                say(f"bench: {failed}")
                return FAILED
    everything = [one for found in measured.values() for one in found]
    tables = "".join(f"\n{MODELS[name].told}\n\n{table(m)}" for name, m in measured.items())
    text = f"{told(everything, machine, options.rounds)}{tables}"
    drawing = plot(next(iter(measured.values())))
    print(text, end="")
    if options.json:
        data = {name: document(m, machine, options.rounds) for name, m in measured.items()}
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        options.plot.write_text(drawing, encoding="utf-8")
    if options.write:
        picture = options.write.with_suffix(".svg")
        picture.write_text(drawing, encoding="utf-8")
        PLACE.write(options.write, f"{text}\n![states a second]({picture.name})\n")
    return 0


def usable(model: str, only: list[str] | None, work: Path) -> list[Engine] | None:
    """The engines that can be had and know the model; None, and a message, where one has to be."""
    engines = [ENGINES[name](model, work) for name in ENGINES if name in (only or ENGINES)]
    engines = [engine for engine in engines if engine.knows()]
    for engine in list(engines):
        if engine.missing() and not engine.peer and not only:
            say(f"bench: without {' and '.join(engine.missing())}: not installed")
            engines.remove(engine)
    lacking = sorted({command for engine in engines for command in engine.missing()})
    if not lacking:
        return engines
    say(
        f"bench: this machine has no {' and no '.join(lacking)}.\n"
        "  On Debian: apt install spin gcc. Others: make peers. Without them: "
        "python -m bench --only python"
    )
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
