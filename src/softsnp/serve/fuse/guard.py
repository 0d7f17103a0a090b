"""What frees the server from itself.

A client may map one of our files, and hand us a pointer into it: reading that memory, the kernel
asks us for the page, and we are the one who waits for it. A second thread notices, and refuses.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from typing import Final

from softsnp.serve.process_memory import Transfer

from .channel import Channel
from .protocol import HEADER

PERIOD: Final = 0.2
"""Seconds that a transfer may take before it is looked at: it takes microseconds."""
PAUSE: Final = 0.001
"""Seconds between looks at a transfer that is stuck."""


class Guard:
    """Watches the transfers of the server's thread."""

    def __init__(self, channel: Channel, transfer: Transfer) -> None:
        self.active = False
        """Whether requests may yet come into ``aside``. Look at it first, at ``aside`` then."""
        self.aside: deque[bytes] = deque()
        """Requests of others that were read meanwhile, for the server's thread."""
        self._channel = channel
        self._transfer = transfer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="softsnp-guard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        before = 0
        while not self._stop.wait(PERIOD):
            now = self._transfer.moves
            if now % 2 and now == before:
                self._free(now)
            before = now

    def _free(self, stuck: int) -> None:
        """Until that transfer is over: it has an odd number."""
        self.active = True
        own = os.getpid()
        while self._transfer.moves == stuck and not self._channel.ended:
            message = self._channel.receive()
            if message is None:
                time.sleep(PAUSE)
                continue
            _, _, unique, _, _, _, pid, _, _ = HEADER.unpack_from(message)
            if pid == own:
                self._channel.fail(unique, errno.EIO)
            else:
                self.aside.append(message)
        self.active = False
