"""``softsnp doctor --from``: saved observations of many hosts, one after the other."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from softsnp.doctor.document import BadObservation
    from softsnp.doctor.facts import Observation


def only_one(file: str) -> Observation | None:
    """What a file with one observation has; None where there are several.

    Raises UsageError for what is none.
    """
    from softsnp.doctor.document import BadObservation

    found: list[Observation] = []
    for one in _observations(file):
        if isinstance(one, BadObservation):
            if found:
                return None
            raise UsageError(str(one))
        found.append(one)
        if len(found) > 1:
            return None
    if not found:
        raise UsageError(
            f"{file}: wanted an observation; got nothing\n  make one: softsnp doctor --save {file}"
        )
    return found[0]


def judge_all(files: Sequence[str], form: str) -> int:
    """A line for each host, and a summary. What cannot be read is told, and the rest goes on."""
    from softsnp.doctor.diagnosis import diagnose
    from softsnp.doctor.document import BadObservation
    from softsnp.doctor.fleet import Fleet, line

    if form == "prometheus":
        raise UsageError(
            "--format prometheus is for one host: each host writes its own file\n"
            "  write: softsnp doctor --format prometheus --output FILE.prom"
        )
    fleet = Fleet()
    for file in files:
        for one in _observations(file):
            if isinstance(one, BadObservation):
                fleet.add_unreadable()
                print(f"softsnp: {one}", file=sys.stderr)
                continue
            diagnosis = diagnose(one)
            fleet.add(diagnosis)
            if form == "text":
                print(line(diagnosis))
    if form == "json":
        print(json.dumps(fleet.plain(), indent=2, ensure_ascii=False))
    else:
        print()
        print("\n".join(fleet.summary()))
    return fleet.status


def _observations(file: str) -> Iterator[Observation | BadObservation]:
    """Raises UsageError for a file that cannot be read."""
    from softsnp.doctor.fleet import observations

    try:
        yield from observations(Path(file))
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise UsageError(f"cannot read {file}: {why}") from None
