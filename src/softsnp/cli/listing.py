"""``softsnp list``: every name there is, with its sentence."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable

from softsnp.spec.catalog import (
    ACTIVITIES,
    ASSUMPTIONS,
    DESIGNS,
    DETAILS,
    FIRMWARE,
    SCENARIOS,
    sentence,
)
from softsnp.spec.properties import PROPERTIES

WIDTH = 80
Entry = tuple[str, list[str]]


def _designs() -> list[Entry]:
    return [
        (name, [f"{sentence(d)} Ioctls: {d.ioctls}.", *_source(d.__doc__ or "")])
        for name, d in DESIGNS.items()
    ]


def _source(doc: str) -> list[str]:
    _, found, rest = doc.partition("Source: ")
    return [" ".join(("Source: " + rest).split())] if found else []


def _properties() -> list[Entry]:
    return [(p.name, [f"{p.sentence}.", f"Why: {p.why}."]) for p in PROPERTIES]


def _assumptions() -> list[Entry]:
    return [
        (f"{name} ({'on' if a.default else 'off'})", [a.sentence, f"Source: {a.source}."])
        for name, a in ASSUMPTIONS.items()
    ]


def _activities() -> list[Entry]:
    return [(name, [f"{text}."]) for name, text in ACTIVITIES.items()]


def _firmware() -> list[Entry]:
    return [(name, [f"{text}."]) for name, text in FIRMWARE.items()]


def _scenarios() -> list[Entry]:
    return [
        (
            s.name,
            [
                f"{s.sentence}.",
                f"With: {', '.join((*s.activities, *s.details))}.",
                f"Leaves out: {', '.join(s.leaves_out()) or 'nothing'}.",
            ],
        )
        for s in SCENARIOS.values()
    ]


def _details() -> list[Entry]:
    return [(name, [d.sentence, f"Without: {d.without}"]) for name, d in DETAILS.items()]


LISTS: dict[str, Callable[[], list[Entry]]] = {
    "designs": _designs,
    "properties": _properties,
    "assumptions": _assumptions,
    "details": _details,
    "activities": _activities,
    "firmware": _firmware,
    "scenarios": _scenarios,
}


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("list", help="every name there is", description=__doc__)
    parser.add_argument("what", choices=tuple(LISTS))
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    for name, texts in LISTS[args.what]():
        print(name)
        for text in texts:
            print(textwrap.fill(text, WIDTH, initial_indent="    ", subsequent_indent="    "))
    return 0
