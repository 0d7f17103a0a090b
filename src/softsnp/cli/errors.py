"""What the command line refuses, as one message: exit status 2."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(Exception):
    """Bad usage: what, what was wanted, what came, and the right form."""


class Interrupted(Exception):
    """Ctrl-C came before a run had anything to tell."""


class Stopped(Exception):
    """What ended many runs before the last: no fault of theirs, and the rest can be done again."""


def unknown(kind: str, name: str, known: Iterable[str], listing: str = "") -> UsageError:
    """An unknown name, with the closest known ones."""
    names = list(known)
    close = get_close_matches(name, names, n=3, cutoff=0.4)
    message = f"no {kind} {name!r}"
    if close:
        message += f"; closest: {', '.join(close)}"
    else:
        message += f"; there are: {', '.join(names)}"
    if listing:
        message += f"\n  see: softsnp list {listing}"
    return UsageError(message)
