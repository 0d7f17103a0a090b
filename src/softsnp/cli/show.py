"""``softsnp show``: a function as a design has it, and which design or kernel it comes from."""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import softsnp
from softsnp.spec.activities import Host
from softsnp.spec.catalog import DESIGNS

from .designs import find
from .errors import UsageError, unknown

ROOT = Path(softsnp.__file__).parent.parent


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "show",
        help="a function as a design has it",
        description="Print a function as a design has it, and where it comes from. Without a "
        "function: every function, and where it comes from. A C name works as well.",
    )
    parser.add_argument("design", metavar="DESIGN", help="a name, or a file.py")
    parser.add_argument("function", metavar="FUNCTION", nargs="?")
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    for ref in find(args.design):
        design = ref.load()
        if args.function is None:
            print(_overview(design))
        else:
            print(_function(design, args.function.removesuffix("()")))
    return 0


def functions(design: type[Host]) -> dict[str, list[type]]:
    """Each function of the specification to the classes that define it, the effective one first."""
    found: dict[str, list[type]] = {}
    for cls in design.__mro__:
        for name, value in vars(cls).items():
            if inspect.isfunction(value) and "C: " in (value.__doc__ or ""):
                found.setdefault(name, []).append(cls)
    return found


def _overview(design: type[Host]) -> str:
    lines = [f"# {design.name}"]
    for name, classes in sorted(functions(design).items(), key=lambda item: _place(item[1][0])):
        lines.append(f"{name:34} {_origin(classes[0])}")
    return "\n".join(lines)


def _function(design: type[Host], name: str) -> str:
    known = functions(design)
    names = [name] if name in known else _by_c_name(design, known, name)
    if not names:
        raise unknown("function", name, [*known, *_c_names(design, known)])
    parts = []
    for one in names:
        for cls in _effective(known[one], one):
            method = vars(cls)[one]
            _, line = inspect.getsourcelines(method)
            parts.append(
                f"# {one}() of {design.name} comes from {_origin(cls)}\n"
                f"# {_place(cls)}:{line}\n{textwrap.dedent(inspect.getsource(method)).rstrip()}"
            )
    return "\n\n".join(parts)


def _effective(classes: list[type], name: str) -> list[type]:
    """The definition that runs, and those that it reaches by super()."""
    used = []
    for cls in classes:
        used.append(cls)
        if f"super().{name}(" not in inspect.getsource(vars(cls)[name]):
            break
    return used


def _by_c_name(design: type[Host], known: dict[str, list[type]], name: str) -> list[str]:
    return [
        method for method, classes in known.items() if name in _mentioned(vars(classes[0])[method])
    ]


def _c_names(design: type[Host], known: dict[str, list[type]]) -> list[str]:
    return sorted({c for m, classes in known.items() for c in _mentioned(vars(classes[0])[m])})


def _mentioned(method: Callable[..., Any]) -> list[str]:
    """The C functions that a method's docstring names on its ``C:`` line."""
    for line in (method.__doc__ or "").splitlines():
        if line.strip().startswith("C: "):
            return re.findall(r"(\w+)\(\)", line.partition(", ")[0])
    return []


def _origin(cls: type) -> str:
    name = getattr(cls, "name", "")
    for ref, design in DESIGNS.items():
        if design is cls:
            return ref
    return name if name and vars(cls).get("name") == name else f"the kernel ({_place(cls)})"


def _place(cls: type) -> str:
    file = inspect.getsourcefile(cls)
    if file is None:
        raise UsageError(f"the source of {cls.__name__} is not there")
    path = Path(file)
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
