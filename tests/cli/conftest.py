"""The public command line, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Softsnp = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def softsnp(tmp_path: Path) -> Softsnp:
    """Runs ``softsnp ARGUMENTS`` in a directory of the test's own, and returns what it did."""
    command = Path(sys.executable).with_name("softsnp")
    environment = {**os.environ, "COLUMNS": "80"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    return run
