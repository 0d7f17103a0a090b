"""Bring real clients here: ``python3 -m clients.fetch [--sevctl] [DIR]``.

snphost comes from Debian's suite sid, where alone it is packaged, to DIR/snphost (build/clients);
sevctl is built by cargo, which takes minutes. What is there and runs is left alone. Needs apt-get
and dpkg-deb, no root. Exits with 1 and one line when a client cannot be had or does not run here.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from clients import DEFAULT, ClientError, apt, cargo, have, say, version

SUITE = "sid"
SEVCTL = "0.6.2"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python3 -m clients.fetch", description="Real clients.")
    parser.add_argument("directory", nargs="?", type=Path, default=DEFAULT, metavar="DIR")
    parser.add_argument("--sevctl", action="store_true", help="build sevctl too: takes minutes")
    given = parser.parse_args(arguments)
    wanted: dict[str, Callable[[Path], None]] = {"snphost": snphost}
    if given.sevctl:
        wanted["sevctl"] = sevctl
    for name, bring in wanted.items():
        try:
            say(f"{version(ensure(name, given.directory, bring))}: {given.directory / name}")
        except ClientError as error:
            sys.exit(str(error))


def ensure(name: str, directory: Path, bring: Callable[[Path], None]) -> Path:
    """The client, which is fetched unless it is there and runs."""
    if not (directory / name).exists():
        directory.mkdir(parents=True, exist_ok=True)
        bring(directory)
    return have(name, directory)


def snphost(directory: Path, suite: apt.Suite | None = None) -> None:
    """The program of Debian's package, unchanged; its libraries are this machine's."""
    if platform.machine() != "x86_64":
        raise ClientError(f"snphost is an x86_64 program, and this is {platform.machine()}")
    work = directory / "apt"
    suite = suite or apt.Suite(SUITE, work)
    try:
        suite.update()
        deb = suite.download("snphost")
        apt.unpack(deb, work / "unpacked")
        program = work / "unpacked" / "usr" / "bin" / "snphost"
        if not program.exists():
            raise ClientError(f"{deb.name} has no usr/bin/snphost")
        try:
            version(program)
        except ClientError as error:
            raise ClientError(f"{error}; {deb.name} wants {suite.depends('snphost')}") from error
        program.replace(directory / "snphost")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def sevctl(directory: Path) -> None:
    program = cargo.install("sevctl", SEVCTL, directory / "cargo")
    program.replace(directory / "sevctl")


if __name__ == "__main__":
    main()
