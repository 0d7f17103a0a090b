"""What the files and directories of sysfs have in common."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Mapping

from softsnp.serve.vfs import Call, Directory, Fixed, Handle, Later, Node, Text

Show = Callable[[], str] | str
Store = Callable[[Call, str], int | Later]


class Attribute(Text):
    """A text with its newline. Not even root opens it for what it has no function for."""

    def __init__(self, show: Show, store: Store | None = None, mode: int | None = None) -> None:
        super().__init__((lambda: f"{show()}\n") if callable(show) else f"{show}\n", store, mode)

    def open(self, handle: Handle, call: Call) -> None:
        if handle.writable and not self.mode & 0o222:
            raise OSError(errno.EACCES, "")
        if handle.readable and not self.mode & 0o444:
            raise OSError(errno.EACCES, "")

    def write(self, handle: Handle, call: Call, offset: int, data: bytes) -> int | Later:
        """Writing nothing never comes to the attribute."""
        return super().write(handle, call, offset, data) if data else 0


class Group(Directory):
    """Names that never change, to nodes that are made when they are first asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Node]]) -> None:
        self.makers = makers
        self._made: dict[str, Node] = {}

    def _node(self, name: str) -> Node:
        if name not in self._made:
            self._made[name] = self.makers[name]()
        return self._made[name]

    def entries(self) -> Iterator[tuple[str, Node]]:
        for name in self.makers:
            yield name, self._node(name)

    def lookup(self, name: str) -> Node | None:
        return self._node(name) if name in self.makers else None


class Numbered(Directory):
    """Directories with a number in their names, of which some are there; and fixed names.

    A look-up asks about its own number only.
    """

    def __init__(
        self,
        prefix: str,
        numbers: range,
        there: Callable[[int], bool],
        make: Callable[[int], Node],
        fixed: Mapping[str, Node],
    ) -> None:
        self.prefix = prefix
        self.numbers = numbers
        self.there = there
        self.make = make
        self.fixed = dict(fixed)
        self._name = re.compile(re.escape(prefix) + "(0|[1-9][0-9]{0,8})")
        self._made: dict[int, Node] = {}

    def _node(self, number: int) -> Node:
        if number not in self._made:
            self._made[number] = self.make(number)
        return self._made[number]

    def entries(self) -> Iterator[tuple[str, Node]]:
        for number in self.numbers:
            if self.there(number):
                yield f"{self.prefix}{number}", self._node(number)
        yield from self.fixed.items()

    def lookup(self, name: str) -> Node | None:
        if name in self.fixed:
            return self.fixed[name]
        found = self._name.fullmatch(name)
        if found is None or int(found[1]) not in self.numbers or not self.there(int(found[1])):
            return None
        return self._node(int(found[1]))


def attributes(texts: Mapping[str, Show]) -> dict[str, Node]:
    """Attributes that are only read."""
    return {name: Attribute(show) for name, show in texts.items()}


def runtime_power(**more: Show) -> Fixed:
    """The directory ``power`` of a device that has no power management of its own."""

    def no_delay() -> str:
        raise OSError(errno.EIO, "")

    texts: dict[str, Show] = {
        "runtime_active_time": "0",
        "runtime_status": "unsupported",
        "runtime_suspended_time": "0",
        **more,
    }
    return Fixed(
        {
            "autosuspend_delay_ms": Attribute(no_delay, refuse),
            "control": Attribute("auto", one_of({"auto": None}, unlike=errno.EOPNOTSUPP)),
            **attributes(texts),
        }
    )


ACTIONS = ("add", "remove", "change", "move", "online", "offline", "bind", "unbind")


def uevent(show: Show = "") -> Attribute:
    """Writing one of the actions sends it to those who listen, and here is nobody.

    ``show`` is the text without its last newline.
    """

    def store(call: Call, text: str) -> int:
        if not text.split() or text.split()[0] not in ACTIONS:
            raise OSError(errno.EINVAL, "")
        return len(text)

    attribute = Attribute(show, store)
    if show == "":
        attribute.show = ""
    return attribute


def refuse(call: Call, text: str) -> int:
    """For what a kernel can do and this host cannot."""
    raise OSError(errno.EOPNOTSUPP, "")


def one_of(
    values: Mapping[str, Callable[[], None] | None], unlike: int = errno.EINVAL
) -> Callable[[Call, str], int]:
    """Stores one of these words; ``unlike`` is the errno for any other."""

    def store(call: Call, text: str) -> int:
        word = without_newline(text)
        if word not in values:
            raise OSError(unlike, "")
        done = values[word]
        if done is not None:
            done()
        return len(text)

    return store


def without_newline(text: str) -> str:
    """As sysfs_streq() compares: one newline at the end does not matter, nor what a NUL ends."""
    return text.partition("\0")[0].removesuffix("\n")


def parse_bool(text: str) -> bool:
    """By the first character, and the second after an o, as kstrtobool() of Linux 6.12 does it.

    Raises OSError(EINVAL) for what is neither.
    """
    head = text[:2].lower()
    if head[:1] in ("1", "y", "t") or head == "on":
        return True
    if head[:1] in ("0", "n", "f") or head == "of":
        return False
    raise OSError(errno.EINVAL, "")


def parse_int(text: str) -> int:
    """A decimal number, as kstrtoint() takes it. Raises OSError(EINVAL)."""
    word = without_newline(text)
    if not re.fullmatch(r"[+-]?[0-9]+", word, re.ASCII):
        raise OSError(errno.EINVAL, "")
    return int(word)
