"""The doctor as one file, for hosts that have Python and nothing else."""

from __future__ import annotations

import shutil
import tempfile
import zipapp
from pathlib import Path

import softsnp

from .errors import UsageError

ROOT = Path(softsnp.__file__).parent
WHOLE = ("abi", "lang", "spec", "doctor")
FILES = ("__init__.py", "cli/__init__.py", "cli/main.py", "cli/errors.py", "cli/doctor.py")
MORE = ("cli/fleet.py",)
MAIN = """\
import sys

from softsnp.cli.main import main

sys.exit(main(["doctor", *sys.argv[1:]]))
"""


def make(file: str) -> None:
    """Write it. Raises UsageError where that cannot be."""
    with tempfile.TemporaryDirectory() as made:
        top = Path(made)
        for part in WHOLE:
            leave = shutil.ignore_patterns("__pycache__", "designs", "*.toml")
            shutil.copytree(ROOT / part, top / "softsnp" / part, ignore=leave)
        for name in (*FILES, *MORE):
            there = top / "softsnp" / name
            there.parent.mkdir(exist_ok=True)
            shutil.copyfile(ROOT / name, there)
        (top / "__main__.py").write_text(MAIN, encoding="utf-8")
        try:
            zipapp.create_archive(top, file, "/usr/bin/env python3", compressed=True)
        except OSError as error:
            why = (error.strerror or "failed").lower()
            raise UsageError(f"cannot write {file}: {why}") from None
