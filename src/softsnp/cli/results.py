"""Results of many runs in a file: a header, and one JSON line a finished run.

A line is written and flushed when its run is done, so whatever ends the process loses no more
than what was under way. A last line that was torn is dropped when the file is opened again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from .errors import UsageError
from .fingerprint import fingerprint, of_file
from .runs import Answer, Run

FORMAT = "softsnp.sweep/1"
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Row:
    """What is kept of one run. ``verdicts``: name to holds, violated or undecided."""

    verdicts: dict[str, str]
    stopped: str
    """Which bound ended it early, or empty."""
    limits: tuple[int | None, int | None]
    """The bounds it ran under: states, and bytes."""


def header() -> dict[str, Any]:
    from importlib.metadata import version  # slow to import, and only this needs it

    return {"format": FORMAT, "version": version("softsnp"), "specification": fingerprint()}


def key(run: Run) -> Key:
    """What a run's result depends on, but for its bounds."""
    return (
        run.design.shown,
        run.design.name,
        of_file(run.design.path),
        run.scenario,
        run.firmware,
        run.assume,
        run.ioctls,
        "any" if run.members is None else run.members,
        run.properties,
    )


def line(answer: Answer) -> str:
    """One run as a line, without a time, so that two sweeps say the same of it."""
    run = answer.run
    shown, name, file, scenario, firmware, assume, ioctls, cpus, _ = key(run)
    told = {
        "design": shown,
        "name": name,
        "file": file,
        "scenario": scenario,
        "firmware": firmware,
        "assume": dict(assume),
        "ioctls": ioctls,
        "cpus": cpus,
        "limits": [run.limits.states, run.limits.memory],
        "states": answer.states,
        "transitions": answer.transitions,
        "depth": answer.depth,
        "stopped": answer.stopped,
        "reached": answer.reached,
        "properties": {
            v.name: {
                "verdict": v.verdict,
                "exercised": v.exercised,
                "steps": v.steps,
                "cpus": v.members,
                "reason": v.reason,
            }
            for v in answer.verdicts
        },
    }
    return json.dumps(told, ensure_ascii=False)


class Results:
    """A file of results that is open to be added to. Its rows: what it had, and what was added."""

    def __init__(self, file: FileIO, rows: dict[Key, Row]) -> None:
        self._file = file
        self.rows = rows

    def add(self, answer: Answer) -> None:
        text = line(answer)
        self._file.write(f"{text}\n".encode())
        os.fsync(self._file.fileno())
        found, row = _row(json.loads(text))
        self.rows[found] = row

    def have(self, run: Run) -> bool:
        """Whether a run need not be done again: it is complete, or its bounds were the same."""
        row = self.rows.get(key(run))
        bounds = (run.limits.states, run.limits.memory)
        return row is not None and (not row.stopped or row.limits == bounds)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Results]:
    """The results at ``path``, which is made if it is not there.

    Raises UsageError for a file of something else, of another version or specification, for one
    that another process is writing, and for one that cannot be written.
    """
    try:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644), "a+")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    with file:
        _lock(file, path)
        file.seek(0)
        yield Results(file, _read(file, path))


def _lock(file: FileIO, path: Path) -> None:
    """For as long as this process lives; workers may outlive it for a moment, and hold nothing."""
    try:
        import fcntl
    except ImportError:  # not everywhere; then nobody is kept out
        return
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageError(f"{path}: another softsnp sweep is writing it") from None


def _read(file: FileIO, path: Path) -> dict[Key, Row]:
    content = file.readall()
    whole = content[: content.rfind(b"\n") + 1]
    first = f"{json.dumps(header())}\n".encode()
    if not whole:
        if not first.startswith(content):
            raise _foreign(path)
        file.truncate(0)
        file.write(first)
        return {}
    lines = whole.decode("utf-8", "replace").splitlines()
    _check_header(lines[0], path)
    file.truncate(len(whole))
    rows: dict[Key, Row] = {}
    for number, text in enumerate(lines[1:], 2):
        try:
            found, row = _row(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UsageError(f"{path}:{number}: not a result of softsnp sweep") from None
        rows[found] = row
    return rows


def _check_header(text: str, path: Path) -> None:
    wanted = header()
    try:
        got = json.loads(text)
        said, specification = got["format"], got["specification"]
    except (ValueError, KeyError, TypeError):
        raise _foreign(path) from None
    if said != FORMAT:
        raise UsageError(f"{path} has the format {said}; this softsnp writes {FORMAT}")
    if specification != wanted["specification"]:
        raise UsageError(
            f"{path} has results of another specification ({specification}); this one is "
            f"{wanted['specification']}\n  write: --out ANOTHER_FILE, or remove {path}"
        )


def _foreign(path: Path) -> UsageError:
    return UsageError(f"{path} is no file of softsnp sweep; it is left as it is")


def _row(told: dict[str, Any]) -> tuple[Key, Row]:
    properties = told["properties"]
    found = (
        told["design"],
        told["name"],
        told["file"],
        told["scenario"],
        told["firmware"],
        tuple(told["assume"].items()),
        told["ioctls"],
        told["cpus"],
        tuple(properties),
    )
    states, memory = told["limits"]
    verdicts = {name: said["verdict"] for name, said in properties.items()}
    return found, Row(verdicts, told["stopped"], (states, memory))
