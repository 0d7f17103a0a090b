"""Where nodes of the tree appear in a mount namespace, beside what the host has."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from . import system
from .messages import step
from .plan import HOME, TOOLS, Bind

PROGRAMS: Final = ("/usr/sbin", "/sbin", "/usr/bin", "/bin")
"""Where programs are hidden by tools of the same name."""


class Places:
    """Puts nodes where they belong. A directory that has to get new names is hidden by a tmpfs with
    the same names in it, each bound to what it was.
    """

    def __init__(self, tree: str) -> None:
        self._tree = tree
        """Where the tree is mounted."""
        self._ours: set[str] = set()
        """Directories of a tmpfs of ours, in which names can be made."""
        self.missing: list[str] = []
        """Places where nothing could be put."""

    def put(self, bind: Bind) -> None:
        source = f"{self._tree}/{bind.source}"
        with step("finding, in the tree of files,", bind.source):
            kind = os.lstat(source).st_mode
        with step("placing a file at", bind.place):
            try:
                there = os.lstat(bind.place).st_mode
            except FileNotFoundError:
                there = 0
            if there and (stat.S_IFMT(there) == stat.S_IFMT(kind) or _both_files(there, kind)):
                if not stat.S_ISLNK(kind):
                    system.mount(source, bind.place, "", system.MS_BIND)
                    return
            if not self._prepare(bind.place, there):
                self.missing.append(bind.place)
            elif stat.S_ISLNK(kind):
                Path(bind.place).symlink_to(Path(source).readlink())
            else:
                self._bind(source, bind.place, kind, system.MS_BIND)

    def open_up(self, directory: str, without: Collection[str] = ()) -> None:
        """From now on new names can be made in the directory; those in ``without`` are not there
        any more.
        """
        if directory in self._ours:
            return
        with step("hiding", directory):
            original = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                system.mount("softsnp", directory, "tmpfs", system.MS_NOSUID, "mode=755")
                self._ours.add(directory)
                os.fchdir(original)  # relative names lead to what is hidden
                for name in sorted({*os.listdir(original)} - {*without}):  # noqa: PTH208, of a descriptor
                    self._copy(name, f"{directory}/{name}")
                os.chdir("/")
            finally:
                os.close(original)

    def make_directory(self, directory: str, mode: int) -> None:
        """In a directory that has been opened up."""
        with step("making the directory", directory):
            Path(directory).mkdir()
            Path(directory).chmod(mode)
            self._ours.add(directory)

    def put_files(self, files: Mapping[str, bytes]) -> None:
        """Ordinary files, in HOME."""
        for name, content in files.items():
            file = Path(HOME, name)
            with step("making the file", str(file)):
                file.write_bytes(content)

    def put_tools(self, tools: Mapping[str, str]) -> None:
        """Programs, in TOOLS and over those of the same name."""
        directories = {os.path.realpath(programs) for programs in PROGRAMS}
        for name, text in tools.items():
            tool = Path(TOOLS, name)
            with step("making the tool", str(tool)):
                tool.write_text(text)
                tool.chmod(0o755)
                for directory in sorted(directories):
                    hidden = Path(directory, name)
                    if hidden.is_file() and not hidden.is_symlink():
                        system.mount(str(tool), str(hidden), "", system.MS_BIND)

    def _copy(self, name: str, target: str) -> None:
        """One name of a hidden directory, which is the working directory. What may not be shown
        is left out: the host's own user could not see it either.
        """
        try:
            kind = os.lstat(name).st_mode
            if stat.S_ISLNK(kind):
                Path(target).symlink_to(Path(name).readlink())
            else:
                self._bind(name, target, kind, system.MS_BIND | system.MS_REC)
        except OSError:
            self.missing.append(target)

    def _bind(self, source: str, target: str, kind: int, flags: int) -> None:
        if stat.S_ISDIR(kind):
            Path(target).mkdir()
        else:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        system.mount(source, target, "", flags)

    def _prepare(self, place: str, there: int) -> bool:
        """Makes room for a new name. Whether that is possible."""
        parent = os.path.realpath(Path(place).parent)
        above = parent
        while not Path(above).is_dir():
            above = str(Path(above).parent)
        if above == "/" or Path(above).is_relative_to("/proc"):
            return False
        self.open_up(above)
        if parent != above:
            Path(parent).mkdir(parents=True)
            self._ours.add(parent)
        if there:
            _remove(place, there)
        return True


def _both_files(one: int, other: int) -> bool:
    """Whether one can be bound over the other: a mount point is a directory, or it is not."""
    return not any(stat.S_ISDIR(mode) or stat.S_ISLNK(mode) for mode in (one, other))


def _remove(place: str, kind: int) -> None:
    """A name in a tmpfs of ours: a link, or something with a mount on it."""
    if stat.S_ISLNK(kind):
        Path(place).unlink()
        return
    try:
        system.unmount(place)
    except OSError as error:
        if error.errno != errno.EINVAL:  # nothing is mounted there
            raise
    if stat.S_ISDIR(kind):
        Path(place).rmdir()
    else:
        Path(place).unlink()
