"""One core's instructions, by Unicorn; everything that is not plain computing goes to a handler.

Where somebody here has something to say, the code is patched to ``ud2``: an instruction that the
machine's own objects answer for, the first byte of a function that is stubbed. A trap without a
handler ends the run: see errors.NotEmulated.
"""

from __future__ import annotations

from collections.abc import Callable

import unicorn
from unicorn import x86_const as x86

from .errors import NotEmulated
from .memory import KERNEL, Memory
from .registers import Batch

UD2 = b"\x0f\x0b"
INVALID_OPCODE = 6  # exception number
END = KERNEL + 0x100
"""The return address that ends a call."""
STACK = 32 << 10
BUDGET = 8_000_000
"""Instructions that one stretch of kernel code may take: what needs more is taken to be a loop."""
WORD = (1 << 64) - 1
INTERRUPTS_ON, INTERRUPTS_OFF = 0x202, 0x002  # EFLAGS
ARGUMENTS = (
    x86.UC_X86_REG_RDI,
    x86.UC_X86_REG_RSI,
    x86.UC_X86_REG_RDX,
    x86.UC_X86_REG_RCX,
    x86.UC_X86_REG_R8,
    x86.UC_X86_REG_R9,
)
Trap = Callable[[int], int]
"""Given the address of the trap, does what is to be done, and says where to go on."""


class Emulator:
    """Runs kernel code. ``explain`` makes names of addresses."""

    def __init__(self, memory: Memory, explain: Callable[[int], str]) -> None:
        self.memory = memory
        self.explain = explain
        self.uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        # The default looks addresses up in 52 bits, and the kernel's are longer.
        self.uc.ctl_set_tlb_mode(unicorn.UC_TLB_VIRTUAL)
        for each in memory.regions:
            self.uc.mem_map_ptr(each.base, each.size, unicorn.UC_PROT_ALL, each.pointer)
        self.interrupts = True
        """Whether interrupts are on in what is called."""
        self.traps: dict[int, Trap] = {}
        self.fault: str | None = None
        """What Unicorn has met: an empty string for ud2, None for nothing."""
        self.pending: Exception | None = None
        """Raised in a callback, where nobody would hear of it."""
        self._arguments = Batch(self.uc, ARGUMENTS)
        self._instruction = Batch(self.uc, (x86.UC_X86_REG_RIP,))
        self._returned = Batch(self.uc, (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RSP))
        self._entered = Batch(self.uc, (x86.UC_X86_REG_RSP, x86.UC_X86_REG_EFLAGS))
        self.accumulator = Batch(self.uc, (x86.UC_X86_REG_RAX,))
        self.stack_pointer = Batch(self.uc, (x86.UC_X86_REG_RSP,))
        self.current_cpu = Batch(self.uc, (x86.UC_X86_REG_GS_BASE,))
        self.msr = Batch(self.uc, (x86.UC_X86_REG_RCX, x86.UC_X86_REG_RAX, x86.UC_X86_REG_RDX))
        self._contexts: list[unicorn.unicorn.UcContext] = []
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)
        self.uc.hook_add(unicorn.UC_HOOK_INSN_INVALID, self._on_invalid)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_memory)

    # --- memory-mapped registers -----------------------------------------------------------------

    def map_registers(
        self, base: int, size: int, read: Callable[[int], int], write: Callable[[int, int], None]
    ) -> None:
        """Registers of a device; ``read`` and ``write`` are given the offset."""

        def reading(uc: unicorn.Uc, offset: int, _: int, __: object) -> int:
            try:
                return read(offset)
            except Exception as error:
                self.pending = error
                uc.emu_stop()
                return 0

        def writing(uc: unicorn.Uc, offset: int, _: int, value: int, __: object) -> None:
            try:
                write(offset, value)
            except Exception as error:
                self.pending = error
                uc.emu_stop()

        self.uc.mmio_map(base, size, reading, None, writing, None)

    # --- traps -----------------------------------------------------------------------------------

    def trap(self, address: int, handler: Trap) -> None:
        """From now on the code at an address is the handler's."""
        if self.memory.read(address, len(UD2)) != UD2:
            self.memory.write(address, UD2)
            self.uc.ctl_flush_tb()
        self.traps[address] = handler

    def _on_interrupt(self, uc: unicorn.Uc, number: int, _: object) -> None:
        self.fault = "" if number == INVALID_OPCODE else f"exception {number}"
        uc.emu_stop()

    def _on_invalid(self, uc: unicorn.Uc, _: object) -> bool:
        self.fault = ""
        uc.emu_stop()
        return True

    def _on_memory(
        self, uc: unicorn.Uc, kind: int, address: int, size: int, value: int, _: object
    ) -> bool:
        doing = {
            unicorn.UC_MEM_READ_UNMAPPED: "reads",
            unicorn.UC_MEM_WRITE_UNMAPPED: "writes",
            unicorn.UC_MEM_FETCH_UNMAPPED: "runs",
        }
        self.fault = f"{doing.get(kind, 'uses')} {size} bytes at {address:#x}"
        return False

    # --- registers -------------------------------------------------------------------------------

    def arguments(self) -> list[int]:
        return self._arguments.read()

    def returning(self, value: int) -> int:
        """The end of a function whose first instruction has trapped; where it returns to."""
        stack = self.stack_pointer.read()[0]
        self._returned.write(value & WORD, stack + 8)
        return self.memory.u64(stack)

    # --- running ---------------------------------------------------------------------------------

    def call(self, address: int, arguments: tuple[int, ...], stack_top: int) -> int:
        """Call a function; what it returns. Registers are as before afterwards."""
        before = self._contexts.pop() if self._contexts else self.uc.context_save()
        self.uc.context_update(before)
        self.memory.put64(stack_top - 8, END)
        self._arguments.write(*(a & WORD for a in (*arguments, 0, 0, 0, 0, 0, 0)[:6]))
        self._entered.write(stack_top - 8, INTERRUPTS_ON if self.interrupts else INTERRUPTS_OFF)
        self._run(address)
        value = self.accumulator.read()[0]
        self.uc.context_restore(before)
        self._contexts.append(before)
        return value

    def _run(self, address: int) -> None:
        while address != END:
            self.fault = None
            try:
                self.uc.emu_start(address, END, count=BUDGET)
            except unicorn.UcError as error:
                self.fault = str(error) if self.fault is None else self.fault
            address = self._instruction.read()[0]
            if self.pending is not None:
                pending, self.pending = self.pending, None
                raise pending
            if self.fault is None:
                if address != END:
                    where = self.explain(address)
                    raise NotEmulated(f"{where}: more than {BUDGET:,} instructions: a loop, or hlt")
            elif address in self.traps and not self.fault:
                address = self.traps[address](address)
            else:
                raise NotEmulated(self._told(address, self.fault))

    def _told(self, address: int, fault: str) -> str:
        code = self.memory.read(address, 4).hex(" ") if self._mapped(address) else "no code"
        called = " < ".join(self.explain(a) for a in self.backtrace())
        what = fault or f"an instruction that is not emulated ({code})"
        return f"{self.explain(address)}: {what}\n  called from {called or 'nowhere'}"

    def _mapped(self, address: int) -> bool:
        return any(r.base <= address < r.base + r.size - 4 for r in self.memory.regions)

    def backtrace(self, most: int = 6) -> list[int]:
        """What looks like return addresses on the stack."""
        stack, found = self.stack_pointer.read()[0], []
        for slot in range(80):
            try:
                value = self.memory.u64(stack + 8 * slot)
            except NotEmulated:
                break
            if value >= KERNEL and self.explain(value):
                found.append(value)
        return found[:most]
