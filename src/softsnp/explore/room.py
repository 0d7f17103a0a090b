"""Memory for what follows a search: asked for before, and looked at meanwhile."""

from __future__ import annotations

from .memory_use import available, resident
from .rungs.rung import OutOfRoom


class Room:
    """The memory that this process may have: what it is allowed, in bytes, or what there is."""

    def __init__(self, memory: int | None) -> None:
        self.memory = memory
        self.there = resident() + available()

    def need(self, more: int = 0) -> None:
        """Raises OutOfRoom when there is no room for so many bytes more."""
        then = resident() + more
        if self.memory is not None and then >= self.memory:
            raise OutOfRoom(f"--max-memory {self.memory >> 20} MiB has no room for it")
        if then >= self.there or more >= available():  # others may take some meanwhile
            raise OutOfRoom("this machine has no memory for it")
