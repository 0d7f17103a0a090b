"""What was claimed on the list, as a TOML file, and each claim as questions to the checker.

The format of ``spec/claims.toml``::

    [[claim]]
    id = "v10-online-cpus"            # kebab-case, of this claim alone
    text = "While SNP is live, …"     # the claim in our own words
    by = "Ashish Kalra"               # who made it
    date = 2026-06-30                 # of the message
    message = "[PATCH v10 3/6] …"     # its subject
    source = "lkml, 2026-06-30, …"    # where an archive of the list has it

    [[claim.question]]                # one or more, all of which must come out
    design = "rmpopt-v10"
    property = "online-cpus-guarded"  # or: reached = "full-shutdown"
    verdict = "holds"                 # holds, violated, or reached: its situation arises;
                                      # for reached = …: happens, or never
    scenario = "thread"               # the default is the first scenario
    firmware = "legacy"               # optional; otherwise with each profile
    assume = ["cpu-hot-add"]          # optional; otherwise under each set of a survey
    ioctls = "direct"                 # optional; otherwise as the design has them

``assume`` is written as ``--assume`` is, and ``assume = []`` says: the defaults, and nothing else.
A single question may be written ``question = {…}``. Whatever else is in the file is refused.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from softsnp.spec.catalog import BY_NAME, DESIGNS, FIRMWARE, IOCTLS, SCENARIOS
from softsnp.spec.reachable import REACHABLE

from . import options
from .errors import UsageError, unknown

PROPERTY_VERDICTS = ("holds", "violated", "reached")
REACHED_VERDICTS = ("happens", "never")
CLAIM = ("id", "text", "by", "date", "message", "source", "question")
QUESTION = ("design", "property", "reached", "verdict", "scenario", "firmware", "assume", "ioctls")
NAME = re.compile(r"[a-z0-9]+([-.][a-z0-9]+)*")


@dataclass(frozen=True)
class Asserted:
    """One question. ``firmware``, ``ioctls`` and ``assume`` are None where it leaves them open."""

    design: str
    name: str
    """Of a property, or of what is reached."""
    reached: bool
    verdict: str
    scenario: str
    firmware: str | None
    assume: tuple[tuple[str, bool], ...] | None
    ioctls: str | None


@dataclass(frozen=True)
class Claim:
    id: str
    text: str
    by: str
    date: str
    message: str
    source: str
    questions: tuple[Asserted, ...]


def packaged() -> tuple[str, str]:
    """(the name, the content) of the file that comes with the specification."""
    file = resources.files("softsnp.spec").joinpath("claims.toml")
    return "claims.toml", file.read_text(encoding="utf-8") if file.is_file() else ""


def read(path: Path) -> tuple[str, str]:
    """The same of a file of the user's own. Raises UsageError if it cannot be read."""
    try:
        return str(path), path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is no UTF-8") from None


def parse(file: str, content: str) -> list[Claim]:
    """The claims of a file, in its order.

    Raises UsageError that names the file, the entry, the key, and what was wanted.
    """
    try:
        told = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: {error}") from None
    _known(file, told, ("claim",))
    entries = told.get("claim", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UsageError(f"{file}: claim wants to be a list of tables: [[claim]]")
    claims: list[Claim] = []
    for number, entry in enumerate(entries, 1):
        claim = _claim(f"{file}: claim {number}", entry)
        if any(claim.id == other.id for other in claims):
            raise UsageError(f"{file}: claim {number}: id {claim.id!r} is another claim's too")
        claims.append(claim)
    return claims


def _claim(place: str, told: Mapping[str, Any]) -> Claim:
    name = _text(place, told, "id")
    if not NAME.fullmatch(name):
        raise UsageError(f"{place}: id wants kebab-case; got {name!r}")
    place = f"{place} ({name})"
    _known(place, told, CLAIM)
    date = told.get("date")
    if type(date) is not datetime.date:
        raise UsageError(f"{place}: date wants a date such as 2026-06-30; got {date!r}")
    asked = told.get("question")
    asked = [asked] if isinstance(asked, dict) else asked
    if not isinstance(asked, list) or not asked or not all(isinstance(q, dict) for q in asked):
        raise UsageError(f"{place}: question wants one table or more: [[claim.question]]")
    return Claim(
        name,
        _text(place, told, "text"),
        _text(place, told, "by"),
        date.isoformat(),
        _text(place, told, "message"),
        _text(place, told, "source"),
        tuple(_question(f"{place}: question {n}", q) for n, q in enumerate(asked, 1)),
    )


def _question(place: str, told: Mapping[str, Any]) -> Asserted:
    _known(place, told, QUESTION)
    if ("property" in told) == ("reached" in told):
        raise UsageError(f"{place}: wants one of the keys property and reached")
    reached = "reached" in told
    if reached:
        name = _one_of(place, told, "reached", [check.name for check in REACHABLE])
    else:
        name = _one_of(place, told, "property", BY_NAME)
    verdicts = REACHED_VERDICTS if reached else PROPERTY_VERDICTS
    scenario = next(iter(SCENARIOS))
    if "scenario" in told:
        scenario = _one_of(place, told, "scenario", SCENARIOS)
    return Asserted(
        _one_of(place, told, "design", DESIGNS),
        name,
        reached,
        _one_of(place, told, "verdict", verdicts),
        scenario,
        _one_of(place, told, "firmware", FIRMWARE) if "firmware" in told else None,
        _assume(place, told["assume"]) if "assume" in told else None,
        _one_of(place, told, "ioctls", IOCTLS) if "ioctls" in told else None,
    )


def _assume(place: str, told: object) -> tuple[tuple[str, bool], ...]:
    if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
        raise UsageError(f"{place}: assume wants a list of names; got {told!r}")
    try:
        return tuple(sorted(options.assumptions(told).items()))
    except UsageError as error:
        raise UsageError(f"{place}: assume: {error}") from None


def _known(place: str, told: Mapping[str, Any], keys: Iterable[str]) -> None:
    known = list(keys)
    for key in told:
        if key not in known:
            raise UsageError(f"{place}: {unknown('key', key, known)}")


def _text(place: str, told: Mapping[str, Any], key: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not value.strip():
        got = repr(value) if key in told else "nothing"
        raise UsageError(f"{place}: {key} wants a text; got {got}")
    return " ".join(value.split())


def _one_of(place: str, told: Mapping[str, Any], key: str, known: Iterable[str]) -> str:
    value = _text(place, told, key)
    if value not in known:
        raise UsageError(f"{place}: {key}: {unknown(key, value, known)}")
    return value
