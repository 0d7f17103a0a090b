"""The steps among known states, written down and turned round. Compiled, as kernel.py is."""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by backwards_table.py.

import numpy as np
from numba import njit

from .judging import number_all
from .kernel import (
    BATCH,
    C_AT,
    C_LEVEL_END,
    C_TAKEN,
    DONE,
    LOST,
    MISSING,
    ROOM,
    WORK,
    look_ahead,
    produce,
)
from .seen import U, hashed, slot_of


@njit(cache=True, nogil=True)
def lead(control, tables, batch, second, states, slots, ends, targets):
    """Write down where the steps of each state lead to, from the state C_AT to C_LEVEL_END.

    ``ends``: where those of each state end in ``targets``. ``slots`` is an index of all states.
    Returns why it ended, DONE or what explore() returns; C_AT says where it goes on.
    """
    while control[C_AT] < control[C_LEVEL_END]:
        at = control[C_AT]
        written = np.int64(ends[at - 1]) if at else 0
        if written + batch.out0.size > targets.size:
            return ROOM
        count = min(BATCH, control[C_LEVEL_END] - at)
        for j in range(count):
            batch.todo[U(j)] = at + j
        why = produce(control, tables, batch, second, states, count, WORK)
        taken = control[C_TAKEN]
        n = batch.ends[taken - 1] if taken else 0
        if not number_all(control, batch, second, states, slots, n):
            return LOST
        for j in range(n):
            targets[written + j] = batch.late[U(j)]
        for position in range(taken):
            ends[at + position] = written + batch.ends[U(position)]
        control[C_AT] = at + taken
        if why != DONE and not taken:
            if why == MISSING:
                look_ahead(control, tables, batch, second, states, at + 1)
            return why
    return DONE


@njit(cache=True, nogil=True)
def turn(ends, targets, begins, sources):
    """The same, by where they lead to: ``sources`` from ``begins`` of a state to that of the next.

    ``begins`` has one more than there are states, zeros.
    """
    known, written = ends.size, np.int64(ends[-1])
    for j in range(written):
        begins[targets[j]] += 1
    for n in range(known):
        begins[n + 1] += begins[n]
    j = written  # from the last to the first, so that each ends where it begins
    for n in range(known - 1, -1, -1):
        begin = np.int64(ends[n - 1]) if n else 0
        while j > begin:
            j -= 1
            begins[targets[j]] -= 1
            sources[begins[targets[j]]] = n


@njit(cache=True, nogil=True)
def spread(begins, sources, marks, todo, count, mark):
    """Mark what leads to the first ``count`` states of ``todo``, which has room for all states."""
    while count:
        count -= 1
        number = todo[count]
        for j in range(begins[number], begins[number + 1]):
            source = sources[j]
            if not marks[source] & mark:
                marks[source] |= mark
                todo[count] = source
                count += 1


@njit(cache=True, nogil=True)
def distances(begins, sources, found, todo, count, far):
    """The least steps to the first ``count`` states of ``todo``, where ``found`` has ``far``."""
    at = 0
    while at < count:
        number = todo[at]
        at += 1
        steps = min(found[number] + 1, far - 1)
        for j in range(begins[number], begins[number + 1]):
            source = sources[j]
            if found[source] == far:
                found[source] = steps
                todo[count] = source
                count += 1


@njit(cache=True, nogil=True)
def find(states, slots, bits, words, s0, s1):
    """The number of a state, or -1. ``slots`` is an index of all states."""
    h = hashed(s0, s1)
    at, low = slot_of(h, slots.size), (1 << bits) - 1
    while slots[at]:
        number = (np.int64(slots[at]) & low) - 1
        if states[words * number] == s0 and (words == 1 or states[2 * number + 1] == s1):
            return number
        at = U(0) if at + U(1) == U(slots.size) else at + U(1)
    return -1
