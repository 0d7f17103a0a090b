"""The table engine: breadth-first search over programs that are data. Compiled once, by numba.

Nothing of a design is compiled in, so a design never seen before costs no compilation. numba does
not notice changes in other files: this one imports seen.py alone, and cache.py keys the cache on
the content of both.

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
from numba.extending import intrinsic

from .seen import (
    LINE,
    U,
    after,
    empty,
    equal,
    hashed,
    line_of,
    lowest,
    prefetch,
    shuffled,
    slot_of,
    store,
)

ASK, END, NOTHING, EACH, APPLY, FORK, FAIL, VERDICT = range(8)
UNKNOWN, ASKED = -1, -2
DONE, MISSING, ROOM, SMALL, FAILED, CROWDED, LOST = range(7)
"""Why ``explore`` returned: all it was asked for; look at ``missing``; no room for another batch;
one state has more successors than the buffers hold; the specification failed; a state found no
slot that is near enough. LOST is a bug here: a successor of an explored state is not among the
states."""
(
    C_DONE, C_KNOWN, C_STOP, C_ROOM, C_TRANSITIONS, C_DEADLOCK, C_LEVEL_END, C_LEVELS,
    C_MISSING, C_ARGUMENT, C_EVENTS, C_WORDS, C_NUMBER_AT, C_BITS, C_CHANGED, C_OPEN,
    C_TAKEN, C_AT, C_LEFT, C_QUESTIONS, C_EVERY, C_PARTS, C_STRIDE, C_SIZE,
    C_USED, C_REST, C_WIDTH, C_CODE,
) = range(28)  # fmt: skip
"""What the control array holds."""
CONTROLS = 28
F_EVENTS = 9
"""Where in the frame of emitted code the events are that have happened."""
BATCH = 128
AHEAD = 4096
RECENT = 4096
STACK = 1 << 12


@intrinsic
def call(context, address, frame, count):
    """Call emitted code (llvm.py) for the first ``count`` states of the batch."""

    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [data.type, word])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(function, [data, arguments[2]])

    return types.int64(types.int64, frame, types.int64), code


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
def expand(control, tables, batch, second, states, count, dry):
    """Write the successors of the first ``count`` states of ``batch.todo`` to the batch.

    Returns DONE, or why it ended early: MISSING, SMALL or FAILED. C_TAKEN says how many states
    were done, ``batch.ends`` where the successors of each of these end. ``dry``: only look for
    what is missing, in all the states.

    ``second`` is None where a state is one word. One call does many states: handing arrays over
    for each would cost more than the work.
    """
    number_at = control[C_NUMBER_AT]
    out0, ends = batch.out0, batch.ends
    ops, more, kids, asked = tables.ops, tables.more, tables.kids, tables.asked
    stack = tables.stack
    places, roots, activities = tables.places, tables.roots, tables.places.size // 4
    answers, questions = tables.answers, control[C_QUESTIONS]
    limit = out0.size
    n, why = 0, DONE
    control[C_TAKEN] = 0
    for position in range(count):
        state, begin = batch.todo[U(position)], n
        if second is None:
            s0, s1 = states[U(state)], 0
            first = s0 >> number_at
        else:
            s0, s1 = states[U(2 * state)], states[U(2 * state + 1)]
            first = s1 >> number_at
        sp = 0
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
                        second.out1[U(n)] = t1
                    if head >> 4 and not dry:
                        events = more[U(ops[U(op + 3)] + 2)] & ~control[C_EVENTS]
                        if events:
                            control[C_EVENTS] |= events
                            for event in range(63):
                                if (events >> event) & 1:
                                    tables.hits[event, 0] = state
                                    tables.hits[event, 1], tables.hits[event, 2] = t0, t1
                    out0[U(n)] = t0
                    n += kind == END
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
                    if not dry:
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
        if dry:
            n, why = 0, DONE
            continue
        if why != DONE:
            break
        if n == begin and control[C_DEADLOCK] < 0 and not everyone_rests(s0, s1, tables):
            control[C_DEADLOCK] = state
        ends[U(position)] = n
        control[C_TAKEN] = position + 1
    return why


@njit(inline="always")
def produce(control, tables, batch, second, states, count):
    """As ``expand``, by emitted code where there is some."""
    if control[C_CODE] == 0:
        return expand(control, tables, batch, second, states, count, False)
    batch.frame[F_EVENTS] = control[C_EVENTS]
    control[C_TAKEN] = call(control[C_CODE], batch.frame, count)
    if control[C_TAKEN] == 0:
        return expand(control, tables, batch, second, states, 1, False)
    return DONE


@njit(inline="always")
def sift(control, batch, second, slots, turn):
    """Keep the successors that were not made a moment ago; gives how many.

    They go to ``key0`` and so on, the ones from ``turn`` on: where each came from, and where to
    look for what. That is asked for, to be there when it is looked at.
    """
    out0, key0, where, wants = batch.out0, batch.key0, batch.where, batch.wants
    sources, recent = batch.sources, batch.recent
    parts, stride, size = U(control[C_PARTS] - 1), U(control[C_STRIDE]), control[C_SIZE]
    used, one = control[C_USED], U(1) << U(control[C_REST])
    if second is None:  # by itself, for then it is done for eight at a time
        for j in range(batch.ends[U(control[C_TAKEN] - 1)]):
            batch.mixed[U(j)] = shuffled(out0[U(j)], used)
    n, j = turn, 0
    for position in range(control[C_TAKEN]):
        state, end = batch.todo[U(position)], batch.ends[U(position)]
        while j < end:
            t0 = out0[U(j)]
            if second is None:
                x = batch.mixed[U(j)]
                at = ((x & parts) * stride + line_of(x, used, size)) * U(LINE)
                wants[U(n)] = one | (x & (one - U(1)))
                prefetch(slots, at)
            else:
                t1 = second.out1[U(j)]
                x = U(hashed(t0, t1))
                at = slot_of(np.int64(x), size)
                prefetch(slots, U(2) * at)
            key0[U(n)], where[U(n)], sources[U(n)] = t0, at, state
            at = x & U(RECENT - 1)
            fresh = recent[at] != t0
            recent[at] = t0
            if second is not None:
                fresh |= second.recent[at] != t1
                second.recent[at] = second.key1[U(n)] = t1
            n += fresh
            j += 1
    return n - turn


@njit(inline="always")
def settle(control, batch, second, states, parents, slots, turn, n):
    """Number those of ``n`` successors that are new. Whether there was room near their lines."""
    known, size, width = control[C_KNOWN], control[C_SIZE], control[C_WIDTH]
    one, bits = U(1) << U(control[C_REST]), U(8 * width)
    part = U(control[C_STRIDE] * LINE)
    fits = True
    for j in range(turn, turn + n):
        s0, at = batch.key0[U(j)], batch.where[U(j)]
        if second is None:
            want = batch.wants[U(j)]
            there, free = equal(slots, width, at, want), empty(slots, width, at)
            while there | free == 0:
                base = at - at % part
                at, want = at + U(LINE), want + one
                if want >> bits:
                    break
                if at == base + U(size * LINE):
                    at = base
                there, free = equal(slots, width, at, want), empty(slots, width, at)
            if want >> bits:
                batch.recent[:] = -1
                fits = False
                break
            # a write too many takes less time than a branch that nobody could expect
            store(slots, width, at, lowest(there if there else free), want)
            states[U(known)], parents[U(known)] = s0, batch.sources[U(j)]
            known += there == 0
        else:
            s1 = second.key1[U(j)]
            found = slots[U(2) * at]
            while found != 0 and not (found == s1 + 1 and slots[U(2) * at + U(1)] == s0):
                at = after(at, U(0), size)
                found = slots[U(2) * at]
            if found == 0:
                slots[U(2) * at], slots[U(2) * at + U(1)] = s1 + 1, s0
                states[U(2 * known)], states[U(2 * known + 1)] = s0, s1
                parents[U(known)] = batch.sources[U(j)]
                known += 1
    control[C_KNOWN] = known
    return fits


@njit(cache=True, nogil=True)
def explore(control, tables, batch, second, states, parents, slots, levels):
    """Expand states ``control[C_DONE]`` to ``control[C_STOP]``; returns why it stopped.

    ``slots`` is the set of states seen; there is room for C_ROOM states. While the lines come
    that the successors of one batch are looked for in, the next batch is expanded.
    """
    room = batch.out0.size
    ahead, turn, waiting, made, why = control[C_DONE], 0, 0, 0, DONE
    while True:
        begin, n, more = ahead, 0, 0
        end = min(control[C_KNOWN], control[C_LEVEL_END], control[C_STOP])
        if ahead < end and why == DONE:
            if control[C_KNOWN] + 2 * room > control[C_ROOM]:
                why = ROOM
            else:
                count = min(BATCH, end - begin)
                for j in range(count):
                    batch.todo[U(j)] = begin + j
                why = produce(control, tables, batch, second, states, count)
                ahead += control[C_TAKEN]
                if ahead > begin:
                    n = sift(control, batch, second, slots, turn)
                    more = batch.ends[U(ahead - begin - 1)]
                    if why == SMALL:  # what was nearly full is empty for the next
                        why = DONE
        turn = room - turn
        if waiting and not settle(control, batch, second, states, parents, slots, turn, waiting):
            return CROWDED
        control[C_DONE] = begin
        control[C_TRANSITIONS] += made
        waiting, made = n, more
        if ahead > begin:
            continue
        known = control[C_KNOWN]
        if begin == control[C_LEVEL_END] and known > begin:
            levels[control[C_LEVELS]] = begin
            control[C_LEVELS] += 1
            control[C_LEVEL_END] = known
            if control[C_LEVELS] + 1 >= levels.size and why == DONE:
                why = ROOM
        if why == MISSING:
            look_ahead(control, tables, batch, second, states, begin + 1)
        if why != DONE:
            return why
        if begin >= min(control[C_STOP], known):
            return DONE


@njit(cache=True, nogil=True)
def look_ahead(control, tables, batch, second, states, begin):
    """Note what is missing for some of the next states too."""
    ahead, end = begin, min(begin + AHEAD, control[C_LEVEL_END])
    while ahead < end and control[C_MISSING] < tables.missing.shape[0]:
        count = min(BATCH, end - ahead)
        for j in range(count):
            batch.todo[U(j)] = ahead + j
        expand(control, tables, batch, second, states, count, True)
        ahead += count


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
                at = after(at, U(0), size)
            slots[at] = ((h & tags) << bits) | (i + 1)


@njit(inline="always")
def same(states, number, s0, j, second):
    """Whether the state with that number is the successor ``j`` of the batch."""
    if second is None:
        return states[U(number)] == s0
    return states[U(2 * number)] == s0 and states[U(2 * number + 1)] == second.out1[U(j)]


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

    ``slots`` is an index of all states.

    ``can`` has a bit for each goal, C_EVERY has all of them. The C_OPEN first of ``open_states``,
    which ascend, are looked at; those that are still open are left there. C_CHANGED: whether
    anything was learnt. C_AT and C_LEFT are C_OPEN when a pass begins, and say where it goes on
    after MISSING or SMALL.
    """
    bits, width = control[C_BITS], 1 if second is None else 2
    size, low, tags = slots.size, (1 << bits) - 1, (1 << (32 - bits)) - 1
    out0, hashes = batch.out0, batch.key0
    every = control[C_EVERY]
    end, left = control[C_AT], control[C_LEFT]
    while end > 0:
        count = min(BATCH, end)
        for j in range(count):
            batch.todo[U(j)] = open_states[end - 1 - j]
        why = produce(control, tables, batch, second, states, count)
        taken = control[C_TAKEN]
        n, first = batch.ends[taken - 1] if taken else 0, end - taken
        for j in range(n):
            h = hashed(out0[U(j)], 0 if second is None else second.out1[U(j)])
            hashes[U(j)] = h
            prefetch(slots, slot_of(h, size))
        for j in range(n):
            h = hashes[U(j)]
            slot = np.int64(slots[slot_of(h, size)])
            if slot >> bits == h & tags:
                prefetch(states, U(((slot & low) - 1) * width))
                prefetch(can, U((slot & low) - 1))
        j = 0
        for position in range(taken):
            i = np.int64(batch.todo[U(position)])
            value = np.int64(can[i])
            while j < batch.ends[U(position)]:
                h = hashes[U(j)]
                at, tag = slot_of(h, size), h & tags
                while True:
                    slot = np.int64(slots[at])
                    if slot == 0:
                        return LOST
                    number = (slot & low) - 1
                    if slot >> bits == tag and same(states, number, out0[U(j)], j, second):
                        break
                    at = after(at, U(0), size)
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
