from __future__ import annotations

from pathlib import Path

import pytest

from softsnp.serve.cpuid import build, table, write
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.view import Topology

from .programs import Bench, need_compiler


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_compiler()
    pytest.importorskip("capstone", reason="capstone is not installed")
    return build({"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))})


@pytest.fixture
def bench(library: Path, tmp_path: Path) -> Bench:
    """A Turin of 8 CPUs: no machine that runs tests in a virtual machine answers like that."""
    written = tmp_path / "table"
    write(written, table(GENERATIONS["turin"], Topology(8, 2, 1)))
    return Bench(tmp_path, library, written)
