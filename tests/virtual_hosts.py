"""Virtual hosts for tests: the public command, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

SOFTSNP = Path(sys.executable).with_name("softsnp")
CLIENTS = Path(__file__).resolve().parents[1] / "build" / "clients"
PATH = f"{SOFTSNP.parent}:{CLIENTS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {**os.environ, "PATH": PATH, "RUST_BACKTRACE": "0", "NO_COLOR": "1", "LC_ALL": "C"}
PATIENCE = 120


def softsnp(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``softsnp ARGUMENTS``."""
    return subprocess.run(
        [SOFTSNP, *arguments],
        cwd=cwd,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@cache
def unusable() -> str:
    """Why there can be no virtual host here; empty if there can."""
    done = softsnp("run", "--", "true")
    return "" if done.returncode == 0 else done.stderr.strip().replace("\n", " ")


def on_host(
    command: Sequence[str] | str, *options: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A command on a virtual host; a text is for bash. Skips the test where there can be none."""
    if unusable():
        pytest.skip(unusable())
    words = ["bash", "-c", command] if isinstance(command, str) else list(command)
    return softsnp("run", *options, "--", *words, cwd=cwd)


def needs(*programs: str) -> None:
    """Skips the test if one of these is not installed."""
    for program in programs:
        if not any(Path(place, program).exists() for place in PATH.split(":")):
            pytest.skip(f"{program} is not installed")
