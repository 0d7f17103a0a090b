"""Texts that came from a host, made fit for a terminal, a ticket, or a line of a log."""

from __future__ import annotations


def printable(text: str, most: int | None = None) -> str:
    """At most ``most`` characters, the last of them ``…`` where some were cut off. What is not
    printable (control characters, marks of direction, lone surrogates) is escaped: ``\\x1b``.
    """
    if most is not None and len(text) > most:
        text = cut(text, most)
    if not text.isprintable():
        text = "".join(map(_escaped, text))
        if most is not None:
            text = cut(text, most)
    return text


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _escaped(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()
