"""Where the kernels are that ``python -m recordings.kernels.fetch`` has fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from recordings.kernels.fetch import DEFAULT

NAMES = ("linux-6.12", "linux-7.3")


def kernel(name: str) -> tuple[Path, Path]:
    """(vmlinux, ccp.ko); the test is skipped where they are not."""
    directory = DEFAULT / name
    if not directory.exists():
        pytest.skip(f"{directory} is not there: python3 -m recordings.kernels.fetch (2.2 GB)")
    return directory / "vmlinux", directory / "ccp.ko"
