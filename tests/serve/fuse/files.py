"""A tree for the tests of the protocol."""

from __future__ import annotations

from collections.abc import Iterator

from softsnp.serve.vfs import (
    LATER,
    Call,
    Directory,
    File,
    Fixed,
    Handle,
    IoctlReply,
    Later,
    Link,
    Node,
    Text,
)


class Keeper(File):
    """Keeps every call."""

    mode = 0o666

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.released = 0

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> Later:
        return self._keep(call)

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> Later:
        return self._keep(call)

    def ioctl(self, handle: Handle, call: Call, number: int, given: bytes) -> Later:
        return self._keep(call)

    def release(self, handle: Handle) -> None:
        self.released += 1

    def _keep(self, call: Call) -> Later:
        self.calls.append(call)
        return LATER


class Faulty(File):
    """Every kind of bug."""

    def open(self, handle: Handle, call: Call) -> None:
        handle.kept["bug"] = ZeroDivisionError("a bug")

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes:
        raise ZeroDivisionError("a bug")

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int:
        raise OSError(100_000, "no errno")

    def ioctl(self, handle: Handle, call: Call, number: int, given: bytes) -> IoctlReply:
        return IoctlReply(0, b"too long" * 100)


class Changing(Directory):
    """Its names, as they are now; every node is a new one."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def entries(self) -> Iterator[tuple[str, Node]]:
        for name in self.names:
            yield name, Text(f"{name}\n")


class Tree(Fixed):
    def __init__(self) -> None:
        self.keeper = Keeper()
        self.changing = Changing()
        self.stored: list[str] = []
        super().__init__(
            {
                "text": Text("a text\n"),
                "stored": Text("", lambda call, text: self._store(text)),
                "keeper": self.keeper,
                "faulty": Faulty(),
                "changing": self.changing,
                "link": Link("text"),
            }
        )

    def _store(self, text: str) -> int:
        self.stored.append(text)
        return len(text)
