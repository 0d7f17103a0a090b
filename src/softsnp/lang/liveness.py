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
WRITES = ("STORE_FAST", "DELETE_FAST", "STORE_FAST_STORE_FAST")


@cache
def live_after(code: CodeType, offset: int) -> frozenset[str]:
    """The locals that may be read after the instruction at a byte offset has yielded."""
    names, live = _live(code)
    return frozenset(name for bit, name in enumerate(names) if live[offset] >> bit & 1)


@cache
def _live(code: CodeType) -> tuple[list[str], dict[int, int]]:
    """The locals, and by byte offset those that may be read after that instruction, by bits."""
    instructions = list(dis.get_instructions(code))
    handlers = dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
    bits: dict[str, int] = {}
    steps = []
    for here, following in zip(instructions, [*instructions[1:], None], strict=True):
        targets = [] if following is None or here.opname in ENDS else [following.offset]
        if here.opcode in JUMPS:
            targets.append(here.argval)
        targets += [h.target for h in handlers if h.start <= here.offset < h.end]
        read, written = 0, 0
        for name in _names(here):
            bit = 1 << bits.setdefault(name, len(bits))
            if here.opname in WRITES:
                written |= bit
            else:
                read |= bit
        steps.append((here.offset, targets, read, ~written))
    before = dict.fromkeys((offset for offset, *_ in steps), 0)
    after = dict(before)
    changed = True
    while changed:
        changed = False
        for offset, targets, read, kept in reversed(steps):
            out = 0
            for target in targets:
                out |= before[target]
            after[offset] = out
            into = out & kept | read
            if into != before[offset]:
                before[offset] = into
                changed = True
    return list(bits), after


def _names(here: dis.Instruction) -> tuple[str, ...]:
    """The locals that an instruction reads or writes."""
    if here.opcode not in dis.haslocal and here.opcode not in dis.hasfree:
        return ()
    return here.argval if isinstance(here.argval, tuple) else (here.argval,)
