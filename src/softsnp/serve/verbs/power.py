"""Verbs about kernels, power and what is plugged in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..command_line import BootLine, CommandLineError, parse
from ..host import VirtualHost
from .verb import Arguments, Reply, VerbError, cpu_of, operation


def kexec_load(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    try:
        host.kexec_line = parse(str(args.get("append", "")), host.plane.count("listed"))
    except CommandLineError as error:
        raise VerbError(str(error)) from None
    return {}


def kexec(
    host: VirtualHost, args: Arguments, reply: Reply, fail: Callable[[VerbError], None]
) -> None:
    if "append" in args:
        kexec_load(host, args)
    host.decider.line = host.kexec_line or BootLine()
    operation("kexec")(host, args, reply, fail)


def power_cycle(host: VirtualHost, args: Arguments) -> dict[str, Any]:
    host.power_cycle()
    return {}


def hot_add(
    host: VirtualHost, args: Arguments, reply: Reply, fail: Callable[[VerbError], None]
) -> None:
    cpu = cpu_of(host, args)
    if host.cpu(cpu, "fused"):
        raise VerbError(f"hot-add: CPU {cpu} is there already")
    operation("hot-add", about_a_cpu=True)(host, args, reply, fail)
