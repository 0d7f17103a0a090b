"""JSON out of a file that anybody may have written: parsed in bounded time, and shown safely."""

from __future__ import annotations

import json

MOST = 4 << 20
"""Bytes of a document."""
MOST_DIGITS = 20
"""Of a whole number: no 64 bits have more."""
SHOWN = 40
"""Characters of what came that a message shows."""


class BadJson(Exception):
    """It cannot be parsed. The message says what was wanted and what came, but not where."""


class Huge:
    """A number with more digits than anybody needs, which is not made an int: that takes long."""


class Twice(dict[str, object]):
    """An object that has one of its keys, ``key``, twice."""

    key = ""


def parse(text: str | bytes) -> object:
    """Dicts, lists, texts, numbers, and what is above. Raises BadJson and nothing else."""
    if len(text) > MOST:
        raise BadJson(f"wanted at most {MOST} bytes, got {len(text)}")
    try:
        decoded = text if isinstance(text, str) else text.decode()
        return json.loads(decoded, parse_int=_number, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise BadJson(f"wanted UTF-8, got byte {byte:#04x} at {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadJson(f"wanted JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise BadJson("wanted an observation, got values that are nested too deep") from None


def _number(text: str) -> object:
    return int(text) if len(text) <= MOST_DIGITS else Huge()


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    twice = Twice(made)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            twice.key = key
            break
        seen.add(key)
    return twice


def shown(value: object) -> str:
    """Short, and fit for a terminal, whatever it is."""
    if isinstance(value, str):
        text = json.dumps(value[: SHOWN + 1])
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Huge):
        return "a number of too many digits"
    return json.dumps(value)
