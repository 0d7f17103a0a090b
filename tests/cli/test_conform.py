"""softsnp conform refuses what it cannot use, in one message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def conform(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "softsnp.cli.main", "conform", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "the following arguments are required: --vmlinux"),
        (("--vmlinux", "/nowhere/vmlinux"), "/nowhere/vmlinux: No such file or directory"),
        (("--vmlinux", __file__), "test_conform.py is no ELF file"),
        (("--vmlinux", sys.executable, "--cpus", "1"), "--cpus wants a number from 2 to 16"),
        (("--vmlinux", sys.executable, "--depth", "9"), "--depth wants a number from 0 to 4"),
        (("--vmlinux", sys.executable, "--seed", "x"), "--seed wants a number from 0 to"),
        (("--vmlinux", sys.executable, "--design", "linux"), "no design 'linux'"),
        (("--vmlinux", sys.executable, "--firmware", "x"), "no firmware profile 'x'"),
    ],
)
def test_bad_usage_is_one_message_and_2(arguments: tuple[str, ...], told: str) -> None:
    done = conform(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_program_is_no_kernel() -> None:
    done = conform("--vmlinux", str(Path(sys.executable).resolve()))
    assert done.returncode == 2
    assert "no debug information" in done.stderr or "is no kernel" in done.stderr


def test_without_the_extra_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['unicorn'] = None\n"
        "from softsnp.cli.main import main; sys.exit(main(['conform', '--vmlinux', 'x']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "conform needs unicorn, which is not installed" in done.stderr
    assert "pip install 'softsnp[conform]'" in done.stderr
