"""What a verb is, and what all verbs are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from errno import errorcode
from typing import Any

from softsnp.run.task import ENDED

from ..host import VirtualHost

Reply = Callable[[Any], None]
Arguments = Mapping[str, Any]


class VerbError(Exception):
    """A request that cannot be done. One clear message; ``errno`` if the kernel refused it."""

    def __init__(self, message: str, errno: str = "") -> None:
        super().__init__(message)
        self.errno = errno


@dataclass(frozen=True)
class Verb:
    """One request: what it does, and what it takes (name to sentence; * at the end: may lack)."""

    sentence: str
    run: Callable[[VirtualHost, Arguments, Reply, Callable[[VerbError], None]], None]
    takes: dict[str, str] = field(default_factory=dict)


def at_once(do: Callable[[VirtualHost, Arguments], Any]) -> Any:
    """A verb that answers at once."""

    def run(host: VirtualHost, args: Arguments, reply: Reply, fail: Any) -> None:
        reply(do(host, args))

    return run


def operation(name: Callable[[Arguments], str] | str, about_a_cpu: bool = False) -> Any:
    """A verb that begins an operation of the specification and answers when that has ended."""

    def run(
        host: VirtualHost, args: Arguments, reply: Reply, fail: Callable[[VerbError], None]
    ) -> None:
        asked = name if isinstance(name, str) else name(args)
        cpu = cpu_of(host, args) if about_a_cpu else None

        def done(result: Any) -> None:
            if result is ENDED:
                reply({"ended": "with its kernel"})
            elif result is not None and result < 0:
                fail(refused(asked, -result))
            else:
                reply({})

        try:
            host.perform(asked, done, cpu)
        except OSError as error:
            raise refused(asked, error.errno or 0) from None

    return run


def refused(what: str, number: int) -> VerbError:
    name = errorcode.get(number, str(number))
    return VerbError(f"{what}: {name}", name)


def cpu_of(host: VirtualHost, args: Arguments) -> int:
    number = number_of(args, "cpu")
    if not 0 <= number < host.topology.cpus:
        raise VerbError(f"cpu wants a number from 0 to {host.topology.cpus - 1}; got {number}")
    return number


def number_of(args: Arguments, name: str) -> int:
    try:
        return int(str(args[name]), 0)
    except ValueError:
        raise VerbError(f"{name} wants a number; got {args[name]!r}") from None


def is_number(text: str) -> bool:
    """A decimal one, and not one that Python refuses for its length."""
    return text.isdecimal() and len(text) < 10


def module(what: str, args: Arguments) -> str:
    name = str(args["module"]).replace("_", "-")
    if name not in ("ccp", "kvm-amd"):
        raise VerbError(f"{what} wants ccp or kvm-amd; got {args['module']!r}")
    return f"{what} {name}"
