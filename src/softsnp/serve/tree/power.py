"""/sys/power: how the host is put to sleep.

What a kernel can do and the specification does not have is refused with EOPNOTSUPP: suspend to
idle, the tests of suspending but that which turns back when the CPUs are frozen, and modes of
hibernation. What no kernel knows is EINVAL.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from softsnp.serve.vfs import Call, Fixed, Later, Node
from softsnp.serve.view import HostView

from .attributes import Attribute, attributes, parse_int, refuse, without_newline

TESTS = ("none", "core", "processors", "platform", "devices", "freezer")
SPECIFIED_TESTS = ("none", "processors")
DISK_MODES = ("platform", "shutdown", "reboot", "suspend", "test_resume")
IMAGE_SIZE = 26 << 30


def bracketed(words: tuple[str, ...], chosen: str) -> str:
    return " ".join(f"[{word}]" if word == chosen else word for word in words)


class Power:
    """``pm_test`` is the kernel's memory: a kernel that has just begun has none."""

    def __init__(self, host: HostView) -> None:
        self.host = host
        self.test = "none"

    def new_kernel(self) -> None:
        self.test = "none"

    def directory(self) -> Fixed:
        nodes: dict[str, Node] = {
            "state": Attribute("freeze mem disk", self._store_state),
            "mem_sleep": Attribute("s2idle [deep]", choice(("s2idle", "deep"), ("deep",))),
            "disk": Attribute(bracketed(DISK_MODES, "platform"), choice(DISK_MODES, ("platform",))),
            "pm_test": Attribute(lambda: bracketed(TESTS, self.test), self._store_test),
            "image_size": Attribute(str(IMAGE_SIZE), number(IMAGE_SIZE)),
            "wakeup_count": Attribute("0", number(0)),
        }
        for name, value in {
            "pm_async": 1,
            "pm_debug_messages": 0,
            "pm_freeze_timeout": 20000,
            "pm_print_times": 0,
            "sync_on_suspend": 1,
        }.items():
            nodes[name] = Attribute(str(value), number(value))
        return Fixed({**nodes, **attributes({"resume": "0:0", "pm_wakeup_irq": no_irq})})

    def _store_state(self, call: Call, text: str) -> int | Later:
        word = without_newline(text)
        if word == "mem":
            operation = "suspend" if self.test == "none" else "test suspend"
            return self.host.ask(call, operation, len(text))
        if word == "disk" and self.test == "none":
            return self.host.ask(call, "hibernate", len(text))
        if word in ("disk", "freeze"):
            return refuse(call, text)
        raise OSError(errno.EINVAL, "")

    def _store_test(self, call: Call, text: str) -> int:
        taken = choice(TESTS, SPECIFIED_TESTS)(call, text)
        self.test = without_newline(text)
        return taken


def choice(words: tuple[str, ...], specified: tuple[str, ...]) -> Callable[[Call, str], int]:
    """Takes the words that are specified."""

    def store(call: Call, text: str) -> int:
        word = without_newline(text)
        if word not in words:
            raise OSError(errno.EINVAL, "")
        return len(text) if word in specified else refuse(call, text)

    return store


def number(value: int) -> Callable[[Call, str], int]:
    """Takes the number that it has already; nothing here would heed another."""

    def store(call: Call, text: str) -> int:
        return len(text) if parse_int(text) == value else refuse(call, text)

    return store


def no_irq() -> str:
    """Nothing has woken the host."""
    raise OSError(errno.ENODATA, "")
