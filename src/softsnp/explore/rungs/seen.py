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

Like kernel.py this imports nothing of ours.
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by table.py.

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

LINE = 64
"""Bytes of a line: what a processor fetches at once."""
AHEAD = 64
"""States whose slots are asked for together."""
APART = 1 << 16
"""So many states at most are put aside while a set grows."""
U = np.uint64
"""As U an index needs no look at whether it is negative."""


def element(context, builder, kind, array, index):
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [index])


@intrinsic
def prefetch(context, array, index):
    """Ask for the cache line of an array's element, which will be read soon."""

    def code(context, builder, signature, arguments):
        pointer = element(context, builder, signature.args[0], *arguments)
        pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, index), code


def lanes(bits, first, count):
    """A function of an array of bytes, where a line begins, and a value.

    Of the ``count`` parts of so many bits that begin at the byte ``first`` of the line, it says
    which have the value, the first as the lowest bit.
    """

    @intrinsic
    def equal(context, array, at, value):
        def code(context, builder, signature, arguments):
            part = ir.IntType(bits)
            parts = ir.VectorType(part, count)
            pointer = element(context, builder, signature.args[0], *arguments[:2])
            pointer = builder.gep(pointer, [ir.IntType(64)(first)])
            there = builder.load(builder.bitcast(pointer, parts.as_pointer()))
            there.align = 4
            wanted = builder.trunc(arguments[2], part)
            one = builder.insert_element(parts(ir.Undefined), wanted, ir.IntType(32)(0))
            every = ir.VectorType(ir.IntType(32), count)([0] * count)
            same = builder.icmp_unsigned("==", there, builder.shuffle_vector(one, one, every))
            return builder.zext(builder.bitcast(same, ir.IntType(count)), ir.IntType(64))

        return types.uint64(array, at, types.uint64), code

    return equal


low = lanes(32, 0, 16)
above_5, above_6 = lanes(8, 48, 16), lanes(16, 40, 12)


@intrinsic
def lowest(context, mask):
    """The number of the lowest bit that is set."""

    def code(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.uint64(types.uint64), code


def stored(bits):
    """A function that writes a value of so many bits into an array of bytes."""

    @intrinsic
    def store(context, array, at, value):
        def code(context, builder, signature, arguments):
            slot = ir.IntType(bits)
            pointer = element(context, builder, signature.args[0], *arguments[:2])
            wanted = arguments[2] if bits == 64 else builder.trunc(arguments[2], slot)
            builder.store(wanted, builder.bitcast(pointer, slot.as_pointer())).align = bits // 8
            return context.get_dummy_value()

        return types.void(array, at, types.uint64), code

    return store


store_8, store_16, store_32, store_64 = stored(8), stored(16), stored(32), stored(64)


def loaded(bits):
    """A function that reads so many bits of an array of bytes."""

    @intrinsic
    def load(context, array, at):
        def code(context, builder, signature, arguments):
            pointer = element(context, builder, signature.args[0], *arguments)
            pointer = builder.bitcast(pointer, ir.IntType(bits).as_pointer())
            found = builder.load(pointer)
            found.align = bits // 8
            return builder.zext(found, ir.IntType(64))

        return types.uint64(array, at), code

    return load


load_8, load_16, load_32 = loaded(8), loaded(16), loaded(32)


@njit(inline="always")
def empty(slots, width, at):
    """The empty slots of the line that begins at a byte, by bits."""
    if width == 5:
        return above_5(slots, at, U(0)) & U(0xFFF)
    return above_6(slots, at, U(0)) & U(0x3FF)


@njit(inline="always")
def equal(slots, width, at, value):
    """The slots of the line that begins at a byte that have a value, by bits: one or none."""
    above = value >> U(32)
    if width == 5:
        return low(slots, at, value) & above_5(slots, at, above) & U(0xFFF)
    return low(slots, at, value) & above_6(slots, at, above) & U(0x3FF)


@njit(inline="always")
def store(slots, width, at, slot, value):
    """Write to a slot of the line that begins at a byte."""
    store_32(slots, at + U(4) * slot, value)
    if width == 5:
        store_8(slots, at + U(48) + slot, value >> U(32))
    else:
        store_16(slots, at + U(40) + U(2) * slot, value >> U(32))


@njit(inline="always")
def value_of(slots, width, at, slot):
    """What is in a slot."""
    value = load_32(slots, at + U(4) * slot)
    if width == 5:
        return value | load_8(slots, at + U(48) + slot) << U(32)
    return value | load_16(slots, at + U(40) + U(2) * slot) << U(32)


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
def after(at, base, size):
    """The slot after one of the part that begins at ``base``."""
    return base if at + U(1) == base + U(size) else at + U(1)


@njit(inline="always")
def put(slots, width, base, size, line, want, one):
    """Put a state that is not there into a line of a part or after it; what its slot says then."""
    free = empty(slots, width, (base + line) * U(LINE))
    while free == 0:
        line = U(0) if line + U(1) == U(size) else line + U(1)
        want += one
        free = empty(slots, width, (base + line) * U(LINE))
    store(slots, width, (base + line) * U(LINE), lowest(free), want)
    return want


@njit(cache=True, nogil=True)
def remember(states, count, slots, width, used, rest, part, parts, stride, size):
    """Put those of the first ``count`` states, all different, that belong to a part into it.

    Whether each is near enough to its line.
    """
    one, base = U(1) << U(rest), U(part) * U(stride)
    far = U(0)
    ahead = np.empty(AHEAD, np.uint64)
    for first in range(0, count, AHEAD):
        n = 0
        for i in range(first, min(first + AHEAD, count)):
            x = shuffled(states[U(i)], used)
            ahead[U(n)] = x
            n += (x & U(parts - 1)) == U(part)
            prefetch(slots, (base + line_of(x, used, size)) * U(LINE))
        for j in range(n):
            x = ahead[U(j)]
            want = one | (x & (one - U(1)))
            far |= put(slots, width, base, size, line_of(x, used, size), want, one)
    return far >> U(8 * width) == U(0)


@njit(cache=True, nogil=True)
def grow(slots, width, used, part, stride, old, old_rest, size, rest):
    """Let a part have ``size`` lines instead of ``old``, fewer. Whether that went well.

    A state that has to be put where states were not moved yet is put aside, which is rare. Where
    there are too many of these, or one is too far from its line, nothing can be relied on any more.
    """
    base, one = U(part) * U(stride), U(1) << U(rest)
    high = U(used - 32)
    below, some = (U(1) << high) - U(1), (U(1) << (U(old_rest) - high)) - U(1)
    aside, line = np.empty(APART, np.uint64), np.empty(LINE // 5, np.uint64)
    many, far = 0, U(0)
    for i in range(old - 1, -1, -1):
        at = (base + U(i)) * U(LINE)
        count = 0
        for slot in range(LINE // width):
            line[U(count)] = value_of(slots, width, at, U(slot))
            count += line[U(count)] != 0
        for slot in range(LINE // 8):
            store_64(slots, at + U(8 * slot), U(0))
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
                free = empty(slots, width, (base + to) * U(LINE))
                if free != 0:
                    break
                to, want = to + U(1), want + one
            if free == 0:
                if many == APART:
                    return False
                aside[many] = x
                many += 1
            else:
                store(slots, width, (base + to) * U(LINE), lowest(free), want)
                far |= want
    for k in range(many):
        x = aside[k]
        want = one | (x & (one - U(1)))
        far |= put(slots, width, base, size, line_of(x, used, size), want, one)
    return far >> U(8 * width) == U(0)


@njit(cache=True, nogil=True)
def remember_pairs(states, count, slots, size):
    """Put the first ``count`` states of two words, all different, into an empty set."""
    hashes = np.empty(AHEAD, np.int64)
    for first in range(0, count, AHEAD):
        last = min(first + AHEAD, count)
        for i in range(first, last):
            h = hashes[U(i - first)] = hashed(states[U(2 * i)], states[U(2 * i + 1)])
            prefetch(slots, U(2) * slot_of(h, size))
        for i in range(first, last):
            at = slot_of(hashes[U(i - first)], size)
            while slots[U(2) * at]:
                at = after(at, U(0), size)
            slots[U(2) * at] = states[U(2 * i + 1)] + 1
            slots[U(2) * at + U(1)] = states[U(2 * i)]


@njit(cache=True, nogil=True)
def grow_pairs(slots, old, size):
    """As ``grow``, for states of two words."""
    aside = np.empty(2 * APART, np.int64)
    many = 0
    for i in range(old - 1, -1, -1):
        s0, s1 = slots[U(2 * i + 1)], slots[U(2 * i)] - 1
        if s1 == -1:
            continue
        slots[U(2 * i)] = 0
        to = slot_of(hashed(s0, s1), size)
        if to >= U(i):
            while to < U(size) and slots[U(2) * to]:
                to += U(1)
        if to < U(i) or to == U(size):
            if many == APART:
                return False
            aside[2 * many], aside[2 * many + 1] = s0, s1
            many += 1
        else:
            slots[U(2) * to], slots[U(2) * to + U(1)] = s1 + 1, s0
    for k in range(many):
        s0, s1 = aside[2 * k], aside[2 * k + 1]
        at = slot_of(hashed(s0, s1), size)
        while slots[U(2) * at]:
            at = after(at, U(0), size)
        slots[U(2) * at], slots[U(2) * at + U(1)] = s1 + 1, s0
    return True
