"""A host of a few files, as a program: ``python -m tests.serve.namespace.small_host -- COMMAND``.

What it has to say goes to stderr: what went wrong and, with --announce, a line for each place that
is missing, and then the pid of the namespace's first process.
"""

from __future__ import annotations

import argparse
import errno
import socket
import struct
import sys
import time
from collections.abc import Iterator

from softsnp.serve.loop import Loop
from softsnp.serve.namespace import Bind, NamespaceError, Plan, Started, launch
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

TOOL = "#!/bin/sh\necho a tool of the host: $*\n"
SUM = 0xC0105300
"""_IOWR('S', 0, 16 bytes): {u32 count, u64 pointer to pairs of pointer and length, u32 sum},
packed: the bytes that the pointers point to, added up. They become 0. Fails with EIO, and the sum,
if it is odd.
"""


class Counter(Text):
    """A number that is written and read."""

    def __init__(self) -> None:
        self.value = 0
        super().__init__(lambda: f"{self.value}\n", self._store)

    def _store(self, call: Call, text: str) -> int:
        try:
            self.value = int(text)
        except ValueError:
            raise OSError(errno.EINVAL, "") from None
        return len(text)


class Registers(File):
    """Eight bytes at every position: the position."""

    mode = 0o600
    size = 0

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes:
        return struct.pack("<Q", offset) * (size // 8)


class Device(File):
    """Follows pointers, and answers at once or later."""

    mode = 0o600
    size = 0
    seekable = False

    def __init__(self, kept: list[tuple[float, Call]]) -> None:
        self.kept = kept

    def ioctl(self, handle: Handle, call: Call, number: int, given: bytes) -> IoctlReply | Later:
        if number != SUM:
            raise OSError(errno.ENOTTY, "")
        count, pointer, _ = struct.unpack("<IQI", given)
        total = 0
        for index in range(count):
            address, length = struct.unpack("<QQ", call.memory.read(pointer + 16 * index, 16))
            data = call.memory.read(address, length)
            total += sum(data)
            call.memory.write(address, bytes(length))
        result = -errno.EIO if total % 2 else 0
        return IoctlReply(result, struct.pack("<IQI", count, pointer, total))


class Slow(Text):
    """Reading and writing take a while. With no time at all, for ever."""

    def __init__(self, kept: list[tuple[float, Call]], seconds: float | None, **how: bool) -> None:
        self.kept = kept
        self.seconds = seconds
        self.how = how
        super().__init__("", self._store)

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        return b"" if offset else self._keep(call)

    def _store(self, call: Call, text: str) -> Later:
        return self._keep(call, len(text))

    def _keep(self, call: Call, length: int = 0) -> Later:
        call.interruptible = self.how.get("interruptible", False)
        if self.how.get("says", False):
            call.when_interrupted = lambda: call.fail(errno.ETIMEDOUT)
        if self.seconds is not None:
            self.kept.append((time.monotonic() + self.seconds, call))
        return LATER


class Broken(File):
    """Has a bug."""

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes:
        raise KeyError("a bug")


class Polled(File):
    """Readable when ``trigger`` has been written, for whoever waits."""

    seekable = False

    def __init__(self) -> None:
        self.handles: list[Handle] = []
        self.ready = False

    def open(self, handle: Handle, call: Call) -> None:
        self.handles.append(handle)

    def release(self, handle: Handle) -> None:
        self.handles.remove(handle)

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes:
        if not self.ready:
            raise OSError(errno.EAGAIN, "")
        return b"ready\n"

    def poll(self, handle: Handle) -> bool:
        return self.ready

    def trigger(self, call: Call, text: str) -> int:
        self.ready = text.startswith("1")
        for handle in self.handles:
            handle.wake()
        return len(text)


class Many(Directory):
    """As many names as ``counter`` says."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    def entries(self) -> Iterator[tuple[str, Node]]:
        for number in range(self.counter.value):
            yield f"file-with-a-longish-name-{number}", Text(f"{number}\n")


class Answers:
    """Answers what was kept, when its time has come."""

    def __init__(self, kept: list[tuple[float, Call]]) -> None:
        self.kept = kept
        self.broken = False

    def work(self) -> float | None:
        if self.broken:
            raise RuntimeError("the work of this host is broken")
        now = time.monotonic()
        due = [(when, call) for when, call in self.kept if when <= now]
        self.kept[:] = [(when, call) for when, call in self.kept if when > now]
        for _, call in due:
            call.done(b"late\n")  # what is written is answered by a number
        return min((when - now for when, _ in self.kept), default=None)


class Written(Slow):
    """Writing takes a while. ``most`` is how many were waiting at a time."""

    most = 0

    def _keep(self, call: Call, length: int = 0) -> Later:
        self.most = max(self.most, len(self.kept) + 1)
        done = call.done
        call.done = lambda _: done(length)
        return super()._keep(call, length)


def tree(kept: list[tuple[float, Call]], answers: Answers) -> Fixed:
    counter, polled, written = Counter(), Polled(), Written(kept, 0.3)

    def break_work(call: Call, text: str) -> int:
        answers.broken = True
        return len(text)

    return Fixed(
        {
            "files": Fixed(
                {
                    "counter": counter,
                    "registers": Registers(),
                    "slow": Slow(kept, 0.3),
                    "written": written,
                    "most": Text(lambda: f"{written.most}\n"),
                    "never": Slow(kept, None),
                    "never-says": Slow(kept, None, says=True),
                    "waits": Slow(kept, None, interruptible=True),
                    "broken": Broken(),
                    "break-work": Text("", break_work),
                    "polled": polled,
                    "trigger": Text("", polled.trigger),
                    "secret": Text("secret\n", mode=0o600),
                    "shown": Text("shown\n"),
                    "many": Many(counter),
                    "link": Link("counter"),
                }
            ),
            "device": Device(kept),
            "version": Text("a version of its own\n"),
        }
    )


BINDS = (
    Bind("files", "/dev/small"),
    Bind("device", "/dev/device"),
    Bind("version", "/proc/version"),
    Bind("version", "/proc/no-such-name"),
    Bind("files", "/sys/softsnp-test/below/files"),
    Bind("version", "/sys/kernel/notes"),
)


def control(loop: Loop, connection: socket.socket) -> None:
    """Says back what it hears, in capitals."""

    def ready() -> None:
        data = connection.recv(1000)
        if data:
            connection.send(data.upper())
        else:
            loop.forget(connection.fileno())
            connection.close()

    loop.watch(connection.fileno(), ready)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--userns", action="store_true", default=None)
    parser.add_argument("--fuse-device", default="/dev/fuse")
    parser.add_argument("--announce", action="store_true")
    parser.add_argument("--bind", action="append", default=[], help="SOURCE=PLACE")
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()
    kept: list[tuple[float, Call]] = []
    answers = Answers(kept)
    more = tuple(Bind(*text.split("=", 1)) for text in args.bind)
    plan = Plan(
        binds=BINDS + more,
        tools={"softsnp-tool": TOOL, "users": TOOL},
        user_namespace=args.userns,
        fuse_device=args.fuse_device,
    )

    def started(what: Started) -> None:
        if args.announce:
            for place in what.missing:
                say(f"missing {place}")
            say(f"init {what.init}")

    try:
        return launch(tree(kept, answers), plan, args.command, say, answers, control, started)
    except NamespaceError as error:
        say(f"NamespaceError: {error}")
        return error.status


if __name__ == "__main__":
    sys.exit(main())
