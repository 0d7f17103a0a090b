"""The table engine: breadth-first search over programs that are data. Compiled once, by numba.

Nothing of a design is compiled in, so a design never seen before costs no compilation. numba does
not notice changes in other files: this one imports nothing of ours, and table.py keys the cache
on its content.

A state is one word or two; ``tables`` below is a named tuple of arrays (see arrays.py: Tables). An
operation is four numbers (head, x, y, z) of ``ops``, named by the place of the first. The lowest
four bits of the head are its kind::

    ASK      masks a word with x, multiplies with y and shifts right; what comes of it is where in
             ``kids`` to go on, counted from z. The head has the shift from bit 4 on, and the word
             from bit 12 on: the two of the state, then the answers of the population in hand
    END      x kept bits, y set bits, z where in ``more`` the kept and set bits of the second word
             and the events are; the head has bit 4 if there are events
    NOTHING  as END, and there is no successor
    EACH     x how many, y where in ``kids`` they are
    APPLY    x effect, y then
    FORK     x fork, y then
    FAIL     x message
    VERDICT  x 1 exercised + 2 violated

All questions are one kind of operation, and END is like NOTHING, because a processor waits longer
for a branch that it did not expect than for all the rest.

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

ASK, END, NOTHING, EACH, APPLY, FORK, FAIL, VERDICT = range(8)
UNKNOWN, ASKED = -1, -2
DONE, MISSING, ROOM, SMALL, FAILED, LOST = range(6)
"""Why ``explore`` returned: all it was asked for; look at ``missing``; no room for another batch;
one state has more successors than the buffers hold; the specification failed. LOST is a bug here:
a successor of an explored state is not among the states."""
(
    C_DONE, C_KNOWN, C_STOP, C_ROOM, C_TRANSITIONS, C_DEADLOCK, C_LEVEL_END, C_LEVELS,
    C_MISSING, C_ARGUMENT, C_EVENTS, C_WORDS, C_NUMBER_AT, C_BITS, C_CHANGED, C_OPEN,
    C_TAKEN, C_MADE, C_AT, C_LEFT, C_QUESTIONS, C_EVERY,
) = range(22)  # fmt: skip
"""What the control array holds."""
CONTROLS = 22
NEW, EVERY, DRY = range(3)
"""What ``expand`` does."""
BATCH = 128
AHEAD = 4096
RECENT = 4096
STACK = 1 << 12
U = np.uint64
"""As U an index needs no look at whether it is negative."""


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
    h = s0 * 0x1E3779B97F4A7C15 ^ s1 * 0x3F58476D1CE4E5B9
    h ^= h >> 29
    h *= 0x14D049BB133111EB
    return h ^ ((h >> 32) & 0xFFFFFFFF)


@njit(inline="always")
def slot_of(h, size):
    """Where a hash begins to look: its upper half, brought down to the size of the hash set."""
    return U(((h >> 32) & 0xFFFFFFFF) * size) >> U(32)


@njit(inline="always")
def after(at, size):
    return U(0) if at + U(1) == U(size) else at + U(1)


@njit(inline="always")
def everyone_rests(s0, s1, tables):
    for activity in range(tables.places.size // 4):
        at = 4 * activity
        place = s1 if tables.places[at] else s0
        place = (place >> tables.places[at + 1]) & tables.places[at + 2]
        if not tables.rests[tables.places[at + 3] + place]:
            return False
    return True


@njit(cache=True, nogil=True)
def expand(control, tables, batch, second, states, slots, count, mode):
    """Write the successors of the first ``count`` states of ``batch.todo`` to the batch.

    Returns DONE, or why it ended early: MISSING, SMALL or FAILED. C_TAKEN says how many states
    were done, and C_MADE how many successors there are of these; what was made of the next does
    not count. ``mode``: NEW leaves out successors that were made a moment ago, EVERY does not,
    and DRY only looks for what is missing, in all the states.

    ``second`` is None where a state is one word. One call does many states: handing arrays over
    for each would cost more than the work. A successor's place in the hash set is asked for at
    once, so that it is there when the batch is complete.
    """
    number_at = control[C_NUMBER_AT]
    out0, hashes, sources, recent = batch.out0, batch.hashes, batch.sources, batch.recent
    ops, more, kids, asked = tables.ops, tables.more, tables.kids, tables.asked
    stack = tables.stack
    places, roots, activities = tables.places, tables.roots, tables.places.size // 4
    answers, questions = tables.answers, control[C_QUESTIONS]
    size, limit = slots.size, out0.size
    n, transitions, why = 0, 0, DONE
    control[C_TAKEN] = control[C_MADE] = 0
    for position in range(count):
        state = batch.todo[position]
        if second is None:
            s0, s1 = states[U(state)], 0
            first = s0 >> number_at
        else:
            s0, s1 = states[U(2 * state)], states[U(2 * state + 1)]
            first = s1 >> number_at
        steps, sp = 0, 0
        asked[0], asked[1] = s0, s1
        for activity in range(activities):
            at = 4 * activity
            if second is None:  # noqa: SIM108  (numba leaves out what cannot be)
                place = s0
            else:
                place = s1 if places[U(at)] else s0
            place = (place >> places[U(at + 1)]) & places[U(at + 2)]
            op, number = np.int64(roots[U(places[U(at + 3)] + place)]), first
            for word in range(questions):
                asked[U(2 + word)] = answers[U(first * questions + word)]
            while True:
                head = ops[U(op)]
                while head & 15 == ASK:
                    value = U(asked[U(head >> 12)] & ops[U(op + 1)]) * U(ops[U(op + 2)])
                    value >>= U((head >> 4) & 255)
                    op = np.int64(kids[U(ops[U(op + 3)]) + value])
                    head = ops[U(op)]
                kind, x, y = head & 15, ops[U(op + 1)], ops[U(op + 2)]
                if kind <= NOTHING:
                    if n == limit:
                        why = SMALL
                        break
                    t0, t1 = (s0 & x) | y, 0
                    if second is None:
                        t0 |= number << number_at
                    else:
                        z = ops[U(op + 3)]
                        t1 = (s1 & more[U(z)]) | more[U(z + 1)] | (number << number_at)
                    if head >> 4 and mode != DRY:
                        events = more[U(ops[U(op + 3)] + 2)] & ~control[C_EVENTS]
                        if events:
                            control[C_EVENTS] |= events
                            for event in range(63):
                                if (events >> event) & 1:
                                    tables.hits[event, 0] = state
                                    tables.hits[event, 1], tables.hits[event, 2] = t0, t1
                    h = hashed(t0, t1)
                    prefetch(slots, slot_of(h, size))
                    at = (h >> 40) & (RECENT - 1)
                    old = recent[U(at)]
                    new = old != t0
                    if second is not None:
                        new |= second.recent[U(at)] != t1
                    out0[U(n)], hashes[U(n)], sources[U(n)] = t0, h, state
                    if second is not None:
                        second.out1[U(n)] = t1
                    new = (new | (mode == EVERY)) & (kind == END)
                    recent[U(at)] = t0 if new else old
                    if second is not None:
                        second.recent[U(at)] = t1 if new else second.recent[U(at)]
                    n += new
                    steps += kind == END
                elif kind == APPLY:
                    after = tables.one[number, x]
                    if after >= 0:
                        op, number = y, after
                        for word in range(questions):
                            asked[U(2 + word)] = answers[U(number * questions + word)]
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
                        stack[U(sp)], stack[U(sp + 1)] = kids[U(y + kid)], number
                        sp += 2
                    op = np.int64(kids[U(y)])
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
                elif kind == FAIL:
                    if mode != DRY:
                        control[C_ARGUMENT] = x
                        why = FAILED
                        break
                if sp == 0:
                    break
                sp -= 2
                op, number = stack[U(sp)], stack[U(sp + 1)]
                for word in range(questions):
                    asked[U(2 + word)] = answers[U(number * questions + word)]
            if why in (SMALL, FAILED):
                break
        if mode == DRY:
            n, why = 0, DONE
            continue
        if why != DONE:
            break
        if steps == 0 and control[C_DEADLOCK] < 0 and not everyone_rests(s0, s1, tables):
            control[C_DEADLOCK] = state
        transitions += steps
        control[C_TAKEN], control[C_MADE] = position + 1, n
    if mode == NEW:
        control[C_TRANSITIONS] += transitions
    if mode == DRY or why != DONE:  # some that were made a moment ago have come to nothing
        recent[:] = -1
        if second is not None:
            second.recent[:] = -1
    return why


@njit(inline="always")
def same(states, number, s0, j, second):
    """Whether the state with that number is the successor ``j`` of the batch."""
    if second is None:
        return states[U(number)] == s0
    return states[U(2 * number)] == s0 and states[U(2 * number + 1)] == second.out1[U(j)]


@njit(cache=True, nogil=True)
def explore(control, tables, batch, second, states, parents, slots, levels):
    """Expand states ``control[C_DONE]`` to ``control[C_STOP]``; returns why it stopped.

    ``slots`` is the hash set: 1 + the number of a state in the low C_BITS bits, a piece of its
    hash above. There is room for C_ROOM states.
    """
    bits, known, width = control[C_BITS], control[C_KNOWN], 1 if second is None else 2
    size, low, tags = slots.size, (1 << bits) - 1, (1 << (32 - bits)) - 1
    out0, sources, hashes = batch.out0, batch.sources, batch.hashes
    while control[C_DONE] < min(control[C_STOP], known):
        if known + out0.size > control[C_ROOM]:
            return ROOM
        done = control[C_DONE]
        count = min(done + BATCH, control[C_LEVEL_END], control[C_STOP]) - done
        for j in range(count):
            batch.todo[j] = done + j
        why = expand(control, tables, batch, second, states, slots, count, NEW)
        n, i = control[C_MADE], done + control[C_TAKEN]
        for j in range(n):
            h = hashes[U(j)]
            slot = np.int64(slots[slot_of(h, size)])
            if slot >> bits == h & tags:
                prefetch(states, U(((slot & low) - 1) * width))
        for j in range(n):
            s0, h = out0[U(j)], hashes[U(j)]
            at, tag = slot_of(h, size), h & tags
            while True:
                slot = np.int64(slots[at])
                if slot == 0:
                    states[U(known * width)] = s0
                    if second is not None:
                        states[U(known * 2 + 1)] = second.out1[U(j)]
                    parents[U(known)] = sources[U(j)]
                    known += 1
                    slots[at] = (tag << bits) | known
                    break
                if slot >> bits == tag and same(states, (slot & low) - 1, s0, j, second):
                    break
                at = after(at, size)
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
                expand(control, tables, batch, second, states, slots, count, DRY)
                ahead += count
        if why != DONE and not (why == SMALL and i > done):
            return why  # buffers that were nearly full are empty for the next round
        if control[C_LEVELS] + 1 >= levels.size:
            return ROOM
    return DONE


@njit(cache=True, nogil=True)
def enter(states, begin, end, words, slots, bits):
    """Enter the states ``begin`` to ``end``, all different, into the hash set."""
    size, tags = slots.size, (1 << (32 - bits)) - 1
    ahead = np.empty(64, np.int64)
    for first in range(begin, end, 64):
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
                at = after(at, size)
            slots[at] = ((h & tags) << bits) | (i + 1)


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
def judge(control, tables, states, root, at_rest):
    """(whether the situation arises, the first violating state or -1) of a property's tree."""
    words, exercised = control[C_WORDS], False
    for i in range(control[C_KNOWN]):
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
            if said & 2:
                return True, i
    return exercised, -1


@njit(cache=True, nogil=True)
def mark(control, tables, states, root, at_rest, marks, bit):
    """Set a bit in the marks of each state in which a property is exercised.

    Gives -1, or the number of a state in which the property fails.
    """
    words = control[C_WORDS]
    for i in range(control[C_KNOWN]):
        s0 = states[i * words]
        s1 = states[i * words + 1] if words == 2 else 0
        if at_rest and not everyone_rests(s0, s1, tables):
            continue
        said = verdict(control, tables, s0, s1, root)
        if said < 0:
            control[C_ARGUMENT] = -1 - said
            return i
        if said:
            marks[i] |= bit
    return -1


@njit(cache=True, nogil=True)
def back(control, tables, batch, second, states, slots, can, open_states):
    """One pass of "what can still be reached from here", from the last open state to the first.

    ``can`` has a bit for each goal, C_EVERY has all of them. The C_OPEN first of ``open_states``,
    which ascend, are looked at; those that are still open are left there. C_CHANGED: whether
    anything was learnt. C_AT and C_LEFT are C_OPEN when a pass begins, and say where it goes on
    after MISSING or SMALL.
    """
    bits, width = control[C_BITS], 1 if second is None else 2
    size, low, tags = slots.size, (1 << bits) - 1, (1 << (32 - bits)) - 1
    out0, sources, hashes = batch.out0, batch.sources, batch.hashes
    every = control[C_EVERY]
    end, left = control[C_AT], control[C_LEFT]
    while end > 0:
        count = min(BATCH, end)
        for j in range(count):
            batch.todo[j] = open_states[end - 1 - j]
        why = expand(control, tables, batch, second, states, slots, count, EVERY)
        n, first = control[C_MADE], end - control[C_TAKEN]
        for j in range(n):
            h = hashes[U(j)]
            slot = np.int64(slots[slot_of(h, size)])
            if slot >> bits == h & tags:
                prefetch(states, U(((slot & low) - 1) * width))
                prefetch(can, U((slot & low) - 1))
        j = 0
        for position in range(end - 1, first - 1, -1):
            i = open_states[position]
            value = np.int64(can[i])
            while j < n and sources[U(j)] == i:
                h = hashes[U(j)]
                at, tag = slot_of(h, size), h & tags
                while True:
                    slot = np.int64(slots[at])
                    if slot == 0:
                        return LOST
                    number = (slot & low) - 1
                    if slot >> bits == tag and same(states, number, out0[U(j)], j, second):
                        break
                    at = after(at, size)
                value |= can[U(number)]
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
