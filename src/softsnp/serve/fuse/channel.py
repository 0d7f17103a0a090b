"""/dev/fuse: requests come out of it, answers go into it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from .protocol import BUFFER_SIZE, NOTIFY_POLL, POLL_WAKEUP, REPLY

GONE = (errno.ENOENT, errno.ENODEV, errno.ECONNABORTED)
"""What an answer meets that nobody waits for any more: the request or the whole mount is gone."""


class Channel:
    """An open /dev/fuse whose file system is mounted. It does not own the descriptor."""

    def __init__(self, descriptor: int, trouble: Callable[[str], None]) -> None:
        self.descriptor = descriptor
        self.ended = False
        """Whether the file system is unmounted, or the connection was cut."""
        self._trouble = trouble

    def receive(self) -> bytes | None:
        """The next request; None when there is none."""
        while not self.ended:
            try:
                message = os.read(self.descriptor, BUFFER_SIZE)
                self.ended = not message
                return message or None
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return None
                if error.errno in (errno.ENODEV, errno.ECONNABORTED):
                    self.ended = True
                elif error.errno != errno.ENOENT:  # the request was taken back while it was read
                    raise
        return None

    def answer(self, unique: int, data: bytes = b"") -> None:
        """Answers a request; one that is gone meanwhile is no error."""
        try:
            os.write(self.descriptor, REPLY.pack(16 + len(data), 0, unique) + data)
        except OSError as error:
            if error.errno in GONE:
                return
            # The kernel keeps no request whose answer it could not read: some answer must come.
            self._trouble(f"the kernel refused {len(data)} bytes as an answer: {error}")
            self.fail(unique, errno.EIO)

    def fail(self, unique: int, error: int) -> None:
        """Answers a request with an errno, positive.

        ENOSYS becomes EOPNOTSUPP: the kernel would never ask for that operation again.
        """
        if error == errno.ENOSYS:
            error = errno.EOPNOTSUPP
        elif not 0 < error < 512:
            self._trouble(f"an answer's errno is {error}; it must be from 1 to 511")
            error = errno.EIO
        self._refuse(unique, error)

    def unknown(self, unique: int) -> None:
        """Answers that an operation does not exist, for good."""
        self._refuse(unique, errno.ENOSYS)

    def wake(self, kernel_handle: int) -> None:
        """Tells whoever polls an open file to look again."""
        message = POLL_WAKEUP.pack(kernel_handle)
        try:
            os.write(self.descriptor, REPLY.pack(16 + len(message), NOTIFY_POLL, 0) + message)
        except OSError as error:
            if error.errno not in GONE:
                raise

    def _refuse(self, unique: int, error: int) -> None:
        try:
            os.write(self.descriptor, REPLY.pack(16, -error, unique))
        except OSError as refused:
            if refused.errno not in GONE:
                raise
