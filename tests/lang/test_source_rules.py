"""What is refused from the source alone; and that what is let through is seen by a position."""

from __future__ import annotations

import dis
import inspect
import linecache
from types import CodeType

import pytest

from softsnp.lang import SpecError, Specification
from softsnp.lang.source_rules import check_class
from softsnp.spec.designs import LINEAGE, RmpoptV10

from . import allowed, broken

REFUSED = [
    cls
    for cls in vars(broken).values()
    if isinstance(cls, type) and issubclass(cls, broken.Base) and cls is not broken.Base
]


@pytest.mark.parametrize("cls", REFUSED, ids=lambda cls: cls.__name__)
def test_the_wrong_form_is_refused_with_its_place_and_the_right_form(
    cls: type[Specification],
) -> None:
    with pytest.raises(SpecError) as caught:
        check_class(cls)
    file, _, line = caught.value.where.rpartition(":")
    assert file == broken.__file__
    assert "# refused" in linecache.getline(file, int(line))
    first, second = inspect.getsourcelines(cls)
    assert second < int(line) <= second + len(first)
    assert "\n  wrote: " in caught.value.message
    assert "\n  write: " in caught.value.message


def test_there_is_a_case_for_every_marked_line() -> None:
    source = inspect.getsource(broken)
    assert source.count("# refused") - 1 == len(REFUSED)


@pytest.mark.parametrize("cls", [allowed.Allowed, *LINEAGE], ids=lambda cls: cls.__name__)
def test_the_right_forms_are_let_through(cls: type[Specification]) -> None:
    check_class(cls)


class NeverWaits(RmpoptV10):
    """An override that is not awaited, where callers of a checked package await it."""

    def snp_prepare(self) -> int:  # type: ignore[override]
        return 0


def test_an_override_that_is_no_longer_awaited_is_refused_in_checked_callers_too() -> None:
    with pytest.raises(SpecError, match="is not awaited: it takes no step"):
        check_class(NeverWaits, checked="softsnp.spec.")


def depths_at_awaits(code: CodeType) -> dict[int, int]:
    """Line to the depth of the value stack below each await, by following the bytecode.

    An awaiting coroutine has its awaitable and the value it sends on the stack, and nothing else
    if the stack below is empty.
    """
    instructions = list(dis.get_instructions(code))
    at = {instruction.offset: n for n, instruction in enumerate(instructions)}
    depth: dict[int, int] = {}
    # Handlers of exceptions are entered by a table and not by jumps; awaits in them are refused.
    todo = [(0, 0)]
    found: dict[int, int] = {}
    line = 0
    lines = {}
    for instruction in instructions:
        line = instruction.positions.lineno if instruction.positions else line  # type: ignore[assignment]
        lines[instruction.offset] = line
    while todo:
        offset, below = todo.pop()
        if offset in depth:
            continue
        depth[offset] = below
        instruction = instructions[at[offset]]
        if instruction.opname == "YIELD_VALUE":
            found[lines[offset]] = below
        opcode, argument = instruction.opcode, instruction.arg
        takes = argument if opcode >= dis.HAVE_ARGUMENT else None
        jumps = instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs
        following = instructions[at[offset] + 1].offset if at[offset] + 1 < len(at) else None
        stops = instruction.opname in (
            "RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE",
            "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT",
        )  # fmt: skip
        if jumps:
            assert isinstance(instruction.argval, int)
            effect = dis.stack_effect(opcode, takes, jump=True)
            todo.append((instruction.argval, below + effect))
        if not stops and following is not None:
            effect = dis.stack_effect(opcode, takes, jump=False)
            todo.append((following, below + effect))
    return found


def coroutines(cls: type) -> list[CodeType]:
    return [f.__code__ for f in vars(cls).values() if inspect.iscoroutinefunction(f)]


@pytest.mark.parametrize("code", coroutines(allowed.Allowed), ids=lambda code: code.co_name)
def test_at_every_await_that_is_let_through_the_stack_is_empty(code: CodeType) -> None:
    depths = depths_at_awaits(code)
    assert depths, "there is an await in it"
    least = min(depths_at_awaits(allowed.Plain.one.__code__).values())
    assert set(depths.values()) == {least}


def test_the_stack_is_not_empty_where_an_await_is_refused() -> None:
    least = min(depths_at_awaits(allowed.Plain.one.__code__).values())
    for cls in (broken.RightOperand, broken.Argument, broken.ForLoop, broken.Augmented):
        (code,) = coroutines(cls)
        assert max(depths_at_awaits(code).values()) > least, cls
