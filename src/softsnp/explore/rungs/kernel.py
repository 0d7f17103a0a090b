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
from numba import njit

from .intrinsics import address, call, prefetch_at
from .seen import LINE, PAIR, U, enter_all, enter_pair, hashed, line_of, pair_at, shuffled

ASK, END, NOTHING, EACH, APPLY, FORK, FAIL, VERDICT = range(8)
UNKNOWN, ASKED = -1, -2
DONE, MISSING, ROOM, SMALL, FAILED, CROWDED, LOST, UNUSUAL = range(8)
"""Why ``explore`` returned: all it was asked for; look at ``missing``; no room for another batch;
one state has more successors than the buffers hold; the specification failed; a state found no
slot that is near enough. LOST is a bug here: a successor of an explored state is not among the
states. UNUSUAL: what only one thread at a time may do."""
WORK, LOOK, SHARE = range(3)
"""How states are expanded: with all that goes with it; only to look for what is missing, in all of
them; or by one of several threads, up to the first state that is UNUSUAL."""
(
    C_DONE, C_KNOWN, C_STOP, C_ROOM, C_TRANSITIONS, C_DEADLOCK, C_LEVEL_END, C_LEVELS,
    C_MISSING, C_ARGUMENT, C_EVENTS, C_WORDS, C_NUMBER_AT, C_BITS, C_CHANGED, C_OPEN,
    C_TAKEN, C_AT, C_LEFT, C_QUESTIONS, C_EVERY, C_PARTS, C_STRIDE, C_SIZE,
    C_USED, C_REST, C_WIDTH, C_CODE, C_BATCHES,
) = range(29)  # fmt: skip
"""What the control array holds."""
CONTROLS = 29
F_EVENTS = 9
"""Where in the frame of emitted code the events are that have happened."""
BATCH = 128
AHEAD = 4096
RECENT = 4096
STACK = 1 << 12


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
def expand(control, tables, batch, second, states, count, manner):
    """Write the successors of the first ``count`` states of ``batch.todo`` to the batch.

    Returns DONE, or why it ended early: MISSING, SMALL, FAILED or UNUSUAL. C_TAKEN says how many
    states were done, ``batch.ends`` where the successors of each of these end. ``manner`` is WORK,
    LOOK or SHARE.

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
                    if head >> 4 and manner != LOOK:
                        events = more[U(ops[U(op + 3)] + 2)] & ~control[C_EVENTS]
                        if events and manner == SHARE:
                            why = UNUSUAL
                            break
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
                    if manner == SHARE:
                        why = UNUSUAL
                        break
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
                    elif manner == SHARE:
                        why = UNUSUAL
                        break
                    else:
                        why = MISSING
                        if at == UNKNOWN and control[C_MISSING] < tables.missing.shape[0]:
                            tables.each[number, x] = ASKED
                            tables.missing[control[C_MISSING], 0] = number
                            tables.missing[control[C_MISSING], 1] = tables.one.shape[1] + x
                            control[C_MISSING] += 1
                elif kind == FAIL:
                    if manner != LOOK:
                        control[C_ARGUMENT] = x
                        why = FAILED
                        break
                if sp == 0:
                    break
                sp -= 2
                op, number = stack[U(sp)], stack[U(sp + 1)]
                for word in range(questions):
                    asked[U(2 + word)] = answers[U(number * questions + word)]
            if why in (SMALL, FAILED, UNUSUAL):
                break
        if manner == LOOK:
            n, why = 0, DONE
            continue
        if why != DONE:
            break
        if n == begin and control[C_DEADLOCK] < 0 and not everyone_rests(s0, s1, tables):
            if manner == SHARE:
                return UNUSUAL
            control[C_DEADLOCK] = state
        ends[U(position)] = n
        control[C_TAKEN] = position + 1
    return why


@njit(inline="always")
def produce(control, tables, batch, second, states, count, manner):
    """As ``expand``, by emitted code where there is some."""
    if control[C_CODE] == 0:
        return expand(control, tables, batch, second, states, count, manner)
    batch.frame[F_EVENTS] = control[C_EVENTS]
    control[C_TAKEN] = call(control[C_CODE], batch.frame, count)
    if control[C_TAKEN] == 0:
        return expand(control, tables, batch, second, states, 1, manner)
    return DONE


@njit(inline="always")
def sift(control, batch, second, slots, turn):
    """Keep the successors that were not made a moment ago; gives how many.

    They go to ``key0`` and so on, the ones from ``turn`` on, with where to look for what. That is
    asked for, to be there when it is looked at.
    """
    out0, key0, where, wants = batch.out0, batch.key0, batch.where, batch.wants
    recent, slots = batch.recent, address(slots)
    parts, stride, size = U(control[C_PARTS] - 1), U(control[C_STRIDE]), control[C_SIZE]
    used, one = control[C_USED], U(1) << U(control[C_REST])
    made = batch.ends[U(control[C_TAKEN] - 1)]
    if second is None:  # by itself, for then it is done for eight at a time
        for j in range(made):
            batch.mixed[U(j)] = shuffled(out0[U(j)], used)
    n = turn
    for j in range(made):
        t0 = out0[U(j)]
        if second is None:
            x = batch.mixed[U(j)]
            to = slots + ((x & parts) * stride + line_of(x, used, size)) * U(LINE)
            wants[U(n)] = one | (x & (one - U(1)))
        else:
            t1 = second.out1[U(j)]
            x = U(hashed(t0, t1))
            to = pair_at(slots + (x & parts) * stride * U(PAIR), t0, t1, size)
        prefetch_at(to)
        key0[U(n)], where[U(n)] = t0, to
        at = x & U(RECENT - 1)
        fresh = recent[at] != t0
        recent[at] = t0
        if second is not None:
            fresh |= second.recent[at] != t1
            second.recent[at] = second.key1[U(n)] = t1
        n += fresh
    return n - turn


@njit(inline="always")
def settle(control, batch, second, states, slots, turn, n):
    """Number those of ``n`` successors that are new. Whether there was room near their lines."""
    known, size, slots, fresh = control[C_KNOWN], control[C_SIZE], address(slots), batch.fresh
    part, fits = U(control[C_STRIDE] * (LINE if second is None else PAIR)), True
    if second is None:
        width, rest = control[C_WIDTH], control[C_REST]
        fits = enter_all(
            batch.where, batch.wants, turn, n, slots, part, width, rest, size, fresh, batch.late
        )
    for j in range(turn, turn + n):
        s0 = batch.key0[U(j)]
        if second is None:
            states[U(known)] = s0
            known += fresh[U(j)]
        else:
            s1, at = second.key1[U(j)], batch.where[U(j)]
            there = enter_pair(at, s0, s1, at - (at - slots) % part, size)
            states[U(2 * known)], states[U(2 * known + 1)] = s0, s1
            known += there == 0
    control[C_KNOWN] = known
    if not fits:
        batch.recent[:] = -1
    return fits


@njit(inline="always")
def note_origin(control, origins, begin):
    """What will be found from now on comes of the states from ``begin`` on."""
    known, batches = control[C_KNOWN], control[C_BATCHES]
    batches -= batches > 0 and origins[batches - 1, 1] == known
    origins[batches, 0], origins[batches, 1] = begin, known
    control[C_BATCHES] = batches + 1


@njit(cache=True, nogil=True)
def explore(control, tables, batch, second, states, origins, slots, levels):
    """Expand states ``control[C_DONE]`` to ``control[C_STOP]``; returns why it stopped.

    ``slots`` is the set of states seen; there is room for C_ROOM states. While the lines come
    that the successors of one batch are looked for in, the next batch is expanded. ``origins`` has
    a row a batch: its first state, and how many were known before those that come of it.
    """
    room = batch.out0.size
    ahead, turn, waiting, made, why = control[C_DONE], 0, 0, 0, DONE
    before = ahead
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
                why = produce(control, tables, batch, second, states, count, WORK)
                ahead += control[C_TAKEN]
                if ahead > begin:
                    n = sift(control, batch, second, slots, turn)
                    more = batch.ends[U(ahead - begin - 1)]
                    if why == SMALL:  # what was nearly full is empty for the next
                        why = DONE
        turn = room - turn
        if waiting:
            note_origin(control, origins, before)
            if not settle(control, batch, second, states, slots, turn, waiting):
                return CROWDED
        before = begin
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
        expand(control, tables, batch, second, states, count, LOOK)
        ahead += count
