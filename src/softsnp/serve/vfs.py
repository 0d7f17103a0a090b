"""What a tree of files is made of, and how a file answers whoever uses it.

A node raises OSError(errno) for what it refuses. What cannot be answered at once returns LATER, and
is answered through the call when its time comes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol


class Later:
    """The type of LATER."""


LATER: Final = Later()
"""The call is kept, and will be answered."""


class Memory(Protocol):
    """The memory of the process that calls. Raises OSError(EFAULT) for what is not there."""

    def read(self, address: int, length: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None: ...


@dataclass
class Call:
    """One request of a client, to be answered exactly once."""

    pid: int
    """In the server's PID namespace; 0 when the caller is not in it."""
    uid: int
    gid: int
    memory: Memory
    done: Callable[[bytes | int], None]
    """Answers it: the bytes read, the number of bytes written, or an ioctl's result."""
    fail: Callable[[int], None]
    """Answers it with an errno, positive."""
    when_interrupted: Callable[[], None] | None = None
    """Called when the client is being killed, or interrupted if the call is ``interruptible``. It
    answers the call, with EINTR for instance; if it does not, that is the answer.
    """
    interruptible: bool = False
    """Whether any signal that the client takes interrupts it, and not only one that kills."""
    argument: int = 0
    """An ioctl's third argument as it was given: where the caller's struct lies."""


@dataclass
class Handle:
    """An open file."""

    flags: int
    """As given to open(2)."""
    data: bytes | None = None
    """What reading it shows, generated when it is read from offset 0."""
    position: int = 0
    """Free for the file to use."""
    kept: dict[str, object] = field(default_factory=dict)
    """Free for the file to use."""
    wake: Callable[[], None] = lambda: None
    """Tells whoever polls the open file to look again. The server's to set, the file's to call."""

    @property
    def readable(self) -> bool:
        return self.flags & os.O_ACCMODE in (os.O_RDONLY, os.O_RDWR)

    @property
    def writable(self) -> bool:
        return self.flags & os.O_ACCMODE in (os.O_WRONLY, os.O_RDWR)


@dataclass(frozen=True)
class IoctlReply:
    """An ioctl that answers at once: its result (negative errno, or not negative), and what goes
    into the caller's struct, whatever the result is. None leaves the struct as it was.
    """

    result: int
    out: bytes | None = None


class Node:
    """A file, a directory or a link. ``mode`` is its permission bits."""

    mode = 0o444


class Directory(Node):
    """Names to nodes; generated when asked, so that it may change."""

    mode = 0o755

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Every name, in the order of a listing."""
        raise NotImplementedError

    def lookup(self, name: str) -> Node | None:
        return dict(self.entries()).get(name)


class Fixed(Directory):
    """A directory whose names never change."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = dict(nodes)

    def entries(self) -> Iterator[tuple[str, Node]]:
        yield from self.nodes.items()

    def lookup(self, name: str) -> Node | None:
        return self.nodes.get(name)


class Link(Node):
    """A symbolic link."""

    mode = 0o777

    def __init__(self, target: str) -> None:
        self.target = target


class File(Node):
    """What can be opened. Everything is refused unless a subclass has it."""

    size = 4096
    """As stat(2) tells it."""
    seekable = True
    """Whether reading and writing have an offset."""

    def open(self, handle: Handle, call: Call) -> None:
        """Refuses by OSError; permission bits have been looked at."""

    def release(self, handle: Handle) -> None:
        """The last descriptor of an open file is closed."""

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        raise OSError(errno.EIO, "")

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        raise OSError(errno.EIO, "")

    def ioctl(self, handle: Handle, call: Call, number: int, given: bytes) -> IoctlReply | Later:
        """``given`` is the caller's struct, of the size in the number, if it goes in.

        Answered later: ``call.done(result)`` after writing through ``call.memory``.
        """
        raise OSError(errno.ENOTTY, "")

    def poll(self, handle: Handle) -> bool:
        """Whether reading would not wait."""
        return True


class Text(File):
    """An attribute: a text that is generated when it is read from its beginning."""

    def __init__(
        self,
        show: Callable[[], str] | str,
        store: Callable[[Call, str], int | Later] | None = None,
        mode: int | None = None,
    ) -> None:
        self.show = show
        self.store = store
        self.mode = mode if mode is not None else (0o644 if store else 0o444)

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        if offset == 0 or handle.data is None:
            handle.data = (self.show if isinstance(self.show, str) else self.show()).encode()
        return handle.data[offset : offset + size]

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        """``store`` gets the text and says how many bytes it took, LATER, or raises OSError."""
        if self.store is None:
            raise OSError(errno.EIO, "")
        return self.store(call, data.decode("latin-1"))
