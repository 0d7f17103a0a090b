"""Pages that are made by a command, and say of what."""

from __future__ import annotations

import hashlib
import textwrap

from .fingerprint import DIGITS, fingerprint

WIDTH = 100


def header(command: str, *parts: str) -> str:
    """The first line of a page: what makes it, and a digest of all that it was made from.

    ``parts`` are what it depends on beside the specification.
    """
    digest = hashlib.sha256("\0".join([fingerprint(), *parts]).encode()).hexdigest()[:DIGITS]
    return f"<!-- {command} made this of {digest}; do not edit -->"


def filled(text: str, first: str = "", then: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_on_hyphens=False,
        break_long_words=False,
    )


def item(text: str) -> str:
    return filled(text, "- ", "  ")


def block(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"
