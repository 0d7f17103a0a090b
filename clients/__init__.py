"""Real tools that our tests run in the virtual host: not ours, and not in the wheel."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

DEFAULT = Path(__file__).parents[1] / "build" / "clients"


class ClientError(Exception):
    """A client cannot be had here, or does not run here. The message is one line, for a skip."""


def say(text: str) -> None:
    """Progress, for somebody who waits at a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{text}\n")


def have(name: str, directory: Path = DEFAULT) -> Path:
    """The fetched client of that name, which runs here. Raises ClientError, with the reason."""
    path = directory / name
    if not path.exists():
        raise ClientError(f"there is no {path}; python3 -m clients.fetch brings what can be had")
    version(path)
    return path


def version(path: Path) -> str:
    """What a client says of its version. One that does not run says why on stderr."""
    return run([str(path), "--version"], f"{path.name} does not run here").strip()


def run(command: Sequence[str], wrong: str, cwd: Path | None = None) -> str:
    """What a command prints. ``wrong`` begins the message of one that fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=cwd
        )
    except FileNotFoundError:
        raise ClientError(f"{wrong}: there is no {command[0]}") from None
    except OSError as error:
        raise ClientError(f"{wrong}: {command[0]}: {error.strerror}") from error
    if done.returncode:
        raise ClientError(f"{wrong}: {reason(done.stderr) or f'exit {done.returncode}'}")
    return done.stdout


def reason(stderr: str) -> str:
    """The one line of a failed command's messages that says most: the first that calls itself an
    error, or the last that is not indented, where a Python traceback has its exception.
    """
    lines = [line.rstrip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("e:", "error"))]
    return (errors or [line for line in lines if not line[0].isspace()][-1:] or [""])[0]
