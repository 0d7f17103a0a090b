"""Who may import whom, what `import softsnp` costs, and how long a file may be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600
HEAVY = (
    "numpy",
    "numba",
    "rich",
    "unicorn",
    "drgn",
    "cryptography",
    "capstone",
    "ray",
    "softsnp.spec",
    "softsnp.explore",
)
SOURCES = sorted(
    path
    for top in ("src", "tests", "bench", "recordings", "clients")
    for path in (ROOT / top).rglob("*.py")
)


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in an interpreter of its own, where nothing is imported yet."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_import_contracts_are_kept() -> None:
    code = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(no_cache=True))"
    )
    done = python(code)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_loads_nothing_heavy() -> None:
    done = python("import sys, softsnp; print(*sys.modules, sep='\\n')")
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "softsnp" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded.intersection(HEAVY))


def test_there_are_sources_to_measure() -> None:
    assert Path(__file__).resolve() in SOURCES
    assert any(path.is_relative_to(ROOT / "src" / "softsnp") for path in SOURCES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_too_long(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST, f"{path.relative_to(ROOT)} has {lines} lines, over {LONGEST}"
