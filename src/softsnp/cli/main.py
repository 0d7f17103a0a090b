"""The command line. The only place that decides an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from softsnp.lang import SpecError

from . import (
    check,
    claims,
    conform,
    ctl,
    explain,
    export,
    findings,
    listing,
    run,
    show,
    sweep,
    why,
)
from .errors import UsageError
from .runs import Interrupted

BAD_USAGE, UNDECIDED = 2, 3


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one message, without the whole usage."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message}\n  see: {self.prog} --help")


def parser() -> argparse.ArgumentParser:
    top = Parser(prog="softsnp", description="A software AMD SEV-SNP host.")
    verbs = top.add_subparsers(metavar="VERB", required=True)
    for verb in (check, explain, why, claims, findings, sweep, listing, show, export, conform):
        verb.add_parser(verbs)
    for verb in (run, ctl):
        verb.add_parser(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    try:
        args = parser().parse_args(argv)
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
