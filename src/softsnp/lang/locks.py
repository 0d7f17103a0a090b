"""Locks, declared as state and taken with the kernel's words.

Taking a lock is a step that waits; releasing one belongs to the step in progress. That loses no
behaviour: what a task does between taking a lock and releasing it, on state that the lock
guards, cannot be told from outside to have been done at once (Lipton's movers).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from .state import Bool, Count, Field, OneOf

if TYPE_CHECKING:
    from .specification import Specification


class Lock:
    """What a lock has in common: a name, a sentence, and the fields it is made of."""

    name = "?"
    most_holds = 1

    def __init__(self, doc: str, memory: str) -> None:
        self.doc = doc
        self.memory = memory

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        for part, field in self.parts().items():
            field.name = f"{name}{part}"
            field._thing = name

    def parts(self) -> dict[str, Field[Any]]:
        """Suffix of the field's name to field."""
        raise NotImplementedError

    def tell(self, old: dict[str, int], new: dict[str, int]) -> str:
        """What happened to the lock, from its parts' values before and after a step."""
        raise NotImplementedError

    def __set__(self, spec: Specification, value: object) -> None:
        raise AttributeError(f"{self.name} is a lock; take and release it with its words")


class Mutex(Lock):
    """A sleeping lock with one holder."""

    def __init__(self, doc: str, *, memory: str = "") -> None:
        super().__init__(doc, memory)
        self.locked = Bool(False, doc, memory=memory)

    def parts(self) -> dict[str, Field[Any]]:
        return {"": self.locked}

    def tell(self, old: dict[str, int], new: dict[str, int]) -> str:
        return "taken" if new[""] else "released"


class Writer(enum.Enum):
    """Where a percpu-rwsem's writer is."""

    none = 0
    waiting = 1
    holding = 2


class PercpuRwsem(Lock):
    """Many readers or one writer. A waiting writer stops new readers: writer preference."""

    def __init__(self, doc: str, *, memory: str = "", most_readers: int = 3) -> None:
        super().__init__(doc, memory)
        self.most_holds = most_readers
        self.readers = Count(most_readers, doc, memory=memory)
        self.writer = OneOf(Writer.none, doc, memory=memory)

    def parts(self) -> dict[str, Field[Any]]:
        return {".readers": self.readers, ".writer": self.writer}

    def tell(self, old: dict[str, int], new: dict[str, int]) -> str:
        said = []
        if old[".readers"] != new[".readers"]:
            more = new[".readers"] > old[".readers"]
            said.append("taken for reading" if more else "released by a reader")
        if old[".writer"] != new[".writer"]:
            held = "taken and released" if old[".writer"] == Writer.waiting.value else "released"
            said.append([held, "a writer waits", "taken for writing"][new[".writer"]])
        return ", ".join(said)
