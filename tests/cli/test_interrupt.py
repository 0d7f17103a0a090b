"""Ctrl-C in the middle of a check: what was learnt so far, and exit status 3."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOFTSNP = Path(sys.executable).with_name("softsnp")
SLOW = ("--firmware", "x86-shutdown", "--assume", "cpu-hot-add")


@pytest.mark.parametrize("designs", [["rmpopt-v10"], ["rmpopt-v10", "rmpopt-v9"]])
def test_ctrl_c_ends_a_check_as_undecided(designs: list[str]) -> None:
    process = subprocess.Popen(
        [SOFTSNP, "check", *designs, *SLOW],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(2)  # well into the exploration, and well before its end
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode in (1, 3), errors
    assert "Traceback" not in errors
    assert "interrupted" in rest + errors or process.returncode == 1
