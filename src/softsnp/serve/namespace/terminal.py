"""The terminal's foreground, which a shell in the namespace takes and cannot give back."""

from __future__ import annotations

import os
import signal


class Terminal:
    """The terminal of this process, if its process group is in the foreground of one.

    A process group from outside has no number in the namespace, so that a shell which hands the
    terminal back, as it ends, has nobody to hand it to.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None
        for descriptor in (0, 1, 2):
            try:
                if os.tcgetpgrp(descriptor) == os.getpgrp():
                    self._descriptor = descriptor
                    return
            except OSError:
                continue

    def restore(self) -> None:
        if self._descriptor is None:
            return
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            if os.tcgetpgrp(self._descriptor) != os.getpgrp():
                os.tcsetpgrp(self._descriptor, os.getpgrp())
        except OSError:
            return  # it was hung up
        finally:
            signal.signal(signal.SIGTTOU, before)
