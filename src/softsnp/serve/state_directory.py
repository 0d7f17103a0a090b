"""What a platform keeps without power, in a directory: ``--state DIR``.

``state.json`` is replaced as a whole: written without a name, synchronized, named beside it,
renamed, and the directory synchronized. Whatever ends the process, the file is the old state or the
new one. ``lock`` is held by flock for as long as a host uses the directory, and no longer than its
processes live.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from .firmware.kept import Kept
from .state_document import StateError, decode, encode

STATE = "state.json"
NEW_STATE = "state.json.new"
LOCK = "lock"


class StateDirectory:
    """Opened and locked; made, for its owner alone, if it is not there. A context manager.

    Raises StateError for what is not usable, and for a directory that another host uses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock: int | None = os.open(
                path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StateError(
                f"the state directory {path} cannot be used: {error.strerror}\n"
                f"  write: --state DIR, a directory in which you may create files"
            ) from error
        try:
            self._take_lock(self._lock)
            self._remove_left_over(path / NEW_STATE)
        except BaseException:
            self.close()
            raise

    def _take_lock(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 32, 0).decode("ascii", "replace").strip()
            process = f", process {holder}" if holder.isdigit() else ""
            raise StateError(
                f"the state directory {self.path} is in use by another host{process}\n"
                f"  write: --state with a directory of this host's own, or end the other one"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)

    @staticmethod
    def _remove_left_over(file: Path) -> None:
        """Of a host that was killed while it wrote."""
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StateError(f"{file} cannot be removed: {error.strerror}") from error

    def load(self) -> Kept | None:
        """What was saved last; None if nothing ever was."""
        file = self.path / STATE
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"{file} cannot be read: {error.strerror}") from error
        return decode(text, str(file))

    def save(self, kept: Kept) -> None:
        """Durable when it returns. Raises StateError: then the old state is there, or, if only the
        last of the steps failed, the new one.
        """
        if self._lock is None:
            raise ValueError(f"the state directory {self.path} is closed")
        new = self.path / NEW_STATE
        try:
            self._write(new, encode(kept))
            new.replace(self.path / STATE)
            self._synchronize()
        except OSError as error:
            raise StateError(
                f"the state in {self.path} cannot be saved: {error.strerror}"
            ) from error

    def _write(self, new: Path, content: bytes) -> None:
        """Named when all of it is there, where the file system has files without names."""
        try:
            nameless = os.open(self.path, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError:
            nameless = None
        new.unlink(missing_ok=True)
        with open(new if nameless is None else nameless, "wb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if nameless is not None:
                # A link to follow is followed only by linkat(), which takes a directory as well.
                os.link(f"/proc/self/fd/{nameless}", new, src_dir_fd=nameless)

    def _synchronize(self) -> None:
        """The directory: only then has the file its new name for certain."""
        directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def close(self) -> None:
        """Give the lock up. Done twice, it does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> StateDirectory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _private(path: str, flags: int) -> int:
    """For its owner alone: the seed is in it."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
