"""Loops that end because they take members out of a class, and put none into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Link = tuple[int, int, int]
"""An outcome of a way: (number of the state, classes by bits that have lost a member for certain,
classes that may have gained one)."""
Ways = Mapping[int, Sequence[tuple[Link, ...]]]
"""By number of a state. A state that is no key is one in which there is nothing left to do."""


def descending(ways: Ways) -> set[int]:
    """States from which one can come to a state that is no key, whatever the number of members.

    By rule 1 of ``proof.py``, or by rule 2 for one class after the other; what one has settled
    helps the next. Empty when neither says anything.
    """
    unsure = set(ways)
    lost = 0
    for links in ways.values():
        for way in links:
            for _, fewer, more in way:
                lost |= fewer & ~more
    classes = [1 << cls for cls in range(lost.bit_length()) if lost >> cls & 1]
    for cls in [0, *classes]:
        unsure -= _by_class(ways, unsure, cls)
    return set(ways) - unsure


def _by_class(ways: Ways, unsure: set[int], cls: int) -> set[int]:
    """The largest set of the unsure states in which one can go on until the class has lost one, or
    out of it to where nothing is left to do, and nobody comes to the class. By rule 1, if 0.
    """
    inside = unsure
    while inside:
        coming = _coming(ways, unsure, inside, cls)
        if not cls or len(coming) == len(inside):
            return coming
        inside = coming
    return inside


def _coming(ways: Ways, unsure: set[int], inside: set[int], cls: int) -> set[int]:
    """Those of the states inside from which one can come to a loss, or to where nothing is left."""
    waiting: dict[int, list[list[int]]] = {}
    """State to the ways that wait for it: [whose it is, for how many states it waits]."""
    found: set[int] = set()
    todo: list[int] = []
    for number in inside:
        for way in ways[number]:
            needs = []
            for state, fewer, more in way:
                if state not in unsure or (state in inside and fewer & ~more & cls):
                    continue
                if more & cls or state not in inside:
                    break
                needs.append(state)
            else:
                if not needs:
                    found.add(number)
                    todo.append(number)
                    break
                one = [number, len(needs)]
                for state in needs:
                    waiting.setdefault(state, []).append(one)
    while todo:
        for one in waiting.pop(todo.pop(), ()):
            one[1] -= 1
            if not one[1] and one[0] not in found:
                found.add(one[0])
                todo.append(one[0])
    return found
