"""Progress is shown on a terminal, and nothing but the result anywhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

SOFTSNP = Path(sys.executable).with_name("softsnp")
RUN = ("check", "rmpopt-v10", "--firmware", "x86-shutdown", "--assume", "cpu-hot-add")


def on_a_terminal(*arguments: str) -> tuple[str, str]:
    """(what standard output got, what the terminal behind standard error got)."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [SOFTSNP, *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                some = os.read(ours, 1 << 16)
            except OSError:  # what a terminal says when nobody has its other end any more
                break
            if not some:
                break
            seen += some
        assert process.stdout is not None
        said = process.stdout.read()
    os.close(ours)
    return said, seen.decode()


@pytest.mark.parametrize("rung", ["python", "table"])
def test_a_terminal_sees_states_rate_depth_and_rung(rung: str) -> None:
    said, seen = on_a_terminal(*RUN, "--rung", rung)
    assert " states, " in seen
    assert "/s, depth " in seen
    assert f"({rung})" in seen
    assert said.startswith("rmpopt-v10, any number of CPUs, cpu-hot-add.")
    assert "states, " not in said
