"""The kernel's log: a ring of records, which /dev/kmsg shows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

INFO = 6
NOTICE = 5
WARNING = 4
ERROR = 3
EMERGENCY = 0
KERNEL = 0
"""The facility that the kernel's own lines have."""


@dataclass(frozen=True)
class Record:
    """A line. ``time`` is in microseconds since boot."""

    sequence: int
    level: int
    facility: int
    time: int
    text: str

    def shown(self) -> bytes:
        """As /dev/kmsg writes it (Documentation/ABI/testing/dev-kmsg): bytes that are not
        printable ASCII are escaped, and so is the backslash.
        """
        head = f"{self.facility << 3 | self.level},{self.sequence},{self.time},-;"
        return head.encode() + b"".join(map(_escaped, self.text.encode())) + b"\n"


def _escaped(byte: int) -> bytes:
    if byte == ord("\\") or not ord(" ") <= byte < 127:
        return b"\\x%02x" % byte
    return bytes((byte,))


class KernelLog:
    """The newest ``capacity`` records. ``clock`` tells microseconds since boot."""

    def __init__(self, clock: Callable[[], int], capacity: int = 8192) -> None:
        self.clock = clock
        self._records: deque[Record] = deque(maxlen=capacity)
        self._next = 0
        self.kernels = 0
        """How many kernels had a log before this one."""
        self._subscribers: dict[object, Callable[[], None]] = {}

    @property
    def oldest(self) -> int:
        """The sequence number of the first record that is still there."""
        return self._next - len(self._records)

    @property
    def end(self) -> int:
        """The sequence number that the next record will have."""
        return self._next

    def clear(self) -> None:
        """Another kernel begins, with a log of its own."""
        self._records.clear()
        self._next = 0
        self.kernels += 1

    def record(self, sequence: int) -> Record:
        """Raises LookupError for what is gone, or not written yet."""
        if not self.oldest <= sequence < self._next:
            raise LookupError(
                f"record {sequence} of the kernel's log: "
                f"there are {self.oldest} up to and without {self._next}"
            )
        return self._records[sequence - self.oldest]

    def records(self) -> tuple[Record, ...]:
        return tuple(self._records)

    def say(self, text: str, level: int = INFO, facility: int = KERNEL) -> None:
        """Append a record, and tell everybody who waits for one."""
        self._records.append(Record(self._next, level, facility, self.clock(), text))
        self._next += 1
        for told in list(self._subscribers.values()):
            told()

    def subscribe(self, told: Callable[[], None]) -> Callable[[], None]:
        """Calls ``told`` after each record that comes; what is returned ends that."""
        key = object()
        self._subscribers[key] = told

        def end() -> None:
            self._subscribers.pop(key, None)

        return end
