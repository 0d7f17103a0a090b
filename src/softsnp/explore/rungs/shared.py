"""What several threads do of a search at once, compiled by numba. crew.py says when.

The set of states seen has a part a thread, by some bits of a state's hash. A round takes some
states of one level, in three steps; after the first two, each thread waits for all others:

``gather``   a thread expands an equal share of the states, in order, and sorts their successors
             by the part that they belong to
``look_up``  a thread has the successors in its own part of the set, in order, whoever made them
``number``   a thread numbers the new ones of those that it made itself

A state is known by itself in the set, not by its number. So which states are new does not depend
on how threads take turns, and they are numbered in the order in which one thread would have.

What a thread has made is in ``share``, under the number of the thread; who reads what of others
reads it between the two waits, when nobody writes it.
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by crew.py.

from numba import njit

from .intrinsics import address, count_in, counted, let_others, prefetch_at
from .kernel import (
    BATCH,
    C_BATCHES,
    C_DONE,
    C_KNOWN,
    C_PARTS,
    C_REST,
    C_ROOM,
    C_SIZE,
    C_STOP,
    C_STRIDE,
    C_TAKEN,
    C_TRANSITIONS,
    C_USED,
    C_WIDTH,
    CROWDED,
    DONE,
    RECENT,
    ROOM,
    SHARE,
    SMALL,
    UNUSUAL,
    produce,
)
from .seen import LINE, PAIR, U, enter_all, enter_pair, hashed, line_of, pair_at, shuffled

BLOCK = 128
"""Successors that are looked up while the lines of the next ones come."""
PATIENCE = 2000
"""How often to look whether others have come before letting them have the core."""
S_BATCHES, S_TOTAL, S_UNUSUAL, S_NEW = range(4)
"""What ``share.sizes`` holds: of batches, successors and new states how many; and why it ended."""


@njit(inline="always")
def meet(at, so_many):
    """Wait until threads have come here so many times in all."""
    count_in(at)
    looked = 0
    while counted(at) < U(so_many):
        looked += 1
        if looked > PATIENCE:
            let_others()


@njit(cache=True, nogil=True)
def rounds(me, control, own, tables, batch, second, states, origins, slots, share, each, meeting):
    """Expand states up to C_STOP, all of one level, ``each`` a thread in a round; why it ended.

    DONE, ROOM (less than a round may take up to C_ROOM), UNUSUAL or CROWDED. ``me`` is the thread's
    number, ``own`` its own control; the first thread writes to the common one at the end.
    """
    threads, room = share.made.shape[0], share.order.shape[1]
    begin, known, rows = control[C_DONE], control[C_KNOWN], control[C_BATCHES]
    transitions, stop, most = control[C_TRANSITIONS], control[C_STOP], control[C_ROOM]
    own[:] = control
    at, met, why = address(meeting), 0, DONE
    while begin < stop and why == DONE:
        if known + threads * room > most:
            why = ROOM
            break
        count = min(each, (stop - begin + threads - 1) // threads)
        own[C_DONE] = min(stop, begin + me * count)
        own[C_STOP] = min(stop, begin + (me + 1) * count)
        share.sizes[me, S_UNUSUAL] = 0
        gather(me, own, tables, batch, second, states, share)
        share.ends[me, 0], share.ends[me, 1] = own[C_DONE], own[C_STOP]
        share.ends[me, 2] = own[C_TRANSITIONS]
        met += threads
        meet(at, met)

        used, full, row = 0, False, rows
        while used < threads and not full:
            if used == me:
                row = rows
            full = share.ends[used, 0] < share.ends[used, 1]
            if share.sizes[used, S_UNUSUAL]:
                why = UNUSUAL
            rows += share.sizes[used, S_BATCHES]
            transitions += share.ends[used, 2]
            used += 1
        reached = share.ends[used - 1, 0]
        if reached == begin:
            why = UNUSUAL
        if full:
            each = max(BATCH, each // 2)
        if me >= used:  # what it made a moment ago is not in the set
            batch.recent[:] = -1
        for thread in range(used):
            share.new[me, thread] = look_up(own, share, thread, me, slots, batch)
        met += threads
        meet(at, met)

        first = known
        for thread in range(used):
            if thread == me:
                first = known
            for part in range(threads):
                if share.new[part, thread] < 0:
                    why = CROWDED
                known += share.new[part, thread]
            if thread == me:
                share.sizes[me, S_NEW] = known - first
        if why == CROWDED:
            break
        if me < used:
            number(me, share, states, origins, first, first + share.sizes[me, S_NEW], row)
        begin = reached
    if me == 0 and why != CROWDED:
        control[C_DONE], control[C_KNOWN], control[C_BATCHES] = begin, known, rows
        control[C_TRANSITIONS] = transitions
    return why


@njit(nogil=True)
def gather(me, control, tables, batch, second, states, share):
    """Expand from C_DONE on to C_STOP, or until there is no more room, or something is unusual.

    ``made`` says how many successors there are for each part; C_DONE, how far it got;
    C_TRANSITIONS, how many there are with those known before.
    """
    recent, keys, order, made = batch.recent, share.keys[me], share.order[me], share.made[me]
    marks, sizes = share.batches[me], share.sizes[me]
    parts, used = U(control[C_PARTS] - 1), control[C_USED]
    room, total, batches, steps = order.size, 0, 0, 0
    made[:] = 0
    begin, stop = control[C_DONE], control[C_STOP]
    while begin < stop and batches + 1 < marks.shape[0]:
        count = min(BATCH, stop - begin)
        for j in range(count):
            batch.todo[U(j)] = begin + j
        why = produce(control, tables, batch, second, states, count, SHARE)
        taken = control[C_TAKEN]
        more = batch.ends[U(taken - 1)] if taken else 0
        if taken and total + more > room:
            break
        if taken:
            marks[batches, 0], marks[batches, 1] = begin, total
            batches += 1
        if second is None:
            for j in range(more):
                batch.mixed[U(j)] = shuffled(batch.out0[U(j)], used)
        for j in range(more):
            t0 = batch.out0[U(j)]
            x = batch.mixed[U(j)] if second is None else U(hashed(t0, second.out1[U(j)]))
            at, part = x & U(RECENT - 1), x & parts
            to = made[part]
            keys[part, U(to), 0], order[U(total)] = t0, part
            fresh = recent[at] != t0
            recent[at] = t0
            if second is not None:
                t1 = second.out1[U(j)]
                fresh |= second.recent[at] != t1
                second.recent[at] = keys[part, U(to), 1] = t1
            made[part] = to + fresh
            total += fresh
        begin += taken
        steps += more
        if why not in (DONE, SMALL) or taken == 0:
            sizes[S_UNUSUAL] = 1
            break
    marks[batches, 0], marks[batches, 1] = begin, total
    sizes[S_BATCHES], sizes[S_TOTAL] = batches, total
    control[C_DONE], control[C_TRANSITIONS] = begin, steps


@njit(inline="always")
def ask_for(control, keys, first, begin, end, where, wants, turn):
    """Have the lines come where successors of a part are looked for, and say which."""
    size, used, one = control[C_SIZE], control[C_USED], U(1) << U(control[C_REST])
    for i in range(begin, end):
        if keys.shape[1] == 1:
            x = shuffled(keys[U(i), 0], used)
            at = first + line_of(x, used, size) * U(LINE)
            wants[U(turn + i - begin)] = one | (x & (one - U(1)))
        else:
            at = pair_at(first, keys[U(i), 0], keys[U(i), 1], size)
        prefetch_at(at)
        where[U(turn + i - begin)] = at


@njit(nogil=True)
def look_up(control, share, thread, part, slots, lines):
    """Have those successors of a thread in the set that belong to a part of it.

    How many are new, or -1 where one found no room; ``fresh`` says which. ``lines`` is a batch.
    """
    keys, fresh = share.keys[thread, part], share.fresh[thread, part]
    where, wants, found, late = lines.where, lines.wants, lines.fresh, lines.late
    size, width, rest = control[C_SIZE], control[C_WIDTH], control[C_REST]
    unit = LINE if keys.shape[1] == 1 else PAIR
    apart = U(control[C_STRIDE] * unit)
    first = address(slots) + U(part) * apart
    end, new, turn = share.made[thread, part], 0, 0
    ask_for(control, keys, first, 0, min(BLOCK, end), where, wants, turn)
    for begin in range(0, end, BLOCK):
        last = min(begin + BLOCK, end)
        ask_for(control, keys, first, last, min(last + BLOCK, end), where, wants, BLOCK - turn)
        if keys.shape[1] == 1:
            count = last - begin
            if not enter_all(
                where, wants, turn, count, address(slots), apart, width, rest, size, found, late
            ):
                return -1
        for i in range(begin, last):
            j = turn + i - begin
            if keys.shape[1] == 2:
                there = enter_pair(where[U(j)], keys[U(i), 0], keys[U(i), 1], first, size)
                found[U(j)] = there == 0
            fresh[U(i)] = found[U(j)]
            new += found[U(j)]
        turn = BLOCK - turn
    return new


@njit(nogil=True)
def number(me, share, states, origins, n, end, row):
    """Write the new states of a thread, which have the numbers from ``n`` to ``end``.

    ``row`` is the first one of ``origins`` to write.
    """
    keys, fresh, order, marks = share.keys[me], share.fresh[me], share.order[me], share.batches[me]
    words, done = keys.shape[2], share.made[me]
    done[:] = 0
    for batch in range(share.sizes[me, S_BATCHES]):
        origins[row + batch, 0], origins[row + batch, 1] = marks[batch, 0], n
        for j in range(marks[batch, 1], marks[batch + 1, 1]):
            if n == end:  # what is written in vain there is another's
                break
            part = order[U(j)]
            i = done[part]
            done[part] = i + 1
            for word in range(words):
                states[U(words * n + word)] = keys[part, U(i), word]
            n += fresh[part, U(i)]
