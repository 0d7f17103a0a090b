"""Minimal sets of circumstances under which something breaks: all of them, by asking.

Knows nothing of what breaks. It asks one question after the other, each a set of circumstances,
and hears whether it breaks under these. Where more circumstances never mend anything, what comes
out is every minimal set. Where they may, each set that comes out breaks, and with any single one
of it taken away nothing does.

A set that holds rules out its subsets, one that breaks its supersets. What neither rules out is
looked for among the largest: a set that includes no known minimal one leaves out, of each, at
least one. So the largest are the complements of the smallest sets that hit every known one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

Circumstances = frozenset[str]


@dataclass(frozen=True)
class Reply:
    """Whether it breaks, and if so, which circumstances are likely to be enough (a hint)."""

    breaks: bool
    likely: Circumstances = frozenset()


Asking = Generator[Circumstances, Reply, list[Circumstances]]
HOLDS = Reply(False)


def minimal_sets(names: Sequence[str], guesses: Sequence[Circumstances] = ()) -> Asking:
    """Yields questions, is sent replies, and returns the minimal sets, the smaller ones first.

    Guesses that are right save questions; wrong ones cost one each.

    Whatever the replies, it asks about no circumstance, about each alone, and (unless one of those
    breaks) about all at once.
    """
    nothing: Circumstances = frozenset()
    if (yield nothing).breaks:
        return [nothing]
    found: list[Circumstances] = []
    for name in names:
        alone = frozenset({name})
        if (yield alone).breaks:
            found.append(alone)
    holding: list[Circumstances] = []
    for guess in guesses:
        if not any(known <= guess for known in found):
            reply = yield guess
            if reply.breaks:
                found.append((yield from _shrink(names, guess, reply)))
            else:
                holding.append(guess)
    while True:
        seed = _unexplored(names, found, holding)
        if seed is None:
            return sorted(found, key=lambda s: _order(names, s))
        reply = yield seed
        if reply.breaks:
            found.append((yield from _shrink(names, seed, reply)))
        else:
            holding.append(seed)


def _order(names: Sequence[str], chosen: Circumstances) -> tuple[int, list[int]]:
    return len(chosen), sorted(map(names.index, chosen))


def _unexplored(
    names: Sequence[str], found: list[Circumstances], holding: list[Circumstances]
) -> Circumstances | None:
    """A largest set that is neither within one that holds nor includes one that breaks."""
    for missing in smallest_hitting(names, found):
        largest = frozenset(names) - missing
        if len(largest) > 1 and not any(largest <= known for known in holding):
            return largest
    return None


def smallest_hitting(names: Sequence[str], sets: Sequence[Circumstances]) -> list[Circumstances]:
    """Every minimal set that has something of each of these, in a fixed order."""
    hitting: list[Circumstances] = [frozenset()]
    for one in sets:
        hit = [h for h in hitting if h & one]
        grown = {h | {name} for h in hitting if not h & one for name in one}
        hit += [g for g in grown if not any(h <= g for h in hit)]
        hitting = sorted(hit, key=lambda s: _order(names, s))
    return hitting


def _shrink(
    names: Sequence[str], seed: Circumstances, reply: Reply
) -> Generator[Circumstances, Reply, Circumstances]:
    """A set within a breaking one that breaks, and holds with any single one taken away."""
    current = seed
    while True:
        likely = reply.likely & current
        if likely == current:
            break
        reply = yield likely
        if not reply.breaks:
            break
        current = likely
    needed: set[str] = set()
    """Those that the current set, not only a larger one, holds without."""
    order = [name for name in names if name in current]
    while order:
        name = order.pop(0)
        fewer = current - {name}
        if (yield fewer).breaks:
            current = fewer
            order += [other for other in names if other in needed]
            needed.clear()
        else:
            needed.add(name)
    return current
