"""The peers as engines: musil and minicheck, libraries for Python; stateright, one for Rust.

All three read the model as guarded commands (``models/guarded.py``) that are written to a file.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..engine import Sample
from ..machine import ROOT
from ..models import Model
from ..process import run
from . import install


class Peer:
    """One that has its model from a file, and says what it saw as JSON."""

    name: str
    cores = 1
    complete = True
    peer = False
    exported = False
    most_cpus: int | None = None

    def __init__(self, model: Model, directory: Path) -> None:
        self.model = model
        self.directory = directory

    def missing(self) -> list[str]:
        raise NotImplementedError

    def knows(self) -> bool:
        return self.model.guarded is not None

    def command(self, file: Path) -> list[str]:
        raise NotImplementedError

    def prepare(self, cpus: int) -> None:
        self.directory.mkdir(exist_ok=True)
        assert self.model.guarded is not None
        self._file(cpus).write_text(self.model.guarded(cpus).text())

    def run(self, cpus: int) -> Sample:
        ended = run(self.command(self._file(cpus)), ROOT)
        told = {"transitions": None, **json.loads(ended.said)}
        return Sample(**told, verdict=ended.wall, wall=ended.wall, processor=ended.processor)

    def _file(self, cpus: int) -> Path:
        return self.directory / f"{cpus}.txt"


class Library(Peer):
    """One for Python. It counts no transitions, and a larger size takes minutes and gigabytes."""

    library: str
    most_cpus: int | None = 5

    def missing(self) -> list[str]:
        return [] if install.has(self.library) else [f"{self.library} (make peers)"]

    def command(self, file: Path) -> list[str]:
        script = str(ROOT / "bench" / "peers" / "library.py")
        return [str(install.python()), script, self.library, str(file)]


class Musil(Library):
    name = f"musil {install.LIBRARIES['musil']}"
    library = "musil"


class Minicheck(Library):
    name = f"minicheck {install.LIBRARIES['minicheck']}"
    library = "minicheck"


class Stateright(Peer):
    """It keeps a 64-bit hash of each state: two states that share one would be one to it."""

    name = "stateright 0.31.0"

    def missing(self) -> list[str]:
        return [] if install.STATERIGHT.exists() else ["stateright (make peers)"]

    def command(self, file: Path) -> list[str]:
        return [str(install.STATERIGHT), str(file), str(self.cores)]
