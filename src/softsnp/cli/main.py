"""The command line. The only place that decides an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from softsnp.lang import SpecError

from .errors import Interrupted, UsageError

BAD_USAGE, UNDECIDED = 2, 3
VERBS = {
    "check": "check",
    "explain": "explain",
    "why": "why",
    "claims": "claims",
    "findings": "findings",
    "sweep": "sweep",
    "list": "listing",
    "show": "show",
    "export": "export",
    "conform": "conform",
    "run": "run",
    "ctl": "ctl",
    "doctor": "doctor",
}
"""Each verb, and the module that has it."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one message, without the whole usage."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message}\n  see: {self.prog} --help")


def parser(verb: str = "") -> argparse.ArgumentParser:
    """All of it, or what one verb needs: the doctor loads no explorer."""
    top = Parser(prog="softsnp", description="A software AMD SEV-SNP host.")
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for name in [verb] if verb in VERBS else VERBS:
        import_module(f".{VERBS[name]}", __package__).add_parser(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    try:
        given = sys.argv[1:] if argv is None else argv
        args = parser(given[0] if given else "").parse_args(given)
        status: int = args.verb(args)
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"softsnp: {error}", file=sys.stderr)
    except SpecError as error:
        print(f"softsnp: {error}", file=sys.stderr)
    except (KeyboardInterrupt, Interrupted):
        print("softsnp: interrupted before anything was decided", file=sys.stderr)
        return UNDECIDED
    except MemoryError as error:
        print(f"softsnp: {error or 'out of memory'}", file=sys.stderr)
        return UNDECIDED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNDECIDED
    return BAD_USAGE


if __name__ == "__main__":
    sys.exit(main())
