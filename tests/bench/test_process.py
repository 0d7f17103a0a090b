"""A child's end, good or bad."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.engine import EngineFailed
from bench.process import run


def test_what_it_said_and_that_it_computed(tmp_path: Path) -> None:
    ended = run([sys.executable, "-c", "sum(range(10**6)); print('done')"], tmp_path)
    assert ended.said == "done\n"
    assert ended.processor > 0
    assert ended.wall > 0


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("print('why'); raise SystemExit(3)", "exit status 3\nwhy"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
    ],
)
def test_how_it_ended(code: str, how: str, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=how):
        run([sys.executable, "-c", code], tmp_path)
