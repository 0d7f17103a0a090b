"""The library that programs are started with: compiled on first use, and kept."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

SOURCES: Final = ("answer.c", "rewrite.c", "signals.c", "start.c")
HEADER: Final = "preload.h"
OPTIONS: Final = (
    *("-shared", "-fPIC", "-O2", "-std=gnu11", "-fvisibility=hidden", "-fno-stack-protector"),
    # Before every other constructor; nothing left to be bound in a signal handler.
    *("-Wl,-z,initfirst", "-Wl,-z,now"),
)
TABLE: Final = "SOFTSNP_CPUID_TABLE"
SITES: Final = "SOFTSNP_CPUID_SITES"


class CannotBuild(Exception):
    """No compiler, or one that fails, or nowhere to keep the library."""


def build(environment: Mapping[str, str] | None = None) -> Path:
    """The library, compiled by $CC or cc unless it has been, and kept in the user's cache.

    Raises CannotBuild.
    """
    given = os.environ if environment is None else environment
    compiler = shlex.split(given.get("CC", "")) or ["cc"]
    source = resources.files(__package__) / "preload"
    texts = {name: (source / name).read_text() for name in (HEADER, *SOURCES)}
    digest = hashlib.sha256(repr((_version(compiler), compiler, OPTIONS, texts)).encode())
    folder = cache(given)
    library = folder / f"cpuid-{digest.hexdigest()[:16]}.so"
    if library.is_file():
        return library
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as name:
            work = Path(name)
            for each, text in texts.items():
                (work / each).write_text(text)
            _compile([*compiler, *OPTIONS, *SOURCES, "-o", library.name], work)
            (work / library.name).replace(library)  # at once: another one may be building it
    except OSError as error:
        raise CannotBuild(
            f"softsnp run --cpuid keeps a compiled library in {folder}: {error.strerror}; "
            "XDG_CACHE_HOME names another place"
        ) from None
    return library


def cache(environment: Mapping[str, str]) -> Path:
    """Where compiled things are kept: as XDG's directories are found."""
    named = Path(environment.get("XDG_CACHE_HOME") or "")
    if not named.is_absolute():
        named = Path(environment.get("HOME") or Path.home()) / ".cache"
    return named / "softsnp"


def environment(
    library: Path, table: Path, sites: Path, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a program whose CPUID the table answers.

    ``sites`` is the directory that is asked (mirror.py), as the program sees it. Raises CannotBuild
    if the library's path cannot be in LD_PRELOAD.
    """
    if set(str(library)) & set(" :\t\n"):
        raise CannotBuild(
            f"LD_PRELOAD cannot have a path with a space or a colon, as {str(library)!r} is; "
            "XDG_CACHE_HOME names another place"
        )
    others = [each for each in (inherited.get("LD_PRELOAD"),) if each]
    return {
        "LD_PRELOAD": ":".join((str(library), *others)),
        TABLE: str(table),
        SITES: str(sites),
    }


def _version(compiler: list[str]) -> str:
    """What the compiler says of itself: another one makes another library."""
    try:
        said = subprocess.run(
            [*compiler, "--version"], capture_output=True, text=True, check=False, timeout=60
        )
    except (FileNotFoundError, PermissionError):
        raise CannotBuild(
            f"softsnp run --cpuid needs a C compiler, and there is no {compiler[0]}; "
            "on Debian: apt install gcc libc6-dev. $CC names another one"
        ) from None
    return said.stdout


def _compile(command: list[str], work: Path) -> None:
    done = subprocess.run(
        command, cwd=work, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise CannotBuild(
            f"softsnp run --cpuid needs a C compiler that makes shared libraries for x86-64 Linux; "
            f"this failed: {shlex.join(command)}\n{done.stderr.strip()}"
        )
