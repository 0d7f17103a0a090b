"""Files of the kernel, read once."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from softsnp.doctor.facts import Fact, Known, Unknown, Value

MOST = 1 << 20
"""Bytes of a file that is read: none of ours is longer."""
ADVICE = {
    errno.EACCES: "permission denied: run as root",
    errno.EPERM: "not permitted: run as root, with CAP_SYS_RAWIO",
    errno.ENOENT: "there is no such file",
    errno.ENXIO: "there is no such device",
    errno.ENODEV: "there is no such device",
}


def told(error: OSError) -> str:
    """What an error means to whoever runs the doctor."""
    number = error.errno or 0
    return ADVICE.get(number) or os.strerror(number).lower()


@dataclass(frozen=True)
class Files:
    """The files below ``root``, at the time ``now`` (seconds since 1970)."""

    root: Path
    now: float

    def path(self, name: str) -> Path:
        """``name`` begins with a slash."""
        return self.root / name[1:]

    def read(self, name: str) -> str:
        """Raises OSError. What is no UTF-8 is replaced."""
        with self.path(name).open("rb") as file:
            return file.read(MOST).decode("utf-8", "replace")

    def known(self, value: Value, source: str) -> Known:
        return Known(value, source, self.now)

    def text(self, name: str) -> Fact:
        """A file of one line."""
        try:
            return self.known(self.read(name).strip(), name)
        except OSError as error:
            return Unknown(told(error), name)

    def there(self, name: str) -> Fact:
        """Whether there is such a file."""
        try:
            self.path(name).stat()
        except FileNotFoundError:
            return self.known(False, name)
        except OSError as error:
            return Unknown(told(error), name)
        return self.known(True, name)
