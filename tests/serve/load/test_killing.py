"""Thirty rounds; ``python -m tests.serve.load.killing`` plays more of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .killing import begin, play

SEED = 6
ROUNDS = 10


@pytest.mark.parametrize("part", range(3))
def test_nothing_is_left(part: int, tmp_path: Path) -> None:
    begin(tmp_path)
    played = [play(number, SEED, tmp_path) for number in range(part * ROUNDS, (part + 1) * ROUNDS)]
    assert [(one.number, one.victim, one.early, one.wrong) for one in played if one.wrong] == []
    assert sum(one.commands for one in played) > 0
