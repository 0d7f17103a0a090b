"""Expressions of Promela: tests, and masks for sets of members."""

from __future__ import annotations

YES, NO = "true", "false"
NONE, ALL = "0", "ALL"
"""No member, and all of them."""


def some(members: str) -> str:
    """Whether there are any of these members."""
    return NO if members == NONE else YES if members == ALL else f"({members})"


def both(one: str, other: str) -> str:
    """The members that are among both."""
    if NONE in (one, other):
        return NONE
    return " & ".join(_bracketed(each) for each in (one, other) if each != ALL) or ALL


def _bracketed(members: str) -> str:
    return f"({members})" if " | " in members else members


def given(mask: str, which: str, on: bool) -> str:
    """A mask with these members' bits set, or cleared."""
    plain = which.isidentifier() or which.isdigit() or which.startswith("BIT(")
    return f"{mask} {'|' if on else '& ~'}{' ' if on else ''}{which if plain else f'({which})'}"


def negated(test: str) -> str:
    return {YES: NO, NO: YES}.get(test, f"!{test}")


def conjunction(one: str, other: str) -> str:
    if YES in (one, other):
        return other if one == YES else one
    return " && ".join(f"({each})" if " || " in each else each for each in (one, other))
