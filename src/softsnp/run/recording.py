"""A recording: what a live run did, step by step, as JSON with a step on each line.

It is written as it happens. What a run that was killed has left behind lacks the last two
characters, and perhaps the end of a line; it is read all the same, up to the last whole line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from softsnp.lang import Specification
from softsnp.lang.world import World

from .driver import LiveDriver
from .errors import RunError
from .task import Begin, Task

VERSION = 1
END = "\n]}\n"
PROPERTY = "property"
"""In the header of a counterexample: the name of what it violates."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One step, or something from outside. ``begin`` is there in a task's first step."""

    lane: str
    decided: tuple[int, ...] = ()
    begin: Begin | None = None
    outside: dict[str, Any] | None = None
    """Not a step: what was done to the world from outside."""

    def to_json(self) -> dict[str, Any]:
        if self.outside is not None:
            return {"outside": self.outside}
        told: dict[str, Any] = {"lane": self.lane}
        if self.begin is not None:
            told["begin"] = self.begin
        if self.decided:
            told["decided"] = list(self.decided)
        return told


@dataclass(frozen=True)
class Start:
    """The state in which a recording begins, in names."""

    members: tuple[tuple[str, ...], ...]
    """The bits that each member has."""
    scalars: dict[str, str]
    """Those that are not as at the beginning."""

    @classmethod
    def of(cls, spec: Specification, world: World) -> Start:
        population = spec.population()
        bits = population.bits if population else {}
        return cls(
            tuple(tuple(n for n, b in bits.items() if m >> b.index & 1) for m in world.members),
            {
                name: field.show(world.scalars[name])
                for name, field in spec.fields.items()
                if world.scalars[name] != field.initial
            },
        )

    def world(self, spec: Specification) -> World:
        """Raises RunError for names that the specification does not have."""
        population = spec.population()
        members = []
        for has in self.members:
            unknown = [name for name in has if not population or name not in population.bits]
            if unknown or population is None:
                raise RunError(f"a member has {unknown}, which the specification does not know")
            members.append(population.pack(dict.fromkeys(has, True))[1])
        scalars = {name: field.initial for name, field in spec.fields.items()}
        for name, value in self.scalars.items():
            shown = {
                spec.fields[name].show(index): index
                for index in range(len(spec.fields[name].domain))
            } if name in spec.fields else {}  # fmt: skip
            if value not in shown:
                raise RunError(f"{name} = {value!r}, which the specification does not know")
            scalars[name] = shown[value]
        return World(scalars, members)


@dataclass(frozen=True)
class Recording:
    """``header`` is whatever says which specification it is; this module does not look at it."""

    header: dict[str, Any]
    start: Start
    steps: tuple[Recorded, ...]

    def to_json(self) -> dict[str, Any]:
        steps = [step.to_json() for step in self.steps]
        return {**_head(self.header, self.start), "steps": steps}

    def save(self, path: Path) -> None:
        with path.open("w", encoding="utf-8") as out:
            writer = Writer(out, self.header, self.start)
            for step in self.steps:
                writer.add(step)
            writer.close()


def _head(header: dict[str, Any], start: Start) -> dict[str, Any]:
    cpus = [" ".join(bits) for bits in start.members]
    return {"softsnp-recording": VERSION, **header, "start": {"cpus": cpus, "state": start.scalars}}


class Writer:
    """Writes a recording step by step."""

    def __init__(self, out: TextIO, header: dict[str, Any], start: Start) -> None:
        self.out = out
        text = json.dumps(_head(header, start), ensure_ascii=False)
        self.out.write(f'{text[:-1]}, "steps": [')
        self.first = True
        self.out.flush()

    def add(self, step: Recorded) -> None:
        self.out.write("\n" if self.first else ",\n")
        self.first = False
        self.out.write(json.dumps(step.to_json(), ensure_ascii=False))

    def flush(self) -> None:
        """What was added is in the file, whatever comes."""
        self.out.flush()

    def close(self) -> None:
        self.out.write(END)
        self.out.flush()


class Recorder:
    """An observer of a live run that hands on each step as it is recorded."""

    def __init__(self, add: Callable[[Recorded], None]) -> None:
        self.add = add

    def __call__(self, task: Task, driver: LiveDriver, before: World) -> None:
        begin = task.begin if task.steps == 1 else None
        self.add(Recorded(task.lane, tuple(driver.decided), begin))

    def outside(self, **what: Any) -> None:
        self.add(Recorded("", outside=what))


def load(path: Path) -> Recording:
    """Raises RunError for what is no recording, with the place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Recording:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        found = _cut_off(text)
        if found is None:
            raise RunError(f"{name}:{error.lineno}: is no recording: {error.msg}") from None
    if not isinstance(found, dict) or "softsnp-recording" not in found:
        raise RunError(
            f"{name}: is no recording of softsnp\n  make one: softsnp run --record FILE -- COMMAND"
        )
    version = found.pop("softsnp-recording")
    if version != VERSION:
        raise RunError(f"{name}: is a recording of version {version!r}; this reads {VERSION}")
    try:
        start, steps = found.pop("start"), found.pop("steps")
        cpus = tuple(tuple(str(bits).split()) for bits in start["cpus"])
        scalars = {str(name): str(value) for name, value in start["state"].items()}
        recorded = tuple(_step(step) for step in steps)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{name}: is damaged: {type(error).__name__}: {error}") from None
    return Recording(found, Start(cpus, scalars), recorded)


def _cut_off(text: str) -> Any:
    """What a run that was killed has written: all of it, or all but its last line."""
    lines = text.split("\n")
    for whole in (lines, lines[:-1]):
        try:
            return json.loads("\n".join(whole).rstrip().rstrip(",") + END)
        except json.JSONDecodeError:
            continue
    return None


def _step(found: dict[str, Any]) -> Recorded:
    if "outside" in found:
        return Recorded("", outside=dict(found["outside"]))
    begin = found.get("begin")
    return Recorded(
        str(found["lane"]),
        tuple(int(number) for number in found.get("decided", ())),
        None if begin is None else dict(begin),
    )
