"""The table engine: breadth-first search over programs that are data. Compiled once, by numba.

Nothing of a design is compiled in, so a design never seen before costs no compilation. numba does
not notice changes in other files: this one imports nothing of ours, and table.py keys the cache
on its content.

Everything is int64. A state is one word or two; ``tables`` below is a named tuple of arrays (see
table.py: Tables). An operation is a row (kind, x, y, z) of ``ops``::

    NOTHING
    END      x kept bits, y set bits, z row of ``extra`` (second word, events) or -1
    SWITCH   x shift + 256 * word, y mask, z where in ``kids`` the operations by value are
    TEST     x bit of the population's answers, y operation if set, z operation if not
    EACH     x how many, y where in ``kids`` they are
    APPLY    x effect, y then
    FORK     x fork, y then
    FAIL     x message
    VERDICT  x 1 exercised + 2 violated

``one`` has a row a population: the population that each effect makes, UNKNOWN or ASKED. ``each``
has a row a population: where in ``lists`` (count, populations …) each fork's outcomes are. What
is not known yet is written to ``missing``, and the caller fills it in and calls again.
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by table.py.

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

NOTHING, END, SWITCH, TEST, EACH, APPLY, FORK, FAIL, VERDICT = range(9)
UNKNOWN, ASKED = -1, -2
DONE, MISSING, ROOM, SMALL, FAILED = range(5)
"""Why ``explore`` returned: all it was asked for; look at ``missing``; no room for another batch;
one state has more successors than the buffers hold; the specification failed."""
(
    C_DONE, C_KNOWN, C_STOP, C_ROOM, C_TRANSITIONS, C_DEADLOCK, C_LEVEL_END, C_LEVELS,
    C_MISSING, C_ARGUMENT, C_EVENTS, C_WORDS, C_NUMBER_AT, C_BITS, C_CHANGED, C_OPEN,
    C_TAKEN, C_MADE, C_AT, C_LEFT,
) = range(20)  # fmt: skip
"""What the control array holds."""
CONTROLS = 20
BATCH = 128
AHEAD = 4096
RECENT = 4096
STACK = 1 << 12


@intrinsic
def prefetch(context, array, index):
    """Ask for the cache line of an array's element, which will be read soon."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, index), code


@njit(inline="always")
def hashed(s0, s1):
    h = s0 * 0x1E3779B97F4A7C15 + s1 * 0x3F58476D1CE4E5B9
    h ^= h >> 29
    h *= 0x14D049BB133111EB
    return h ^ (h >> 32)


@njit(inline="always")
def everyone_rests(s0, s1, tables):
    for activity in range(tables.places.shape[0]):
        place = s1 if tables.places[activity, 0] else s0
        place = (place >> tables.places[activity, 1]) & tables.places[activity, 2]
        if not tables.rests[tables.places[activity, 3] + place]:
            return False
    return True


@njit(cache=True, nogil=True)
def expand(control, tables, batch, states, count, dry):
    """Write the successors of the first ``count`` states of ``batch.todo`` to the batch.

    Returns DONE, or why it ended early: MISSING, SMALL or FAILED. C_TAKEN says how many states
    were done, and C_MADE how many successors they have; of the next nothing counts. ``dry``: only
    look for what is missing, in all of them.

    One call does many states: handing arrays over for each would cost more than the work.
    """
    words, number_at = control[C_WORDS], control[C_NUMBER_AT]
    out0, out1, limit, stack = batch.out0, batch.out1, batch.out0.size, tables.stack
    n, why = 0, DONE
    control[C_TAKEN] = control[C_MADE] = 0
    for position in range(count):
        state = batch.todo[position]
        s0, s1 = states[state * words], 0
        if words == 2:
            s1 = states[state * words + 1]
        first = (s0 if words == 1 else s1) >> number_at
        begin, sp = n, 0
        for activity in range(tables.places.shape[0]):
            place = s1 if tables.places[activity, 0] else s0
            place = (place >> tables.places[activity, 1]) & tables.places[activity, 2]
            op, number = tables.roots[tables.places[activity, 3] + place], first
            while True:
                kind = tables.ops[op, 0]
                x, y, z = tables.ops[op, 1], tables.ops[op, 2], tables.ops[op, 3]
                if kind == SWITCH:
                    word = s1 if x >> 8 else s0
                    op = tables.kids[z + ((word >> (x & 255)) & y)]
                    continue
                if kind == TEST:
                    answer = tables.answers[number, x >> 6] >> (x & 63)
                    op = y if answer & 1 else z
                    continue
                if kind == APPLY:
                    after = tables.one[number, x]
                    if after >= 0:
                        op, number = y, after
                        continue
                    why = MISSING
                    if after == UNKNOWN and control[C_MISSING] < tables.missing.shape[0]:
                        tables.one[number, x] = ASKED
                        tables.missing[control[C_MISSING], 0] = number
                        tables.missing[control[C_MISSING], 1] = x
                        control[C_MISSING] += 1
                elif kind == EACH:
                    if sp + 2 * x > stack.size:
                        why = SMALL
                        break
                    for kid in range(x - 1, 0, -1):
                        stack[sp], stack[sp + 1] = tables.kids[y + kid], number
                        sp += 2
                    op = tables.kids[y]
                    continue
                elif kind == FORK:
                    at = tables.each[number, x]
                    if at >= 0:
                        ways = tables.lists[at]
                        if sp + 2 * ways > stack.size:
                            why = SMALL
                            break
                        for way in range(ways, 0, -1):
                            stack[sp], stack[sp + 1] = y, tables.lists[at + way]
                            sp += 2
                    else:
                        why = MISSING
                        if at == UNKNOWN and control[C_MISSING] < tables.missing.shape[0]:
                            tables.each[number, x] = ASKED
                            tables.missing[control[C_MISSING], 0] = number
                            tables.missing[control[C_MISSING], 1] = tables.one.shape[1] + x
                            control[C_MISSING] += 1
                elif kind == END:
                    if n == limit:
                        why = SMALL
                        break
                    if words == 1:
                        t0, t1 = (s0 & x) | y | (number << number_at), 0
                    else:
                        t0 = (s0 & x) | y
                        t1 = (s1 & tables.extra[z, 0]) | tables.extra[z, 1]
                        t1 |= number << number_at
                    if z >= 0 and not dry:
                        events = tables.extra[z, 2] & ~control[C_EVENTS]
                        if events:
                            control[C_EVENTS] |= events
                            for event in range(63):
                                if (events >> event) & 1:
                                    tables.hits[event, 0] = state
                                    tables.hits[event, 1], tables.hits[event, 2] = t0, t1
                    out0[n], out1[n], batch.sources[n] = t0, t1, state
                    n += 1
                elif kind == FAIL:
                    if not dry:
                        control[C_ARGUMENT] = x
                        why = FAILED
                        break
                if sp == 0:
                    break
                sp -= 2
                op, number = stack[sp], stack[sp + 1]
            if why in (SMALL, FAILED):
                break
        if dry:
            n, why = 0, DONE
            continue
        if why != DONE:
            return why
        if n == begin and control[C_DEADLOCK] < 0 and not everyone_rests(s0, s1, tables):
            control[C_DEADLOCK] = state
        control[C_TAKEN], control[C_MADE] = position + 1, n
    return DONE


@njit(cache=True, nogil=True)
def explore(control, tables, batch, states, parents, slots, levels):
    """Expand states ``control[C_DONE]`` to ``control[C_STOP]``; returns why it stopped.

    ``slots`` is the hash set: 1 + the number of a state in the low C_BITS bits, a piece of its
    hash above. The table must have room for C_ROOM states, and ``levels`` for one level a state.
    """
    words, bits = control[C_WORDS], control[C_BITS]
    mask, low = slots.size - 1, (1 << bits) - 1
    tags = (1 << (32 - bits)) - 1
    out0, out1, sources, hashes = batch.out0, batch.out1, batch.sources, batch.hashes
    recent0, recent1 = np.full(RECENT, -1, np.int64), np.full(RECENT, -1, np.int64)
    known = control[C_KNOWN]
    while control[C_DONE] < min(control[C_STOP], known):
        if known + out0.size > control[C_ROOM]:
            return ROOM
        done = control[C_DONE]
        count = min(done + BATCH, control[C_LEVEL_END], control[C_STOP]) - done
        for j in range(count):
            batch.todo[j] = done + j
        why = expand(control, tables, batch, states, count, False)
        n, i = control[C_MADE], done + control[C_TAKEN]
        control[C_TRANSITIONS] += n
        m = 0
        for j in range(n):
            s0, s1 = out0[j], out1[j]
            h = hashed(s0, s1)
            at = (h >> 40) & (RECENT - 1)
            if recent0[at] == s0 and recent1[at] == s1:
                continue
            recent0[at], recent1[at] = s0, s1
            prefetch(slots, (h >> 32) & mask)
            out0[m], out1[m], sources[m], hashes[m] = s0, s1, sources[j], h
            m += 1
        for j in range(m):
            h = hashes[j]
            slot = np.int64(slots[(h >> 32) & mask])
            if slot and slot >> bits == h & tags:
                prefetch(states, ((slot & low) - 1) * words)
        for j in range(m):
            s0, s1, h = out0[j], out1[j], hashes[j]
            at, tag = (h >> 32) & mask, h & tags
            while True:
                slot = np.int64(slots[at])
                if slot == 0:
                    states[known * words] = s0
                    if words == 2:
                        states[known * words + 1] = s1
                    parents[known] = sources[j]
                    known += 1
                    slots[at] = (tag << bits) | known
                    break
                if slot >> bits == tag:
                    number = (slot & low) - 1
                    if states[number * words] == s0:
                        if words == 1 or states[number * words + 1] == s1:
                            break
                at = (at + 1) & mask
        control[C_DONE], control[C_KNOWN] = i, known
        if i == control[C_LEVEL_END] and known > i:
            levels[control[C_LEVELS]] = i
            control[C_LEVELS] += 1
            control[C_LEVEL_END] = known
        if why == MISSING:
            ahead = i + 1
            while ahead < min(i + AHEAD, control[C_LEVEL_END]):
                if control[C_MISSING] == tables.missing.shape[0]:
                    break
                count = min(BATCH, control[C_LEVEL_END] - ahead)
                for j in range(count):
                    batch.todo[j] = ahead + j
                expand(control, tables, batch, states, count, True)
                ahead += count
        if why != DONE and not (why == SMALL and i > done):
            return why  # buffers that were nearly full are empty for the next round
        if control[C_LEVELS] + 1 >= levels.size:
            return ROOM
    return DONE


@njit(cache=True, nogil=True)
def enter(states, begin, end, words, slots, bits):
    """Enter the states ``begin`` to ``end``, all different, into the hash set."""
    mask, tags = slots.size - 1, (1 << (32 - bits)) - 1
    ahead = np.empty(64, np.int64)
    for first in range(begin, end, 64):
        last = min(first + 64, end)
        for i in range(first, last):
            s1 = states[i * words + 1] if words == 2 else 0
            h = hashed(states[i * words], s1)
            ahead[i - first] = h
            prefetch(slots, (h >> 32) & mask)
        for i in range(first, last):
            h = ahead[i - first]
            at = (h >> 32) & mask
            while slots[at]:
                at = (at + 1) & mask
            slots[at] = ((h & tags) << bits) | (i + 1)


@njit(cache=True, nogil=True)
def judge(control, tables, states, root, at_rest):
    """(whether the situation arises, the first violating state or -1) of a property's tree."""
    words, number_at = control[C_WORDS], control[C_NUMBER_AT]
    exercised = False
    for i in range(control[C_KNOWN]):
        s0 = states[i * words]
        s1 = states[i * words + 1] if words == 2 else 0
        if at_rest and not everyone_rests(s0, s1, tables):
            continue
        number = (s0 if words == 1 else s1) >> number_at
        op = root
        while tables.ops[op, 0] == SWITCH or tables.ops[op, 0] == TEST:
            x, y, z = tables.ops[op, 1], tables.ops[op, 2], tables.ops[op, 3]
            if tables.ops[op, 0] == SWITCH:
                word = s1 if x >> 8 else s0
                op = tables.kids[z + ((word >> (x & 255)) & y)]
            else:
                op = y if (tables.answers[number, x >> 6] >> (x & 63)) & 1 else z
        if tables.ops[op, 0] == FAIL:
            control[C_ARGUMENT] = tables.ops[op, 1]
            return False, -2 - i
        if tables.ops[op, 1]:
            exercised = True
            if tables.ops[op, 1] & 2:
                return True, i
    return exercised, -1


@njit(cache=True, nogil=True)
def back(control, tables, batch, states, slots, can, open_states):
    """One pass of "who can come to rest from here", from the last open state to the first.

    ``can`` has a bit an activity. The C_OPEN first of ``open_states``, which ascend, are looked
    at; those that are still open are left there. C_CHANGED: whether anything was learnt. C_AT and
    C_LEFT are C_OPEN when a pass begins, and say where it goes on after MISSING or SMALL.
    """
    words, bits = control[C_WORDS], control[C_BITS]
    mask, low = slots.size - 1, (1 << bits) - 1
    tags = (1 << (32 - bits)) - 1
    out0, out1, sources, hashes = batch.out0, batch.out1, batch.sources, batch.hashes
    every = (1 << tables.places.shape[0]) - 1
    end, left = control[C_AT], control[C_LEFT]
    while end > 0:
        count = min(BATCH, end)
        for j in range(count):
            batch.todo[j] = open_states[end - 1 - j]
        why = expand(control, tables, batch, states, count, False)
        n, first = control[C_MADE], end - control[C_TAKEN]
        for j in range(n):
            h = hashed(out0[j], out1[j])
            prefetch(slots, (h >> 32) & mask)
            hashes[j] = h
        for j in range(n):
            h = hashes[j]
            slot = np.int64(slots[(h >> 32) & mask])
            if slot and slot >> bits == h & tags:
                prefetch(states, ((slot & low) - 1) * words)
                prefetch(can, (slot & low) - 1)
        j = 0
        for position in range(end - 1, first - 1, -1):
            i = open_states[position]
            value = np.int64(can[i])
            while j < n and sources[j] == i:
                s0, s1, h = out0[j], out1[j], hashes[j]
                at, tag = (h >> 32) & mask, h & tags
                while True:
                    slot = np.int64(slots[at])
                    number = (slot & low) - 1
                    if slot >> bits == tag and states[number * words] == s0:
                        if words == 1 or states[number * words + 1] == s1:
                            break
                    at = (at + 1) & mask
                value |= can[number]
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
