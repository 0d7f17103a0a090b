"""Which specification a result is of: a digest of its sources."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import softsnp

ROOT = Path(softsnp.__file__).parent
SOURCES = ("abi", "lang", "spec")
"""What says how a host behaves; the engine has no say in that."""
DIGITS = 16


@cache
def fingerprint() -> str:
    """16 hexadecimal digits that change with any source of the specification or its language."""
    digest = hashlib.sha256()
    for top in SOURCES:
        for path in sorted((ROOT / top).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:DIGITS]


def of_file(path: str) -> str:
    """The same for a user's file; empty for no file."""
    if not path:
        return ""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:DIGITS]
