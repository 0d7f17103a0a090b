"""Which local variables of a function can still be read, instruction by instruction.

A value that nobody reads again is no part of where an activity stands. The usual backward data
flow, over CPython's bytecode. https://docs.python.org/3/library/dis.html
"""

from __future__ import annotations

import dis
from functools import cache
from types import CodeType

JUMPS = {*dis.hasjrel, *dis.hasjabs}
ENDS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "JUMP_FORWARD"} | {
    name for name in dis.opmap if name.startswith("JUMP_BACKWARD") or name == "JUMP_ABSOLUTE"
}


@cache
def live_after(code: CodeType, offset: int) -> frozenset[str]:
    """The locals that may be read after the instruction at a byte offset has yielded."""
    return _live(code)[offset]


@cache
def _live(code: CodeType) -> dict[int, frozenset[str]]:
    """By byte offset: what may be read after that instruction."""
    instructions = list(dis.get_instructions(code))
    handlers = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    follow: list[list[int]] = []
    for here, following in zip(instructions, [*instructions[1:], None], strict=True):
        targets = [] if following is None or here.opname in ENDS else [following.offset]
        if here.opcode in JUMPS:
            targets.append(here.argval)
        targets += [h.target for h in handlers if h.start <= here.offset < h.end]
        follow.append(targets)
    before: dict[int, frozenset[str]] = {i.offset: frozenset() for i in instructions}
    after = dict(before)
    changed = True
    while changed:
        changed = False
        for here, targets in zip(reversed(instructions), reversed(follow), strict=True):
            out = frozenset[str]().union(*(before[target] for target in targets))
            read, written = _used(here)
            into = out - written | read
            after[here.offset] = out
            if into != before[here.offset]:
                before[here.offset] = into
                changed = True
    return after


def _used(here: dis.Instruction) -> tuple[frozenset[str], frozenset[str]]:
    """The locals that an instruction reads, and those whose value it ends."""
    if here.opcode not in dis.haslocal and here.opcode not in dis.hasfree:
        return frozenset(), frozenset()
    names = here.argval if isinstance(here.argval, tuple) else (here.argval,)
    if here.opname in ("STORE_FAST", "DELETE_FAST"):
        return frozenset(), frozenset(names)
    if here.opname == "STORE_FAST_STORE_FAST":
        return frozenset(), frozenset(names)
    return frozenset(names), frozenset()
