"""What can be wrong with a specification, as one message each.

::

    SpecError            the user's specification is wrong: what, where, and the right form
    OutOfDomain          a field was given a value outside its domain (an outcome, not a crash)
    Impossible           the rest of this step cannot be run (an outcome, not a crash)

The last two derive from BaseException so that an ``except Exception`` in a specification
cannot swallow them: a tabulated step may meet values that never occur together in a reachable
state, and only the explorer knows whether it does.
"""

from __future__ import annotations

import sys
from types import FrameType, TracebackType


class SpecError(Exception):
    """A specification breaks a rule of the language.

    ``where`` is ``file:line`` in the author's own code when it is known.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where


class Impossible(BaseException):
    """This step cannot be taken from here; reported only when a reachable state takes it."""


class OutOfDomain(Impossible):
    """A field was given a value that its declared domain does not hold."""


def innermost_frame(traceback: TracebackType | None) -> str:
    """``file:line`` of the deepest frame outside this package's language, or an empty string."""
    place = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if "/softsnp/lang/" not in code.co_filename and "/softsnp/explore/" not in code.co_filename:
            place = f"{code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def caller() -> str:
    """``file:line`` of the nearest running frame outside this package's language, if there is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if "/softsnp/lang/" not in file and "/softsnp/explore/" not in file:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
