"""Cycles in the order in which locks are taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Order = tuple[str, str]
"""A lock that is held, and the one that is waited for."""


def first_cycle(
    first_at: Sequence[dict[int, int]], orders: Sequence[Sequence[Iterable[Order]]]
) -> tuple[bool, int | None, str]:
    """(whether there is any order, the first state at which there is a cycle, the cycle in words).

    ``first_at``: by activity, each place to the number of the first state that has it.
    """
    seen: dict[Order, int] = {}
    for places, here in zip(first_at, orders, strict=True):
        for place, number in places.items():
            for order in here[place]:
                seen[order] = min(number, seen.get(order, number))
    after: dict[str, set[str]] = {}
    for (held, wanted), number in sorted(seen.items(), key=lambda item: (item[1], item[0])):
        way = _way(after, wanted, held)
        if way:
            return True, number, " → ".join([held, *way])
        after.setdefault(held, set()).add(wanted)
    return bool(seen), None, ""


def _way(after: dict[str, set[str]], start: str, goal: str) -> list[str]:
    """The shortest chain of orders from one lock to another, both included, or nothing."""
    chains = [[start]]
    known = {start}
    for chain in chains:  # which grow as we go
        if chain[-1] == goal:
            return chain
        for lock in sorted(after.get(chain[-1], ())):
            if lock not in known:
                known.add(lock)
                chains.append([*chain, lock])
    return []
