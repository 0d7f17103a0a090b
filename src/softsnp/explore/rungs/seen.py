"""The set of states that a search by tables has seen, for the kernel. Compiled by numba.

Slots come in lines of 64 bytes, which are looked at all at once. A state of one word of which
``used`` bits are used is shuffled: its bits are made others, each word another. The highest 32 of
these say in which line to look first; so a slot keeps what its line does not say (``rest`` bits)
and how many lines further it is, and that is the state itself, in five bytes where that will do,
else in six (``width``). The low four of all slots come first in a line, then what is above. To know
whether a state was seen takes one look into memory, which can be asked for beforehand. States of
two words are found by probing one slot after the other; each is in its slot as it is, but with the
second word first and plus one. What is above, or comes first, is never 0 but in an empty slot.

The lines are in parts of ``size`` lines each, ``stride`` apart, so that each of several threads can
have one of its own.

Which line is first grows with the shuffled state. So a set grows where it is: from the last line to
the first, each state moves up. Memory that was written to once is used again (memory that never was
takes longest of all), and both what is read and what is written are next to each other.

Slots and lines are known by their addresses (see intrinsics.py).
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by store.py.

import numpy as np
from numba import njit

from .intrinsics import (
    address,
    lanes,
    load_8,
    load_16,
    load_32,
    load_64,
    lowest,
    prefetch_at,
    store_8,
    store_16,
    store_32,
    store_64,
)

LINE = 64
"""Bytes of a line: what a processor fetches at once."""
PAIR = 16
"""Bytes of a slot for a state of two words."""
AHEAD = 64
"""States whose slots are asked for together."""
APART = 1 << 16
"""So many states at most are put aside while a set grows."""
U = np.uint64
"""As U an index needs no look at whether it is negative."""

low = lanes(32, 0, 16)
above_5, above_6 = lanes(8, 48, 16), lanes(16, 40, 12)


@njit(inline="always")
def empty(width, at):
    """The empty slots of the line that begins at a byte, by bits."""
    if width == 5:
        return above_5(at, U(0)) & U(0xFFF)
    return above_6(at, U(0)) & U(0x3FF)


@njit(inline="always")
def equal(width, at, value):
    """The slots of the line that begins at a byte that have a value, by bits: one or none."""
    above = value >> U(32)
    if width == 5:
        return low(at, value) & above_5(at, above) & U(0xFFF)
    return low(at, value) & above_6(at, above) & U(0x3FF)


@njit(inline="always")
def store(width, at, slot, value):
    """Write to a slot of the line that begins at a byte."""
    store_32(at + U(4) * slot, value)
    if width == 5:
        store_8(at + U(48) + slot, value >> U(32))
    else:
        store_16(at + U(40) + U(2) * slot, value >> U(32))


@njit(inline="always")
def value_of(width, at, slot):
    """What is in a slot."""
    value = load_32(at + U(4) * slot)
    if width == 5:
        return value | load_8(at + U(48) + slot) << U(32)
    return value | load_16(at + U(40) + U(2) * slot) << U(32)


@njit(inline="always")
def shuffled(state, used):
    """Another word of so many bits for each word of so many bits."""
    half, every = U(used >> 1), U(0xFFFFFFFFFFFFFFFF) >> U(64 - used)
    x = U(state)
    x ^= x >> half
    x = (x * U(0x9E3779B97F4A7C15)) & every
    x ^= x >> half
    return (x * U(0xD6E8FEB86659FD93)) & every


@njit(inline="always")
def line_of(x, used, size):
    """In which line to look first for a shuffled state."""
    return ((x >> U(used - 32)) * U(size)) >> U(32)


@njit(inline="always")
def hashed(s0, s1):
    h = s0 * 0x1E3779B97F4A7C15 ^ s1 * 0x3F58476D1CE4E5B9
    h ^= h >> 29
    h *= 0x14D049BB133111EB
    return h ^ ((h >> 32) & 0xFFFFFFFF)


@njit(inline="always")
def slot_of(h, size):
    """Where a hash begins to look: its upper half, brought down to the number of slots."""
    return U(((h >> 32) & 0xFFFFFFFF) * size) >> U(32)


@njit(inline="always")
def enter(at, want, width, rest, first, size):
    """Have a shuffled state in a part of the set: 1 if it was there, 0 if it is new.

    ``at`` is the line to look in first, ``want`` what its slot says there; the part has ``size``
    lines from ``first`` on. -1 where there is no room near enough.
    """
    one, bits = U(1) << U(rest), U(8 * width)
    there, free = equal(width, at, want), empty(width, at)
    while there | free == 0:
        at, want = following(at, first, size), want + one
        if want >> bits:
            break
        there, free = equal(width, at, want), empty(width, at)
    fits = want >> bits == 0
    if fits:
        store(width, at, lowest(there if there else free), want)
    return np.int64(there != 0) if fits else -1


@njit(inline="always")
def following(at, first, size):
    """The line after one of a part."""
    return first if at + U(LINE) == first + U(size * LINE) else at + U(LINE)


@njit(nogil=True)
def enter_all(where, wants, begin, count, slots, part, width, rest, size, fresh, late):
    """Have shuffled states in the set; ``fresh`` says of each whether it is new. Whether all fit.

    ``where`` and ``wants`` say, from ``begin`` on, in which line to look first for what; ``part``
    is how many bytes parts of the set are apart, from the address ``slots`` on. Where that line is
    full, the one after it is asked for, and looked at when all others are done: for ``late`` is
    written which.
    """
    many = 0
    for j in range(begin, begin + count):
        at, want = where[U(j)], wants[U(j)]
        there, free = equal(width, at, want), empty(width, at)
        if there | free:  # a write too many takes less time than a branch nobody could expect
            store(width, at, lowest(there if there else free), want)
        else:
            prefetch_at(at + U(LINE))
            late[U(many)] = j
            many += 1
        fresh[U(j)] = there == 0
    one, fits = U(1) << U(rest), True
    for k in range(many):
        j = late[U(k)]
        at, want = where[U(j)], wants[U(j)] + one
        first = at - (at - slots) % part
        there = enter(following(at, first, size), want, width, rest, first, size)
        fits &= there >= 0
        fresh[U(j)] = there == 0
    return fits


@njit(inline="always")
def enter_pair(at, s0, s1, first, size):
    """The same for a state of two words, from its slot on; there is always room."""
    found, wanted = load_64(at), U(s1 + 1)
    while found != 0 and not (found == wanted and load_64(at + U(8)) == U(s0)):
        at += U(PAIR)
        if at == first + U(size * PAIR):
            at = first
        found = load_64(at)
    if found == 0:
        store_64(at, wanted)
        store_64(at + U(8), U(s0))
    return np.int64(found != 0)


@njit(inline="always")
def put(width, first, size, line, want, one):
    """Put a state that is not there into a line of a part or after it; what its slot says then."""
    free = empty(width, first + line * U(LINE))
    while free == 0:
        line = U(0) if line + U(1) == U(size) else line + U(1)
        want += one
        free = empty(width, first + line * U(LINE))
    store(width, first + line * U(LINE), lowest(free), want)
    return want


@njit(cache=True, nogil=True)
def remember(states, count, slots, width, used, rest, part, parts, stride, size):
    """Put those of the first ``count`` states, all different, that belong to a part into it.

    Whether each is near enough to its line.
    """
    one, begin = U(1) << U(rest), address(slots) + U(part) * U(stride) * U(LINE)
    far = U(0)
    ahead = np.empty(AHEAD, np.uint64)
    for first in range(0, count, AHEAD):
        n = 0
        for i in range(first, min(first + AHEAD, count)):
            x = shuffled(states[U(i)], used)
            ahead[U(n)] = x
            n += (x & U(parts - 1)) == U(part)
            prefetch_at(begin + line_of(x, used, size) * U(LINE))
        for j in range(n):
            x = ahead[U(j)]
            want = one | (x & (one - U(1)))
            far |= put(width, begin, size, line_of(x, used, size), want, one)
    return far >> U(8 * width) == U(0)


@njit(cache=True, nogil=True)
def grow(slots, width, used, part, stride, old, old_rest, size, rest):
    """Let a part have ``size`` lines instead of ``old``, fewer. Whether that went well.

    A state that has to be put where states were not moved yet is put aside, which is rare. Where
    there are too many of these, or one is too far from its line, nothing can be relied on any more.
    """
    begin, one = address(slots) + U(part) * U(stride) * U(LINE), U(1) << U(rest)
    high = U(used - 32)
    below, some = (U(1) << high) - U(1), (U(1) << (U(old_rest) - high)) - U(1)
    aside, line = np.empty(APART, np.uint64), np.empty(LINE // 5, np.uint64)
    many, far = 0, U(0)
    for i in range(old - 1, -1, -1):
        at = begin + U(i) * U(LINE)
        count = 0
        for slot in range(LINE // width):
            line[U(count)] = value_of(width, at, U(slot))
            count += line[U(count)] != 0
        for slot in range(LINE // 8):
            store_64(at + U(8 * slot), U(0))
        for k in range(count):
            found = line[U(k)]
            home = i - np.int64(found >> U(old_rest)) + 1
            home += old if home < 0 else 0
            least = ((U(home) << U(32)) + U(old - 1)) // U(old)
            upper = least + (((found >> high) - least) & some)
            x = (upper << high) | (found & below)
            to = line_of(x, used, size)
            want = one | (x & (one - U(1)))
            free = U(0)
            while to >= U(i) and to < U(size):
                free = empty(width, begin + to * U(LINE))
                if free != 0:
                    break
                to, want = to + U(1), want + one
            if free == 0:
                if many == APART:
                    return False
                aside[many] = x
                many += 1
            else:
                store(width, begin + to * U(LINE), lowest(free), want)
                far |= want
    for k in range(many):
        x = aside[k]
        want = one | (x & (one - U(1)))
        far |= put(width, begin, size, line_of(x, used, size), want, one)
    return far >> U(8 * width) == U(0)


@njit(inline="always")
def pair_at(first, s0, s1, size):
    """The slot in which to look first for a state of two words."""
    return first + slot_of(hashed(s0, s1), size) * U(PAIR)


@njit(cache=True, nogil=True)
def remember_pairs(states, count, slots, part, parts, stride, size):
    """As ``remember``, for states of two words."""
    begin = address(slots) + U(part) * U(stride) * U(PAIR)
    for i in range(count):
        s0, s1 = states[U(2 * i)], states[U(2 * i + 1)]
        if (U(hashed(s0, s1)) & U(parts - 1)) == U(part):
            enter_pair(pair_at(begin, s0, s1, size), s0, s1, begin, size)


@njit(cache=True, nogil=True)
def grow_pairs(slots, part, stride, old, size):
    """As ``grow``, for states of two words."""
    begin = address(slots) + U(part) * U(stride) * U(PAIR)
    aside = np.empty(2 * APART, np.int64)
    many = 0
    for i in range(old - 1, -1, -1):
        here = begin + U(i) * U(PAIR)
        s1, s0 = np.int64(load_64(here)) - 1, np.int64(load_64(here + U(8)))
        if s1 == -1:
            continue
        store_64(here, U(0))
        to = slot_of(hashed(s0, s1), size)
        if to >= U(i):
            while to < U(size) and load_64(begin + to * U(PAIR)):
                to += U(1)
        if to < U(i) or to == U(size):
            if many == APART:
                return False
            aside[2 * many], aside[2 * many + 1] = s0, s1
            many += 1
        else:
            store_64(begin + to * U(PAIR), U(s1 + 1))
            store_64(begin + to * U(PAIR) + U(8), U(s0))
    for k in range(many):
        s0, s1 = aside[2 * k], aside[2 * k + 1]
        enter_pair(pair_at(begin, s0, s1, size), s0, s1, begin, size)
    return True
