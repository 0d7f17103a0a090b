"""/sys/devices/system/cpu/smt: the second threads of cores."""

from __future__ import annotations

import errno

from softsnp.serve.vfs import Call, Fixed, Later
from softsnp.serve.view import HostView

from .attributes import Attribute, parse_int, without_newline
from .places import Places

SHOWN = {"ENABLED": "on", "DISABLED": "off", "FORCE_DISABLED": "forceoff"}
"""``cpu_smt_control`` of the specification, as the file says it."""


class Smt:
    """``control`` and ``active``. With one thread a core SMT is not supported, says x86."""

    def __init__(self, host: HostView, places: Places) -> None:
        self.host = host
        self.places = places

    def directory(self) -> Fixed:
        return Fixed(
            {
                "active": Attribute(self.active),
                "control": Attribute(self.control, self.store_control),
            }
        )

    def active(self) -> str:
        """Whether any core has both threads online."""
        if self.places.threads == 1:
            return "0"
        online = self.places.online(self.places.all)
        return str(int(any((core & online).bit_count() > 1 for core in self.places.cores)))

    def allowed(self) -> str:
        """The name of the value that ``cpu_smt_control`` has."""
        value = self.host.scalar("cpu_smt_control")
        return str(getattr(value, "name", value))

    def control(self) -> str:
        """A number when it is not that of all threads, which a write that failed may leave."""
        if self.places.threads == 1:
            return "notsupported"
        threads = self.host.scalar("cpu_smt_num_threads")
        if self.allowed() == "ENABLED" and threads != self.places.threads:
            return str(threads)
        return SHOWN[self.allowed()]

    def store_control(self, call: Call, text: str) -> int | Later:
        if self.places.threads == 1:
            raise OSError(errno.ENODEV, "")
        if self.allowed() == "FORCE_DISABLED":
            raise OSError(errno.EPERM, "")
        word = without_newline(text)
        if word not in SHOWN.values():
            number = parse_int(text)
            if not 1 <= number <= self.places.threads:
                raise OSError(errno.EINVAL, "")
            word = "off" if number == 1 else "on"
        return self.host.ask(call, f"smt {word}", len(text))
