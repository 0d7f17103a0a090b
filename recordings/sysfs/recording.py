"""A recording: what a kernel answered to each operation, and what it changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class State:
    """What the files of sysfs say, and how often CPU hotplug is disabled."""

    online: str
    present: str
    possible: str
    devices: str
    """What cpuN/online says, a character for each possible CPU; "-" where there is no such file."""
    smt: str
    hold: int = 0

    def changes(self, after: State) -> dict[str, Any]:
        """Those fields that have another value after."""
        return {name: now for name, now in vars(after).items() if getattr(self, name) != now}


@dataclass(frozen=True)
class Operation:
    """One open and one read or write."""

    verb: str
    """read, write, or create: a write as a shell's redirection does it, with O_CREAT."""
    path: str
    value: str
    """What was written, or read."""
    result: str
    """"0", or the error's name as "-EBUSY"."""
    slow: bool
    """It took more than 600 milliseconds of the guest's time."""
    before: State
    after: State


@dataclass(frozen=True)
class Recorded:
    """One boot."""

    name: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True)
class Recording:
    """One kernel."""

    name: str
    kernel: str
    package: str
    machines: tuple[Recorded, ...]


def load(path: Path) -> Recording:
    said = json.loads(path.read_text(encoding="utf-8"))
    machines = tuple(
        Recorded(one["name"], tuple(_operations(State(**one["start"]), one["operations"])))
        for one in said["machines"]
    )
    return Recording(path.stem, said["kernel"], said["package"], machines)


def _operations(state: State, lines: list[dict[str, Any]]) -> list[Operation]:
    found = []
    for line in lines:
        after = replace(state, **line.get("then", {}))
        if "path" in line:
            found.append(
                Operation(
                    line["do"],
                    line["path"],
                    line["value"],
                    line["result"],
                    line.get("slow", False),
                    state,
                    after,
                )
            )
        state = after
    return found


def line_of(operation: Operation) -> dict[str, Any]:
    """As it is written down: what is nothing, and what has not changed, is left out."""
    line: dict[str, Any] = {
        "do": operation.verb,
        "path": operation.path,
        "value": operation.value,
        "result": operation.result,
    }
    if operation.slow:
        line["slow"] = True
    if then := operation.before.changes(operation.after):
        line["then"] = then
    return line


def dump(recording: dict[str, Any]) -> str:
    """JSON, one operation a line."""
    machines = recording["machines"]
    rest = json.dumps({**recording, "machines": []}, indent=1, ensure_ascii=False)
    blocks = []
    for machine in machines:
        head = json.dumps({**machine, "operations": []}, indent=1, ensure_ascii=False)
        lines = ",\n".join("  " + json.dumps(line) for line in machine["operations"])
        blocks.append(head.replace('"operations": []', f'"operations": [\n{lines}\n ]'))
    return rest.replace('"machines": []', '"machines": [\n' + ",\n".join(blocks) + "\n ]") + "\n"


def cpus(mask: str) -> set[int]:
    """The CPUs of a mask as sysfs writes it: "0,2-3"."""
    found: set[int] = set()
    for part in mask.split(","):
        first, _, last = part.partition("-")
        if first:
            found |= set(range(int(first), int(last or first) + 1))
    return found
