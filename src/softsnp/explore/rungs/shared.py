"""What several threads do of a search at once, compiled by numba. crew.py says when.

The set of states seen has a part a thread, by some bits of a state's hash. A round takes some
states of one level, in three steps, and each has to be done before the next one begins:

``gather``   a thread expands an equal share of the states, in order, and sorts their successors
             by the part that they belong to
``look_up``  a thread has the successors in its own part of the set, in order, whoever made them
``number``   a thread numbers the new ones of those that it made itself

A state is known by itself in the set, not by its number. So which states are new does not depend
on how threads take turns, and they are numbered in the order in which one thread would have.

All arrays of ``Share`` are of one round.
"""

# mypy: ignore-errors
# numba infers the types, and none of this is called from Python but by crew.py.

from numba import njit

from .intrinsics import address, prefetch_at
from .kernel import (
    BATCH,
    C_DONE,
    C_PARTS,
    C_REST,
    C_SIZE,
    C_STOP,
    C_STRIDE,
    C_TAKEN,
    C_TRANSITIONS,
    C_USED,
    C_WIDTH,
    DONE,
    RECENT,
    SHARE,
    SMALL,
    produce,
)
from .seen import LINE, PAIR, U, enter_all, enter_pair, hashed, line_of, pair_at, shuffled

BLOCK = 64
"""Successors that are looked up while the lines of the next ones come."""


@njit(cache=True, nogil=True)
def gather(control, tables, batch, second, states, share):
    """Expand from C_DONE on to C_STOP, or to the first state that is unusual.

    ``share.made`` says how many successors there are for each part, and in all; C_DONE, how far it
    got. C_TRANSITIONS grows.
    """
    recent, keys, order, made = batch.recent, share.keys, share.order, share.made
    parts, used = U(control[C_PARTS] - 1), control[C_USED]
    room, total, batches = order.size, 0, 0
    made[:] = 0
    begin, stop = control[C_DONE], control[C_STOP]
    while begin < stop and batches + 1 < share.batches.shape[0]:
        count = min(BATCH, stop - begin)
        for j in range(count):
            batch.todo[U(j)] = begin + j
        why = produce(control, tables, batch, second, states, count, SHARE)
        taken = control[C_TAKEN]
        more = batch.ends[U(taken - 1)] if taken else 0
        if taken == 0 or total + more > room:
            break
        share.batches[batches, 0], share.batches[batches, 1] = begin, total
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
        control[C_TRANSITIONS] += more
        if why not in (DONE, SMALL):
            break
    share.batches[batches, 0], share.batches[batches, 1] = begin, total
    share.sizes[0], share.sizes[1] = batches, total
    control[C_DONE] = begin


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


@njit(cache=True, nogil=True)
def look_up(control, share, part, slots, lines):
    """Have the successors of one part in the set; ``share.fresh`` says which are new.

    How many are, or -1 where one found no room.
    """
    where, wants, keys, fresh = lines.where, lines.wants, share.keys[part], share.fresh[part]
    found, late = lines.fresh, lines.late
    size, width, rest = control[C_SIZE], control[C_WIDTH], control[C_REST]
    unit = LINE if keys.shape[1] == 1 else PAIR
    apart = U(control[C_STRIDE] * unit)
    first = address(slots) + U(part) * apart
    end, new, turn = share.made[part], 0, 0
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


@njit(cache=True, nogil=True)
def number(share, states, origins, known, new, at):
    """Write the ``new`` states of a share, which are numbered from ``known`` on.

    ``at`` is the first row of ``origins`` to write.
    """
    words, keys, fresh, order = share.keys.shape[2], share.keys, share.fresh, share.order
    done = share.made
    done[:] = 0
    n, end = known, known + new
    for batch in range(share.sizes[0]):
        origins[at + batch, 0], origins[at + batch, 1] = share.batches[batch, 0], n
        for j in range(share.batches[batch, 1], share.batches[batch + 1, 1]):
            if n == end:  # what is written in vain there is another's
                break
            part = order[U(j)]
            i = done[part]
            done[part] = i + 1
            for word in range(words):
                states[U(words * n + word)] = keys[part, U(i), word]
            n += fresh[part, U(i)]
