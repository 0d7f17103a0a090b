"""Verbs about kernels and power."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from softsnp.spec.linux.init.main import CommandLine

from ..control_plane import HostDecider
from ..host import VirtualHost
from .verb import Arguments, Reply, VerbError, is_number, operation


def kexec_load(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    command_line(host, str(args.get("append", "")))
    host.kexec_loaded = True
    return {}


def kexec(
    host: VirtualHost, args: Arguments, reply: Reply, fail: Callable[[VerbError], None]
) -> None:
    if "append" in args or not host.kexec_loaded:
        kexec_load(host, args)
    operation("kexec")(host, args, reply, fail)


def command_line(host: VirtualHost, text: str) -> None:
    """What the next kernel is told of CPUs. Raises VerbError for what the specification lacks."""
    decider = host.plane.decider
    assert isinstance(decider, HostDecider)
    decider.command_line, decider.maxcpus = CommandLine.NOTHING, 0
    there = host.plane.count("listed")
    for word in text.split():
        name, _, value = word.partition("=")
        if decider.command_line is not CommandLine.NOTHING:
            raise VerbError(f"one of maxcpus=, nr_cpus= and nosmt at a time; got {text!r}")
        if name == "maxcpus" and is_number(value) and int(value) >= 1:
            decider.command_line, decider.maxcpus = CommandLine.MAXCPUS, int(value)
        elif name == "nr_cpus" and value == str(there - 1):
            decider.command_line = CommandLine.NR_CPUS
        elif word == "nosmt":
            decider.command_line = CommandLine.NOSMT
        else:
            raise VerbError(
                f"append wants maxcpus=N, nosmt or nr_cpus={there - 1} (the specification knows "
                f"one CPU less, not more); got {word!r}"
            )


def power_cycle(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    host.power_cycle()
    return {}
