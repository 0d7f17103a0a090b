"""Steps gone from their ends, by Python."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence

from softsnp.explore.lower import Program

from .emit import Emitted
from .rung import FAR, SURE, Need

STATE_BYTES = 200
"""What is kept of each state, about: a list of those before it."""
LOOK = 1 << 14
"""It looks at the memory once in so many states."""


class PythonBackwards:
    """Those of ``program`` among ``states``, whose numbers are in ``index``."""

    def __init__(
        self, states: Sequence[int], index: dict[int, int], program: Program, need: Need
    ) -> None:
        need(STATE_BYTES * len(states))
        self.index = index
        self.before: list[list[int]] = [[] for _ in states]
        expand = Emitted(program, lambda *_: None, lambda _: None).expand
        successors: list[int] = []
        for number, state in enumerate(states):
            if not number % LOOK:
                need(0)
            successors.clear()
            expand(state, successors.append)
            for successor in successors:
                self.before[index[successor]].append(number)

    def number(self, state: int) -> int:
        return self.index[state]

    def spread(self, marks: bytearray, begin: Sequence[int] | None = None) -> None:
        if begin is None:
            begin = [number for number, marked in enumerate(marks) if marked & SURE]
        todo = list(begin)
        for number in todo:
            marks[number] |= SURE
        while todo:
            for number in self.before[todo.pop()]:
                if not marks[number] & SURE:
                    marks[number] |= SURE
                    todo.append(number)

    def distances(self, marks: bytearray) -> Sequence[int]:
        found = array("H", [FAR]) * len(marks)
        todo = deque(number for number, marked in enumerate(marks) if marked & SURE)
        for number in todo:
            found[number] = 0
        while todo:
            number = todo.popleft()
            far = min(found[number] + 1, FAR - 1)
            for source in self.before[number]:
                if found[source] == FAR:
                    found[source] = far
                    todo.append(source)
        return found
