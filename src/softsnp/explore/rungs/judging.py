"""What is asked of a search's states once they are found. The kernel's other half, compiled too.

Which states violate a property, and from which a goal can still be reached; see kernel.py for what
the arrays hold.
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by table.py.

import numpy as np
from numba import njit

from .intrinsics import prefetch
from .kernel import (
    ASK,
    BATCH,
    C_ARGUMENT,
    C_AT,
    C_BITS,
    C_CHANGED,
    C_EVERY,
    C_LEFT,
    C_NUMBER_AT,
    C_OPEN,
    C_QUESTIONS,
    C_TAKEN,
    C_WORDS,
    DONE,
    FAIL,
    LOST,
    WORK,
    everyone_rests,
    produce,
)
from .seen import U, hashed, slot_of


@njit(cache=True, nogil=True)
def enter(states, end, words, slots, bits):
    """Enter the first ``end`` states into an empty index.

    A slot is 1 + the number of a state in the low ``bits`` bits, a piece of its hash above.
    """
    size, tags = slots.size, (1 << (32 - bits)) - 1
    ahead = np.empty(64, np.int64)
    for first in range(0, end, 64):
        last = min(first + 64, end)
        for i in range(first, last):
            s1 = states[U(i * words + 1)] if words == 2 else 0
            h = hashed(states[U(i * words)], s1)
            ahead[U(i - first)] = h
            prefetch(slots, slot_of(h, size))
        for i in range(first, last):
            h = ahead[U(i - first)]
            at = slot_of(h, size)
            while slots[at]:
                at = U(0) if at + U(1) == U(size) else at + U(1)
            slots[at] = ((h & tags) << bits) | (i + 1)


@njit(inline="always")
def number_all(control, batch, second, states, slots, n):
    """Write the numbers of the first ``n`` successors of a batch to ``batch.late``.

    ``slots`` is an index of all states. Whether each of them was there.
    """
    bits, width, size = control[C_BITS], 1 if second is None else 2, slots.size
    low, tags = (1 << bits) - 1, (1 << (32 - bits)) - 1
    out0, hashes, numbers = batch.out0, batch.key0, batch.late
    for j in range(n):
        h = hashed(out0[U(j)], 0 if second is None else second.out1[U(j)])
        hashes[U(j)] = h
        prefetch(slots, slot_of(h, size))
    for j in range(n):
        h = hashes[U(j)]
        slot = np.int64(slots[slot_of(h, size)])
        if slot >> bits == h & tags:
            prefetch(states, U(((slot & low) - 1) * width))
    for j in range(n):
        h = hashes[U(j)]
        at, tag = slot_of(h, size), h & tags
        while True:
            slot = np.int64(slots[at])
            if slot == 0:
                return False
            number = (slot & low) - 1
            if slot >> bits == tag and states[U(width * number)] == out0[U(j)]:
                if second is None or states[U(2 * number + 1)] == second.out1[U(j)]:
                    break
            at = U(0) if at + U(1) == U(size) else at + U(1)
        numbers[U(j)] = number
    return True


@njit(cache=True, nogil=True)
def verdict(control, tables, s0, s1, root):
    """What a property's tree says of a state: 1 is exercised, 2 violated; negative is a failure."""
    ops, asked, questions = tables.ops, tables.asked, control[C_QUESTIONS]
    number = (s0 if control[C_WORDS] == 1 else s1) >> control[C_NUMBER_AT]
    op = np.int64(root)
    asked[0], asked[1] = s0, s1
    for word in range(questions):
        asked[2 + word] = tables.answers[number * questions + word]
    while ops[op] & 15 == ASK:
        value = U(asked[ops[op] >> 12] & ops[op + 1]) * U(ops[op + 2])
        value >>= U((ops[op] >> 4) & 255)
        op = np.int64(tables.kids[U(ops[op + 3]) + value])
    if ops[op] & 15 == FAIL:
        return -1 - ops[op + 1]
    return ops[op + 1]


@njit(cache=True, nogil=True)
def judge(control, tables, states, root, at_rest, begin, end, marks, bit):
    """(whether the situation arises, the first violating state or -1) of a property's tree.

    Looks at the states from ``begin`` to ``end``. Where it fails, -2 minus the state's number. With
    ``marks``, sets a bit in those of each state in which the situation arises, and stops at none.
    """
    words, exercised = control[C_WORDS], False
    for i in range(begin, end):
        s0 = states[i * words]
        s1 = states[i * words + 1] if words == 2 else 0
        if at_rest and not everyone_rests(s0, s1, tables):
            continue
        said = verdict(control, tables, s0, s1, root)
        if said < 0:
            control[C_ARGUMENT] = -1 - said
            return False, -2 - i
        if said:
            exercised = True
            if marks.size:
                marks[i] |= bit
            elif said & 2:
                return True, i
    return exercised, -1


@njit(cache=True, nogil=True)
def back(control, tables, batch, second, states, slots, can, open_states):
    """One pass of "what can still be reached from here", from the last open state to the first.

    ``slots`` is an index of all states.

    ``can`` has a bit for each goal, C_EVERY has all of them. The C_OPEN first of ``open_states``,
    which ascend, are looked at; those that are still open are left there. C_CHANGED: whether
    anything was learnt. C_AT and C_LEFT are C_OPEN when a pass begins, and say where it goes on
    after MISSING or SMALL.
    """
    every, numbers = control[C_EVERY], batch.late
    end, left = control[C_AT], control[C_LEFT]
    while end > 0:
        count = min(BATCH, end)
        for j in range(count):
            batch.todo[U(j)] = open_states[end - 1 - j]
        why = produce(control, tables, batch, second, states, count, WORK)
        taken = control[C_TAKEN]
        n, first = batch.ends[taken - 1] if taken else 0, end - taken
        if not number_all(control, batch, second, states, slots, n):
            return LOST
        for j in range(n):
            prefetch(can, U(numbers[U(j)]))
        j = 0
        for position in range(taken):
            i = np.int64(batch.todo[U(position)])
            value = np.int64(can[i])
            while j < batch.ends[U(position)]:
                value |= can[U(numbers[U(j)])]
                j += 1
            if value != can[i]:
                can[i] = value
                control[C_CHANGED] = 1
            if value != every:
                left -= 1
                open_states[left] = i
        control[C_AT], control[C_LEFT] = first, left
        if why != DONE and first == end:
            return why
        end = first
    count = control[C_OPEN] - left
    for position in range(count):
        open_states[position] = open_states[left + position]
    control[C_OPEN] = count
    return DONE
