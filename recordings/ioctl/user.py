"""The memory of a process that calls: a few pages, some of them read-only."""

from __future__ import annotations

from errno import EFAULT
from itertools import groupby

PAGE = 4096
FILL = 0xEE
"""What is in memory that nobody has written to."""
ARGUMENT = 0x10100
"""Where struct sev_issue_cmd lies."""
DATA = 0x20000
"""Where the command's own struct lies. One page."""
FIRST, SECOND = 0x100000, 0x200000
"""Room for a command's outputs, five pages each."""
READ_ONLY = 0x300000
EDGE = 0x401000
"""Where memory ends: below is a page, and above none."""
NOTHING = 0x500000
KERNEL = 0xFFFF888000001000
"""Of the direct map: there in the kernel's page table, and not for a process."""
LAST = 0xFFFFFFFFFFFFFFF8
"""Of all addresses: 16 bytes would begin anew at 0."""
PAGES = (
    (ARGUMENT & -PAGE, 1, True),
    (DATA, 1, True),
    (FIRST, 5, True),
    (SECOND, 5, True),
    (READ_ONLY, 5, False),
    (EDGE - PAGE, 1, True),
)
"""(address, pages, whether they can be written)."""


class UserMemory:
    """As the kernel's copying has it: what is there is copied, up to the first byte that is not."""

    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}
        self.read_only: set[int] = set()
        for address, count, writable in PAGES:
            for page in range(address, address + count * PAGE, PAGE):
                self.pages[page] = bytearray([FILL]) * PAGE
                if not writable:
                    self.read_only.add(page)
        self._before: dict[int, bytes] = {}

    def put(self, address: int, data: bytes) -> None:
        """What lies there before the call, as far as there is memory."""
        for at, byte in enumerate(data, address):
            page = self.pages.get(at & -PAGE)
            if page is not None:
                page[at % PAGE] = byte

    def begin(self) -> None:
        """From now on writes count."""
        self._before = {page: bytes(data) for page, data in self.pages.items()}

    def reachable(self, address: int, length: int, write: bool = False) -> int:
        """How many of these bytes can be copied."""
        done = 0
        while done < length:
            page = (address + done) & -PAGE
            if page not in self.pages or (write and page in self.read_only):
                return done
            done = min(length, page + PAGE - address)
        return done

    def read(self, address: int, length: int) -> bytes:
        """Raises OSError(EFAULT) unless all of it is there."""
        if self.reachable(address, length) < length:
            raise OSError(EFAULT, f"no {length} bytes at {address:#x}")
        return self.part(address, length)

    def part(self, address: int, length: int) -> bytes:
        return bytes(self.pages[at & -PAGE][at % PAGE] for at in range(address, address + length))

    def write(self, address: int, data: bytes) -> None:
        """Raises OSError(EFAULT) when it has written what can be written."""
        able = self.reachable(address, len(data), write=True)
        self.put(address, data[:able])
        if able < len(data):
            raise OSError(EFAULT, f"no {len(data)} bytes at {address:#x} to be written")

    def changes(self) -> dict[str, str]:
        """Where bytes are others than before, and what is there: ``{"0x10010c": "04 00*3"}``."""
        found: dict[str, str] = {}
        for page, data in sorted(self.pages.items()):
            before = self._before[page]
            if data == before:
                continue
            differs = [old != new for old, new in zip(before, data, strict=True)]
            start = 0
            for different, run in groupby(differs):
                length = len(list(run))
                if different:
                    found[hex(page + start)] = short(bytes(data[start : start + length]))
                start += length
        return found


def short(data: bytes) -> str:
    """Bytes in hexadecimal, with repetitions counted."""
    counted = ((byte, len(list(run))) for byte, run in groupby(data))
    return " ".join(
        f"{byte:02x}*{count}" if count > 1 else f"{byte:02x}" for byte, count in counted
    )
