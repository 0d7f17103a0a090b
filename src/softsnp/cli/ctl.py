"""``softsnp ctl``: look at a running virtual host, and do to it what no program on it can."""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path
from typing import Any

from .errors import UsageError

INSIDE = Path("/dev/softsnp/ctl")


def add_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "ctl",
        help="control a running virtual host",
        description="Ask something of a virtual host that softsnp run has started, from inside it "
        "or from outside. The answer is JSON. softsnp ctl help lists the verbs.",
        epilog="Exit status: 0 done; 1 the host refused; 2 bad usage, or no host.",
    )
    parser.add_argument(
        "--host", metavar="PID", help="which host, by its process softsnp-init (default: the one)"
    )
    parser.add_argument("do", metavar="VERB", help="softsnp ctl help lists them")
    parser.add_argument(
        "rest", metavar="ARGUMENT", nargs=argparse.REMAINDER, help="values in order, or NAME=VALUE"
    )
    parser.set_defaults(verb=run)


def run(args: argparse.Namespace) -> int:
    from softsnp.serve.verbs import VERBS

    if args.do == "help":
        print(_help(), end="")
        return 0
    if args.do == "enter":
        return _enter(args)
    if args.do not in VERBS:
        raise UsageError(f"no verb {args.do!r}\n  see: softsnp ctl help")
    given = _arguments(args.do, list(VERBS[args.do].takes), args.rest)
    from softsnp.serve.control import ControlError, ask

    try:
        result = ask(_socket(args.host), args.do, **given)
    except ControlError as error:
        print(f"softsnp: {error}", file=sys.stderr)
        return 1
    if args.do == "hashstick":
        sys.stdout.buffer.write(base64.b64decode(result["hashstick"]))
    else:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    return 0


def _arguments(verb: str, takes: list[str], rest: list[str]) -> dict[str, str]:
    """Values by name: those without one are in the verb's order."""
    names = [name.removesuffix("*") for name in takes]
    given: dict[str, str] = {}
    for text in rest:
        name, equals, value = text.partition("=")
        if equals and name in names:
            given[name] = value
            continue
        free = [name for name in names if name not in given]
        if not free:
            wanted = " ".join(name.upper() for name in names) or "nothing"
            raise UsageError(f"softsnp ctl {verb} takes {wanted}; got {text!r} as well")
        given[free[0]] = text
    return given


def _socket(host: str | None) -> Path:
    from softsnp.serve.control import socket_of

    if host is None and INSIDE.exists():
        return INSIDE
    return socket_of(_init(host))


def _init(host: str | None) -> int:
    """The first process of the host that is meant."""
    from softsnp.serve.namespace.join import hosts

    running = list(hosts())
    if host is not None:
        if not host.isdecimal() or int(host) not in running:
            known = ", ".join(map(str, running)) or "none"
            raise UsageError(
                f"--host wants the pid of a running host; got {host!r}; there: {known}"
            )
        return int(host)
    if not running:
        raise UsageError(
            "no virtual host is running that you may see\n  start one: softsnp run -- bash"
        )
    if len(running) > 1:
        raise UsageError(
            f"{len(running)} hosts are running: {', '.join(map(str, running))}\n"
            "  say which: softsnp ctl --host PID …"
        )
    return running[0]


def _enter(args: argparse.Namespace) -> int:
    from softsnp.serve.namespace.errors import CommandError, NamespaceError
    from softsnp.serve.namespace.join import join

    command: list[Any] = args.rest[1:] if args.rest[:1] == ["--"] else args.rest
    try:
        return join(_init(args.host), command or ["bash"])
    except CommandError as error:
        print(f"softsnp: {error}", file=sys.stderr)
        return error.status
    except NamespaceError as error:
        raise UsageError(str(error)) from None


def _help() -> str:
    from softsnp.serve.verbs import VERBS

    lines = []
    for name, verb in VERBS.items():
        takes = [
            f"[{taken.removesuffix('*').upper()}]" if taken.endswith("*") else taken.upper()
            for taken in verb.takes
        ]
        lines.append(f"{' '.join([name, *takes]):<34}{verb.sentence}")
        lines += [
            f"    {taken.removesuffix('*')}: {sentence}" for taken, sentence in verb.takes.items()
        ]
    lines.append(f"{'enter [-- COMMAND]':<34}run another command on the host (default: bash)")
    return "\n".join(lines) + "\n"
