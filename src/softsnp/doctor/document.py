"""An observation as a JSON document: written deterministically, read without trust.

``observation.schema.json`` describes it. Sets of CPUs are texts like ``0,2-3`` in it, and registers
are hexadecimal. A document can come from anywhere: whatever is wrong with it is one BadObservation,
found in time and memory that its size bounds.
"""

from __future__ import annotations

import json

from . import cpuset
from .document_reader import (
    FORMAT,
    MOST_HOST,
    MOST_TEXT,
    REGISTER_TYPE,
    VERSION,
    BadObservation,
    Reader,
)
from .facts import FACTS, REGISTERS, Fact, Known, Observation, Unknown, Value
from .printable import printable
from .untrusted_json import MOST

__all__ = ["FORMAT", "MOST", "VERSION", "BadObservation", "read", "written"]


def written(observation: Observation) -> str:
    """One line, with its newline; of equal observations the same, unless their readings are in
    another order. What no terminal should be sent is escaped, and what is too long is cut off.
    """
    o = observation
    document = {
        "format": FORMAT,
        "version": VERSION,
        "host": printable(o.host, MOST_HOST) or "?",
        "at": o.at,
        "levels": list(o.levels),
        "facts": {
            name: _told(o.facts[name], kind.type) for name, kind in FACTS.items() if name in o.facts
        },
        "registers": {
            name: [
                {"cpus": cpuset.show(reading.cpus), **_told(reading.fact, REGISTER_TYPE)}
                for reading in o.registers[name]
            ]
            for name in REGISTERS
            if name in o.registers
        },
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _told(fact: Fact, kind: str) -> dict[str, object]:
    source = printable(fact.source, MOST_TEXT)
    if isinstance(fact, Known):
        return {"value": plain(fact.value, kind), "source": source, "at": fact.at}
    if isinstance(fact, Unknown):
        return {"unknown": printable(fact.because, MOST_TEXT), "source": source}
    values = [plain(value, kind) for value in fact.values]
    because = printable(fact.because, MOST_TEXT)
    return {"contradictory": values, "because": because, "source": source}


def plain(value: Value, kind: str) -> Value:
    """A fact's value as a document has it. ``kind`` is its type in FACTS, or REGISTER_TYPE."""
    if kind == "cpus":
        return cpuset.show(int(value))
    if kind == REGISTER_TYPE:
        return f"{value:#x}"
    return printable(value, MOST_TEXT) if isinstance(value, str) else value


def read(text: str | bytes, where: str) -> Observation:
    """Of ``written``. Raises BadObservation for anything else; ``where`` names the document in its
    message.
    """
    reader = Reader(printable(where))
    return reader.observation(reader.parsed(text))
