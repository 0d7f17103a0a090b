"""Where the library asks for a program's CPUID instructions: a directory that mirrors the file
system. Of the program /usr/bin/lscpu it reads the file usr/bin/lscpu there, a text of hexadecimal
numbers: inode, size and time of change (ns) of the program, then a line for each address. The
library uses them only for a file that still is that one. A dash in their place: of such a program
nothing is rewritten, nor of its libraries. What is no program has an empty text.

Two directories have this form: one of ordinary files, written before, and one on FUSE that is
answered when it is asked. The server sees files from its own mount namespace, so whatever was
mounted in the virtual host alone is not found, and runs unchanged.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from ..vfs import Call, Directory, File, Handle, Later, Node
from .elf import NotElf
from .sites import OwnSignals, find_sites

Key = tuple[str, int, int, int]
"""Path, inode, size, time of change in ns."""

KEPT: Final = 1024
"""How many files' answers are remembered."""


def answer(status: os.stat_result, sites: Iterable[int] | None) -> str:
    """The text about a file; None: it is to be left alone with all its libraries."""
    first = f"{status.st_ino:x} {status.st_size:x} {status.st_mtime_ns:x}"
    lines = ("-",) if sites is None else (f"{site:x}" for site in sites)
    return "\n".join((first, *lines)) + "\n"


class Finder:
    """Answers about files, each found once as long as it does not change. For any thread."""

    def __init__(self, find: Callable[[Path], list[int]] = find_sites) -> None:
        self._find = find
        self._known: OrderedDict[Key, str] = OrderedDict()
        self._lock = threading.Lock()

    def text(self, path: Path) -> str:
        """Empty for what is no program. Raises OSError, NoDisassembler."""
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return ""
        key = (str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        with self._lock:
            if key not in self._known:
                self._known[key] = self._new(path, status)
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            return self._known[key]

    def _new(self, path: Path, status: os.stat_result) -> str:
        try:
            return answer(status, self._find(path))
        except OwnSignals:
            return answer(status, None)
        except NotElf:
            return ""


class Mirror(Directory):
    """The directory on FUSE. Its names are looked up, never listed."""

    mode = 0o555

    def __init__(self, finder: Finder, path: Path = Path("/")) -> None:
        self.finder = finder
        self.path = path

    def entries(self) -> Iterator[tuple[str, Node]]:
        yield from ()

    def lookup(self, name: str) -> Node | None:
        path = self.path / name
        try:
            mode = path.stat().st_mode
        except OSError:
            return None
        if stat.S_ISDIR(mode):
            return Mirror(self.finder, path)
        return MirrorFile(self.finder, path) if stat.S_ISREG(mode) else None


class MirrorFile(File):
    """The answer about one file, for whoever may read the file or may execute it."""

    mode = 0o444

    def __init__(self, finder: Finder, path: Path) -> None:
        self.finder = finder
        self.path = path

    def open(self, handle: Handle, call: Call) -> None:
        if handle.writable:
            raise OSError(errno.EACCES, "")
        status = self.path.stat()
        if call.uid not in (0, status.st_uid) and not status.st_mode & 0o055:
            raise OSError(errno.EACCES, "")

    def read(self, handle: Handle, call: Call, offset: int, size: int) -> bytes | Later:
        if offset == 0 or handle.data is None:
            handle.data = self.finder.text(self.path).encode()
        return handle.data[offset : offset + size]


def write_mirror(directory: Path, paths: Iterable[Path], finder: Finder | None = None) -> None:
    """Ordinary files with the answers about some files. Raises OSError, NoDisassembler."""
    finder = finder or Finder()
    for path in paths:
        target = directory / path.absolute().relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(finder.text(path))
