"""A request of the kernel that a file answers, at once or later."""

from __future__ import annotations

import errno
from collections.abc import Callable

from softsnp.serve.process_memory import ProcessMemory
from softsnp.serve.vfs import Call

from .channel import Channel
from .protocol import IOCTL_OUT, WRITE_OUT, Opcode
from .signals import being_killed

LOOK_AGAIN = 0.05
"""Seconds between two looks at whether an interrupted client is being killed by now: the kernel
says once that a request is interrupted, and a fatal signal may follow another.
"""


class Request(Call):
    """A call that remembers how its answer is written. Every answer but the first is dropped."""

    memory: ProcessMemory

    def __init__(
        self,
        channel: Channel,
        unique: int,
        opcode: int,
        caller: tuple[int, int, int],
        memory: ProcessMemory,
        trouble: Callable[[str], None],
    ) -> None:
        self.uid, self.gid, self.pid = caller
        self.memory = memory
        self.unique = unique
        self.opcode = opcode
        self.size = 0
        """Bytes that a READ asks for."""
        self.answered = False
        self._channel = channel
        self._trouble = trouble

    def done(self, value: bytes | int) -> None:
        if self.close():
            self._channel.answer(self.unique, self._form(value))

    def fail(self, error: int) -> None:
        if self.close():
            self._channel.fail(self.unique, error)

    def close(self) -> bool:
        """Nothing follows: the answer is on its way. Whether it is the first."""
        if self.answered:
            return False
        self.answered = True
        self.memory.close()
        return True

    def _form(self, value: bytes | int) -> bytes:
        if self.opcode == Opcode.READ and isinstance(value, bytes):
            return value[: self.size]
        if self.opcode == Opcode.WRITE and isinstance(value, int):
            return WRITE_OUT.pack(value, 0)
        if self.opcode == Opcode.IOCTL and isinstance(value, int):
            return IOCTL_OUT.pack(value, 0, 0, 0)
        self._channel.fail(self.unique, errno.EIO)
        raise TypeError(f"{Opcode(self.opcode).name} cannot be answered with {value!r:.40}")


class Waiting:
    """The requests that will be answered later, and those of them that are interrupted."""

    def __init__(self, clock: Callable[[], float], trouble: Callable[[str], None]) -> None:
        self._requests: dict[int, Request] = {}
        self._interrupted: dict[int, Request] = {}
        self._clock = clock
        self._next_look = 0.0
        self._trouble = trouble
        self._sweep_at = 64

    def __len__(self) -> int:
        return len(self._requests)

    def add(self, request: Request) -> None:
        if len(self._requests) >= self._sweep_at:
            self._requests = {u: r for u, r in self._requests.items() if not r.answered}
            self._sweep_at = 64 + 2 * len(self._requests)
        self._requests[request.unique] = request

    def interrupt(self, unique: int) -> None:
        """The client of a request has got a signal. Nothing happens if it is answered by now."""
        request = self._requests.get(unique)
        if request is None or request.answered:
            return
        if not self._look(request):
            if not self._interrupted:
                self._next_look = self._clock() + LOOK_AGAIN
            self._interrupted[unique] = request

    def look_again(self) -> float | None:
        """Looks at the interrupted when it is time. Seconds until the next time; None: never."""
        if not self._interrupted:
            return None
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + LOOK_AGAIN
            self._interrupted = {
                unique: request
                for unique, request in self._interrupted.items()
                if not request.answered and not self._look(request)
            }
        return max(0.0, self._next_look - now) if self._interrupted else None

    def _look(self, request: Request) -> bool:
        """Whether the request is answered now, since its client takes a signal that ends it."""
        if not request.interruptible and not being_killed(request.pid):
            return False
        if request.when_interrupted is not None:
            try:
                request.when_interrupted()
            except Exception as error:
                self._trouble(f"a file's answer to being interrupted failed: {error!r}")
        request.fail(errno.EINTR)  # the first answer counts: this one if the file gave none
        return True
