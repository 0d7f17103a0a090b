"""Several CPUs that run one kernel's functions, one call after the other, and what they did."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from . import privileged
from .emulator import STACK, WORD
from .errors import KernelBug, NotEmulated
from .kernel import Kernel
from .memory import MODULES, MODULES_SIZE, Snapshot

RMPUPDATE, PSMASH = b"\xf2\x0f\x01\xfe", b"\xf3\x0f\x01\xff"
UNDEFINED = {b"\x0f\x0b": 2, b"\x0f\xb9": 3}
"""What a WARN or a BUG is made of, and how long it is at least."""
BLOCKED = "waits in schedule()"
NATIVE = 13  # bytes of such a stub
FLAGS = MODULES + MODULES_SIZE - (2 << 20)
IS_WARNING = 1  # BUGFLAG_WARNING


class Hardware(Protocol):
    """What instructions that touch the machine do. CPUs by number."""

    def rdmsr(self, cpu: int, register: int) -> int: ...

    def differs(self, register: int) -> bool:
        """Whether it may have another value on another CPU."""

    def wrmsr(self, cpu: int, register: int, value: int) -> None: ...

    def changes(self, cpu: int, register: int, value: int) -> bool:
        """Whether this wrmsr would be seen."""

    def wbinvd(self, cpu: int) -> None: ...

    def rmpupdate(self, cpu: int, page: int, entry: bytes) -> int:
        """Returns what the instruction leaves in RAX. ``page`` is a physical address."""


@dataclass(frozen=True)
class Stub:
    """A kernel function that is not run. ``assumes``: one sentence on what that takes for granted.

    ``answer`` is given the machine and the function's first six arguments.
    """

    name: str
    assumes: str
    answer: Callable[[Machine, list[int]], int | None] | int
    """Or the number that it always returns."""


@dataclass(frozen=True)
class Image:
    """A moment of the machine, without its hardware."""

    memory: Snapshot
    stacks: dict[tuple[int, int, int], int]


class Machine:
    def __init__(self, kernel: Kernel, cpus: int, hardware: Hardware) -> None:
        self.kernel = kernel
        self.memory = kernel.memory
        self.emulator = kernel.emulator
        self.hardware = hardware
        self.cpus = cpus
        self.cpu = 0
        self.depth = 0
        self.now = 10**9
        """Nanoseconds since boot."""
        self.no_range_list = False
        """Whether the allocation of the range list fails."""
        self.stubs: dict[str, Stub] = {}
        self._used: set[str] = set()
        self._flags: dict[str, int] = {}
        """Of stubs that only return a number: where they leave a mark when they are called."""
        self.log: list[str] = []
        """What the kernel printed."""
        self.warnings: list[str] = []
        self.oddities: set[str] = set()
        """What a kernel ought not to do, though no two sides differ in it."""
        self.thread = 0
        """The thread that runs, by number; 0 where there are none."""
        self.pausing: Callable[[str], None] | None = None
        """Where threads can pause; told what is about to happen."""
        self.broadcasts = 0
        """How many are under way; the sender of each has preemption off."""
        self.next_cpu: Callable[[set[int]], int] = min
        """Which of these CPUs a broadcast reaches next."""
        self.current: list[int] = []
        """Where each CPU keeps its current task."""
        self.stacks: dict[tuple[int, int, int], int] = {}
        """(thread, CPU, depth of calls) to the top of a stack."""
        self.areas = [self._area(cpu) for cpu in range(cpus)]
        self.on_cpu(0)
        self.bugs: dict[int, int] = {}
        """Where a WARN or a BUG traps: its entry in the table."""
        for base, size in kernel.texts:
            self._trap_instructions(base, size)
        self._trap_bugs()
        if "__SCT__WARN_trap" in kernel:
            kernel.emulator.trap(kernel.address("__SCT__WARN_trap"), self._warn_trap)

    # --- CPUs ------------------------------------------------------------------------------------

    def _area(self, cpu: int) -> int:
        """A CPU's own variables; the offset that is added to a per-CPU variable's address."""
        template = self.kernel.percpu_template
        area = self.memory.allocate(len(template), 4096)
        self.memory.write(area, template)
        offset = (area - self.kernel.percpu_base) & WORD
        self.memory.put64(self.kernel.address("__per_cpu_offset") + 8 * cpu, offset)
        return offset

    def percpu(self, name: str, cpu: int) -> int:
        """The address of a CPU's own variable."""
        return (self.kernel.address(name) + self.areas[cpu]) & WORD

    def on_cpu(self, cpu: int) -> None:
        self.cpu = cpu
        self.emulator.current_cpu.write(self.areas[cpu])

    def set_current(self, task: int) -> None:
        for address in self.current:
            self.memory.put64(address, task)

    def pause(self, why: str) -> None:
        if self.pausing is not None:
            self.pausing(why)

    # --- calls -----------------------------------------------------------------------------------

    def call(self, function: str | int, *arguments: int, cpu: int | None = None) -> int:
        """Call a kernel function on a CPU (the current one); its 64-bit result."""
        address = self.kernel.address(function) if isinstance(function, str) else function
        before = self.cpu
        self.on_cpu(before if cpu is None else cpu)
        key = (self.thread, self.cpu, self.depth)
        if key not in self.stacks:
            self.stacks[key] = self.memory.allocate(STACK, STACK) + STACK - 256
        self.depth += 1
        try:
            return self.emulator.call(address, arguments, self.stacks[key])
        finally:
            self.depth -= 1
            self.on_cpu(before)

    def rc(self, function: str | int, *arguments: int, cpu: int | None = None) -> int:
        """The same, for a function that returns int."""
        value = self.call(function, *arguments, cpu=cpu) & 0xFFFFFFFF
        return value - (1 << 32) if value >> 31 else value

    # --- stubs -----------------------------------------------------------------------------------

    def install(self, stubs: Iterable[Stub]) -> None:
        """Stub these functions, as far as this kernel has them."""
        for stub in stubs:
            self.stubs[stub.name] = stub
            address = self.kernel.symbols.get(stub.name)
            if address is None:
                continue
            if address in self.kernel.missing:
                self.emulator.traps[address] = self._stubbed(stub)
            elif isinstance(stub.answer, int) and self.kernel.sizes[stub.name] >= NATIVE:
                self._return_constant(stub.name, address, stub.answer)
            else:
                self.emulator.trap(address, self._stubbed(stub))

    def forbid(self, names: Iterable[str]) -> None:
        """Functions that would seem to work in a kernel that was never booted: the run stops."""
        for name in names:
            address = self.kernel.symbols.get(name)
            if address is not None and name not in self.stubs:
                self.emulator.trap(address, self._forbidden(name))

    def _forbidden(self, name: str) -> Callable[[int], int]:
        def trap(_: int) -> int:
            if name == "schedule" and self.thread:
                self.pause(BLOCKED)
                return self.emulator.returning(0)
            called = " < ".join(self.kernel.explain(a) for a in self.emulator.backtrace())
            raise NotEmulated(f"{name}() is not stubbed\n  called from {called}")

        return trap

    def _stubbed(self, stub: Stub) -> Callable[[int], int]:
        answer = stub.answer

        def trap(_: int) -> int:
            self._used.add(stub.name)
            value = answer if isinstance(answer, int) else answer(self, self.emulator.arguments())
            return self.emulator.returning(value or 0)

        return trap

    def _return_constant(self, name: str, address: int, value: int) -> None:
        """movb $1, flag(%rip); mov $value, %eax; ret: without leaving the emulator."""
        flag = FLAGS + len(self._flags)
        self._flags[name] = flag
        displacement = flag - (address + 7)
        code = b"\xc6\x05" + struct.pack("<i", displacement) + b"\x01"
        code += b"\xb8" + struct.pack("<i", value) + b"\xc3"
        self.memory.write(address, code)
        self.emulator.uc.ctl_flush_tb()

    def caller(self) -> str:
        """The function that calls the one that is stubbed."""
        (address,) = self.emulator.backtrace(most=1)
        return self.kernel.function_at(address)[0].partition(".")[0]

    def assumed(self) -> dict[str, str]:
        """The stubs that were ever called, and what each assumes."""
        marked = (name for name, flag in self._flags.items() if self.memory.u8(flag))
        return {name: self.stubs[name].assumes for name in {*self._used, *marked}}

    # --- instructions ----------------------------------------------------------------------------

    def _trap_instructions(self, base: int, size: int) -> None:
        for address, length, mnemonic in privileged.places(self.kernel, base, size):
            self.emulator.trap(address, self._instruction(mnemonic, length))
        code = self.memory.read(base, size)
        for instruction in (RMPUPDATE, PSMASH):
            at = code.find(instruction)
            while at >= 0:
                self.emulator.traps[base + at] = self._rmp_instruction
                at = code.find(instruction, at + 4)

    def _instruction(self, mnemonic: str, length: int) -> Callable[[int], int]:
        emulator = self.emulator

        def trap(address: int) -> int:
            register, low, high = (r & 0xFFFFFFFF for r in emulator.msr.read())
            if mnemonic == "rdmsr":
                if self.hardware.differs(register):
                    self.pause("rdmsr")
                value = self.hardware.rdmsr(self.cpu, register)
                emulator.msr.write(register, value & 0xFFFFFFFF, value >> 32)
                if self.hardware.differs(register):
                    self.pause("after rdmsr")
            elif mnemonic == "wrmsr":
                value = high << 32 | low
                if self.hardware.changes(self.cpu, register, value):
                    self.pause("wrmsr")
                self.hardware.wrmsr(self.cpu, register, value)
                self.pause("after wrmsr")
            else:
                self.hardware.wbinvd(self.cpu)
            return address + length

        return trap

    def _rmp_instruction(self, address: int) -> int:
        emulator = self.emulator
        if self.memory.read(address, 4) == PSMASH:
            raise NotEmulated(f"{self.kernel.explain(address)}: PSMASH")
        entry, page, _ = emulator.msr.read()  # RCX, RAX
        answer = self.hardware.rmpupdate(self.cpu, page, self.memory.read(entry, 16))
        emulator.accumulator.write(answer)
        return address + len(RMPUPDATE)

    # --- WARN and BUG ----------------------------------------------------------------------------

    def _trap_bugs(self) -> None:
        """Every ud2 of the kernel's own that its tables of bugs list."""
        size = self.kernel.size("struct bug_entry")
        for base, length in self.kernel.bug_tables:
            for entry in range(base, base + length, size):
                place = (entry + self._displacement(entry)) & WORD
                self.bugs[place] = entry
                self.emulator.traps.setdefault(place, self._bug)

    def warn_again(self) -> None:
        """What was to be said once may be said again."""
        if "__start_once" in self.kernel:
            start, end = (self.kernel.address(f"__{name}_once") for name in ("start", "end"))
            self.memory.write(start, bytes(end - start))

    def _displacement(self, address: int) -> int:
        return int(struct.unpack("<i", self.memory.read(address, 4))[0])

    def _bug(self, address: int) -> int:
        self.warn(self.bugs[address])
        return address + UNDEFINED.get(self.memory.read(address, 2), 2)

    def _warn_trap(self, _: int) -> int:
        """Since 6.19 a WARN calls this, with its entry in RDI."""
        self.warn(self.emulator.arguments()[0])
        return self.emulator.returning(0)

    def warn(self, entry: int) -> None:
        """What the entry of the table says: a warning, or the end. WARN_ONCE is told each time."""
        offset, memory = self.kernel.offset, self.memory
        file = entry + offset("struct bug_entry", "file_disp")
        flags = memory.u8(entry + offset("struct bug_entry", "flags"))
        line = memory.u32(entry + offset("struct bug_entry", "line")) & 0xFFFF
        name = memory.string((file + self._displacement(file)) & WORD)
        where = f"{name}:{line}"
        if not flags & IS_WARNING:
            raise KernelBug(f"BUG at {where}")
        self.warnings.append(where)

    # --- moments ---------------------------------------------------------------------------------

    def save(self) -> Image:
        return Image(self.memory.snapshot(self.kernel.data), dict(self.stacks))

    def restore_modules(self, image: Image) -> None:
        """Modules as they were; the rest stays."""
        for address, data in image.memory.kept:
            if address >= MODULES:
                self.memory.write(address, data)

    def restore(self, image: Image) -> None:
        self.memory.restore(image.memory)
        self.stacks = dict(image.stacks)
        self.log.clear()
        self.warnings.clear()
        self.broadcasts = 0
        self.on_cpu(0)
        self.depth = 0
