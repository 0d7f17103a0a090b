"""Verbs that make things fail."""

from __future__ import annotations

from typing import Any

from softsnp.abi.sev import Status

from ..faults import FAULTS, Injected
from ..host import VirtualHost
from .looking import faults
from .verb import Arguments, VerbError, number_of


def inject(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    what = str(args["what"])
    if what not in FAULTS:
        raise VerbError(f"no fault {what!r}; there are {', '.join(FAULTS)}")
    given = str(args.get("status", Status.HWERROR_PLATFORM.name))
    if given in Status.__members__:
        value = Status[given].value
    else:
        try:
            value = int(given, 0)
        except ValueError:
            raise VerbError(f"status wants a number or a name of one; got {given!r}") from None
    times = number_of(args, "times") if "times" in args else 1
    if not 0 < value < 1 << 16 or times < 1:
        raise VerbError(f"status wants 1 to 65535, times 1 or more; got {value} and {times}")
    host.faults.add(Injected(what, value, times))
    return faults(host, args)


def heal(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    host.faults.clear()
    return []
