"""/sys/module and /proc/modules: the modules that are loaded."""

from __future__ import annotations

from collections.abc import Iterator

from softsnp.serve.vfs import Directory, File, Link, Node, Text
from softsnp.serve.view import HostView

from .attributes import Attribute, attributes, uevent

SIZES = {"ccp": 163840, "kvm": 1409024, "kvm_amd": 217088}
"""Bytes of a module's core."""
OTHER_SIZE = 65536


class Modules(Directory):
    """A directory for each module that is loaded."""

    def __init__(self, host: HostView) -> None:
        self.host = host
        self._made: dict[str, Module] = {}

    def entries(self) -> Iterator[tuple[str, Node]]:
        for name, _, _ in self.host.loaded():
            yield name, self._module(name)

    def lookup(self, name: str) -> Node | None:
        if any(name == loaded for loaded, _, _ in self.host.loaded()):
            return self._module(name)
        return None

    def _module(self, name: str) -> Module:
        if name not in self._made:
            self._made[name] = Module(self.host, name)
        return self._made[name]


class Module(Directory):
    """One module."""

    def __init__(self, host: HostView, name: str) -> None:
        self.fixed: dict[str, Node] = {
            **attributes(
                {
                    "coresize": str(SIZES.get(name, OTHER_SIZE)),
                    "initsize": "0",
                    "initstate": "live",
                    "refcnt": lambda: str(self._uses()[0]),
                    "taint": "",
                }
            ),
            "holders": Holders(self),
            "parameters": Parameters(host, name),
            "uevent": uevent(),
        }
        self.host = host
        self.name = name

    def _uses(self) -> tuple[int, tuple[str, ...]]:
        for name, count, users in self.host.loaded():
            if name == self.name:
                return count, users
        return 0, ()

    def users(self) -> tuple[str, ...]:
        return self._uses()[1]

    def entries(self) -> Iterator[tuple[str, Node]]:
        for name, node in self.fixed.items():
            if name != "parameters" or self.host.parameters(self.name):
                yield name, node

    def lookup(self, name: str) -> Node | None:
        if name == "parameters" and not self.host.parameters(self.name):
            return None
        return self.fixed.get(name)


class Holders(Directory):
    """Links to the modules that use this one."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._made: dict[str, Node] = {}

    def entries(self) -> Iterator[tuple[str, Node]]:
        for name in self.module.users():
            yield name, self._made.setdefault(name, Link(f"../../{name}"))


class Parameters(Directory):
    """What the module was loaded with; here nothing changes that later."""

    def __init__(self, host: HostView, module: str) -> None:
        self.host = host
        self.module = module
        self._made: dict[str, Node] = {}

    def _parameter(self, name: str) -> Node:
        return self._made.setdefault(
            name, Attribute(lambda: self.host.parameters(self.module).get(name, ""))
        )

    def entries(self) -> Iterator[tuple[str, Node]]:
        for name in self.host.parameters(self.module):
            yield name, self._parameter(name)

    def lookup(self, name: str) -> Node | None:
        return self._parameter(name) if name in self.host.parameters(self.module) else None


def proc_modules(host: HostView) -> File:
    """/proc/modules: name, bytes, use count, users, state and address."""

    def line(name: str, count: int, users: tuple[str, ...]) -> str:
        used = "".join(f"{user}," for user in users) or "-"
        return f"{name} {SIZES.get(name, OTHER_SIZE)} {count} {used} Live 0x0000000000000000\n"

    text = Text(lambda: "".join(line(*module) for module in host.loaded()))
    text.size = 0
    return text
