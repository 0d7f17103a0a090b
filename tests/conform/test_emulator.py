"""The emulator on a few bytes of code: what runs, what traps, and what stops the run."""

from __future__ import annotations

import pytest
from unicorn import x86_const as x86

from softsnp.conform import emulator as module
from softsnp.conform.emulator import Emulator
from softsnp.conform.errors import NotEmulated
from softsnp.conform.memory import KERNEL, RAM_SIZE, Memory, in_page, page_of, physical, virtual

CODE = KERNEL + 0x1000000
ADD = b"\x48\x8d\x04\x37\xc3"  # lea (%rdi,%rsi), %rax; ret
LOOP = b"\xeb\xfe"  # jmp .
READ_0 = b"\x48\x8b\x04\x25\x00\x00\x00\x00\xc3"  # mov 0, %rax; ret
CALL = b"\xe8\xfb\x0f\x00\x00\xc3"  # call .+0x1000; ret
HLT = b"\xf4\xc3"


@pytest.fixture
def machine() -> Emulator:
    return Emulator(Memory(), lambda address: f"code+{address - CODE:#x}" if address else "")


def call(machine: Emulator, code: bytes, *arguments: int) -> int:
    machine.memory.write(CODE, code)
    stack = machine.memory.allocate(4096, 4096) + 4096
    return machine.call(CODE, arguments, stack)


def test_a_function_returns_its_result(machine: Emulator) -> None:
    assert call(machine, ADD, 40, 2) == 42


def test_a_trap_answers_for_a_function(machine: Emulator) -> None:
    machine.memory.write(CODE + 0x1000, ADD)
    machine.trap(CODE + 0x1000, lambda _: machine.returning(sum(machine.arguments()[:2]) + 1))
    assert call(machine, CALL, 40, 2) == 43


def test_a_call_within_a_call_leaves_the_outer_one_as_it_was(machine: Emulator) -> None:
    inner = CODE + 0x2000
    machine.memory.write(inner, ADD)
    stack = machine.memory.allocate(4096, 4096) + 4096

    def trap(_: int) -> int:
        before = machine.arguments()
        assert machine.call(inner, (1, 2), stack) == 3
        assert machine.arguments() == before
        return machine.returning(7)

    machine.trap(CODE + 0x1000, trap)
    assert call(machine, CALL, 5, 6) == 7


@pytest.mark.parametrize(
    ("code", "told"),
    [(READ_0, "reads 8 bytes at 0x0"), (b"\x0f\x0b", "not emulated"), (HLT, "a loop, or hlt")],
)
def test_what_nobody_answers_for_stops_the_run(machine: Emulator, code: bytes, told: str) -> None:
    with pytest.raises(NotEmulated, match=told):
        call(machine, code)


def test_an_endless_loop_ends(machine: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUDGET", 1000)
    with pytest.raises(NotEmulated, match="more than 1,000 instructions"):
        call(machine, LOOP)


def test_device_registers_are_told_of_every_access(machine: Emulator) -> None:
    base = 0xFFFFC90000000000
    written: list[tuple[int, int]] = []
    machine.map_registers(
        base, 4096, lambda offset: offset + 1, lambda o, v: written.append((o, v))
    )
    store = b"\x89\x37\x8b\x07\xc3"  # mov %esi, (%rdi); mov (%rdi), %eax; ret
    assert call(machine, store, base + 8, 5) == 9
    assert written == [(8, 5)]


def test_an_error_in_a_device_is_raised(machine: Emulator) -> None:
    base = 0xFFFFC90000000000

    def fail(_: int) -> int:
        raise NotEmulated("a register that nobody knows")

    machine.map_registers(base, 4096, fail, lambda o, v: None)
    with pytest.raises(NotEmulated, match="nobody knows"):
        call(machine, b"\x8b\x07\xc3", base)


def test_memory_comes_back_as_it_was() -> None:
    memory = Memory()
    first = memory.allocate(64)
    memory.put64(first, 1)
    memory.put64(CODE, 2)
    moment = memory.snapshot([(CODE, 8)])
    page = memory.allocate_pages(1)
    memory.put64(first, 3)
    memory.put64(CODE, 4)
    memory.restore(moment)
    assert (memory.u64(first), memory.u64(CODE)) == (1, 2)
    assert memory.allocate_pages(1) == page
    memory.free_pages(page, 1)
    assert memory.allocate_pages(1) == page


def test_pages_and_addresses_are_each_others_inverse() -> None:
    memory = Memory()
    page = memory.allocate_pages(0)
    assert in_page(page_of(page)) == page
    assert virtual(physical(page)) == page


def test_memory_that_is_not_there_is_named() -> None:
    memory = Memory()
    with pytest.raises(NotEmulated, match="8 bytes at 0x1000"):
        memory.u64(0x1000)
    with pytest.raises(NotEmulated, match="bytes left"):
        memory.allocate(RAM_SIZE)


def test_registers_are_those_of_unicorn(machine: Emulator) -> None:
    machine.uc.reg_write(x86.UC_X86_REG_RDI, 11)
    assert machine.arguments()[0] == 11
