"""One exploration by a model checker that is a Python library: ``library.py NAME COMMANDS``.

Runs in that library's own environment, where there is nothing of softsnp, and reads the model
(``models/guarded.py``) from a file. Each library is given the model as it likes it best, and states
that are plain integers: smaller and faster than the records that one would write otherwise. Prints
a JSON object; the exit status is 1 when something does not hold.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

PLACES = 0xFFF
"""The bits of a state that say where its three processes are; 4 each, from the least."""
MOST = 1 << 30
"""More states than anything here has: neither library is to stop early."""
Command = tuple[str, int, int, int, int, int, int]
"""(label, mask, value, keep, put, copied, shift)"""


class Model:
    """The commands by where the processes are, and whether a state is as it has to be."""

    def __init__(self, text: str) -> None:
        first, *rest = [[int(word) for word in line.split()] for line in text.splitlines()]
        self.up, self.held, self.online, self.snp_en, cpus = first
        self.ones = (1 << cpus) - 1
        self.at: dict[tuple[int, int], list[Command]] = {}
        for number, (process, place, *words) in enumerate(rest):
            command = (f"step {number}", *words)
            self.at.setdefault((process, place), []).append(command)  # type: ignore[arg-type]

    def commands(self, places: int) -> list[Command]:
        """Of every process, where it is."""
        return [
            command
            for process in range(3)
            for command in self.at.get((process, places >> 4 * process & 15), [])
        ]

    def off(self, state: int) -> bool:
        """CPU hotplug is disabled while SNP is up."""
        return not state & self.up or bool(state & self.held)

    def guarded(self, state: int) -> bool:
        """Every online CPU has SNP enabled while SNP is up."""
        return not (state & self.up and state >> self.online & ~(state >> self.snp_en) & self.ones)


def musil(model: Model) -> Callable[[], tuple[int, bool]]:
    """What can happen is looked up by where the processes are, which it remembers itself."""
    library: Any = import_module("musil")

    def action(command: Command) -> Any:
        label, mask, value, keep, put, copied, shift = command
        if copied:
            return library.Action(
                label,
                lambda s: s & mask == value,
                lambda s: s & keep | put | (s & copied) << shift,
            )
        return library.Action(label, lambda s: s & mask == value, lambda s: s & keep | put)

    actions = {c: action(c) for commands in model.at.values() for c in commands}
    asked = library.Model(
        init=[0],
        actions_fn=lambda s: [actions[c] for c in model.commands(s & PLACES)],
        footprint=lambda s: s & PLACES,
        invariants={"off": model.off, "guarded": model.guarded},
    )

    def explore() -> tuple[int, bool]:
        found = library.check(asked, max_states=MOST)
        return found.states_explored, found.ok and not found.truncated

    return explore


def minicheck(model: Model) -> Callable[[], tuple[int, bool]]:
    """States are tuples there. It asks of no state whether anybody can step; that is done here."""
    library: Any = import_module("minicheck")

    menus: dict[int, list[Command]] = {}

    def transitions(state: tuple[int]) -> list[tuple[str, tuple[int]]]:
        (s,) = state
        menu = menus.get(s & PLACES)
        if menu is None:
            menu = menus[s & PLACES] = model.commands(s & PLACES)
        found = [
            (label, (s & keep | put | (s & copied) << shift,))
            for label, mask, value, keep, put, copied, shift in menu
            if s & mask == value
        ]
        if not found:
            raise ValueError(f"nobody can step in {s:#x}")
        return found

    asked = library.Protocol(
        name="hotplug",
        candidate=False,
        fields=("state",),
        initial=(0,),
        transitions=transitions,
        invariants={
            "off": lambda d: model.off(d["state"]),
            "guarded": lambda d: model.guarded(d["state"]),
        },
    )

    def explore() -> tuple[int, bool]:
        found = library.check_safety(asked, max_states=MOST)
        held = all(one["holds"] for one in found["properties"].values())
        return found["reachable_states"], found["exhaustive"] and held

    return explore


LIBRARIES = {"musil": musil, "minicheck": minicheck}


def main() -> int:
    name, file = sys.argv[1:]
    began = time.perf_counter()
    explore = LIBRARIES[name](Model(Path(file).read_text()))
    ready = time.perf_counter()
    states, holds = explore()
    done = time.perf_counter()
    status = Path("/proc/self/status").read_text()
    peak = next(int(s.split()[1]) for s in status.splitlines() if s.startswith("VmHWM:")) << 10
    told = {"states": states, "exploring": done - ready, "ready": ready - began, "peak": peak}
    print(json.dumps(told))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
