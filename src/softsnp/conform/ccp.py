"""The PSP and its driver in the machine: registers, mailbox, what the driver asks the kernel for.

The driver's own code runs. A command ends at once, and sev_device is told as the interrupt would.
One that the specification knows is answered by the specification's firmware, the rest here.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from softsnp.abi.sev import Command, Status

from .errors import NotEmulated
from .hardware import ALIASES, SpecifiedHardware
from .machine import Machine, Stub
from .memory import PAGE, RAM_AT, RAM_SIZE, virtual

IO = 0xFFFFC90000000000
"""Where ioremap() would have put the registers."""
REGISTERS = 0x20000  # bytes
COMMAND_REGISTER, ADDRESS_LOW, ADDRESS_HIGH = 0x10980, 0x109E0, 0x109E4
RESPONSE, INTERRUPT_WANTED = 1 << 31, 1
API = (1, 58, 1)  # major, minor, build: SNP_INIT_EX is used from 1.52 on
PLATFORM_STATUS, SNP_PLATFORM_STATUS = 0x004, 0x083
SNP_FEATURE_INFO, SNP_PAGE_RECLAIM, GET_ID = 0x0CE, 0x0C7, 0x012
HAS_FEATURE_INFO = 1 << 3
COMMANDS = frozenset(c.value for c in Command)
HARMLESS = (SNP_PAGE_RECLAIM, GET_ID)
X86_SNP_SHUTDOWN = 1 << 1  # of ECX of feature information leaf 0
X86_FEATURE_SEV = 19 * 32 + 1
READ_WRITE = 3  # FMODE_READ | FMODE_WRITE
SEV_ISSUE_CMD = 0xC0105300
SECTION_SHIFT = 15  # pages of one struct mem_section
SECTION_IS_THERE = 0xF


class Ccp:
    """A PSP that the driver has bound to. ``failing``: the commands that fail now, by name."""

    def __init__(self, machine: Machine, hardware: SpecifiedHardware) -> None:
        self.machine = machine
        self.hardware = hardware
        self.failing: Collection[str] = ()
        self.registers: dict[int, int] = {}
        machine.emulator.map_registers(IO, REGISTERS, self.read, self.write)
        machine.install(self.stubs())
        self.psp = 0
        """The address of struct psp_device; 0 where there is no driver."""
        if "sev_dev_init" in machine.kernel:
            self._sections()
            self._device()

    def _device(self) -> None:
        """What psp-dev.c has made of the device when it calls sev_dev_init()."""
        kernel, memory = self.machine.kernel, self.machine.memory
        device = memory.allocate(kernel.size("struct device"))
        self.psp = memory.allocate(kernel.size("struct psp_device"))
        for field, value in (
            ("dev", device),
            ("io_regs", IO),
            ("vdata", kernel.address("pspv2")),
        ):
            memory.put64(self.psp + kernel.offset("struct psp_device", field), value)
        memory.put64(kernel.address("psp_master"), self.psp)
        features = kernel.address("boot_cpu_data") + kernel.offset(
            "struct cpuinfo_x86", "x86_capability"
        )
        word = features + X86_FEATURE_SEV // 32 * 4
        memory.put32(word, memory.u32(word) | 1 << X86_FEATURE_SEV % 32)

    def _sections(self) -> None:
        """Sparse memory, so that pfn_valid() says yes of the memory that there is."""
        kernel, memory = self.machine.kernel, self.machine.memory
        size = kernel.size("struct mem_section")
        a_root = PAGE // size
        roots = memory.allocate(8 * PAGE, PAGE)
        memory.put64(kernel.address("mem_section"), roots)
        for section in range((RAM_AT + RAM_SIZE) // PAGE >> SECTION_SHIFT):
            root = roots + 8 * (section // a_root)
            if not memory.u64(root):
                memory.put64(root, memory.allocate(PAGE, PAGE))
            memory.put64(memory.u64(root) + section % a_root * size, SECTION_IS_THERE)

    # --- the mailbox -----------------------------------------------------------------------------

    def read(self, register: int) -> int:
        return self.registers.get(register, 0)

    def write(self, register: int, value: int) -> None:
        """A command starts, and ends, when its register is written."""
        self.registers[register] = value
        if register == COMMAND_REGISTER:
            number = value >> 16 & 0x3FF
            high, low = self.registers.get(ADDRESS_HIGH, 0), self.registers.get(ADDRESS_LOW, 0)
            status = self.command(number, virtual(high << 32 | low))
            self.registers[register] = RESPONSE | number << 16 | status
            if value & INTERRUPT_WANTED:
                kernel, memory = self.machine.kernel, self.machine.memory
                sev = memory.u64(self.psp + kernel.offset("struct psp_device", "sev_data"))
                memory.put32(sev + kernel.offset("struct sev_device", "int_rcvd"), 1)

    def slowly(self) -> None:
        """From now on threads can pause around commands: registers are written by a stub."""
        assumes = "a command ends at once, with its interrupt"
        self.machine.install((Stub("iowrite32", assumes, self._iowrite32),))

    def _iowrite32(self, machine: Machine, arguments: list[int]) -> int:
        value, register = arguments[0] & 0xFFFFFFFF, arguments[1] - IO
        number = value >> 16 & 0x3FF
        seen = register == COMMAND_REGISTER and (number in ALIASES or number in COMMANDS)
        if seen:
            machine.pause("firmware command")
        self.write(register, value)
        if seen:
            machine.pause("after a firmware command")
        return 0

    def command(self, number: int, buffer: int) -> int:
        memory = self.machine.memory
        major, minor, build = API
        scalars = self.hardware.world.scalars
        if number == PLATFORM_STATUS:
            state = scalars["sev_state"]
            memory.write(buffer, struct.pack("<BBBIBI", major, minor, state, 0, build, 0))
            return Status.SUCCESS.value
        if number == SNP_PLATFORM_STATUS:
            state = scalars["snp_state"]
            answer = struct.pack("<BBBBIII", major, minor, state, state, build, HAS_FEATURE_INFO, 0)
            memory.write(virtual(memory.u64(buffer)), answer)
            return Status.SUCCESS.value
        if number == SNP_FEATURE_INFO:
            self._feature_info(buffer)
            return Status.SUCCESS.value
        if number in HARMLESS:
            return Status.SUCCESS.value
        if number in ALIASES or number in COMMANDS:
            return self.hardware.mailbox(number, self.failing).value
        raise NotEmulated(f"firmware command {number:#x}, which nobody answers")

    def _feature_info(self, buffer: int) -> None:
        """(length, ECX in, physical address of the answer): leaf 0."""
        kernel, memory = self.machine.kernel, self.machine.memory
        where = kernel.offset("struct sev_data_snp_feature_info", "feature_info_paddr")
        answer = virtual(memory.u64(buffer + where))
        full = self.hardware.spec.firmware == "x86-shutdown"
        ecx = kernel.offset("struct snp_feature_info", "ecx")
        memory.put32(answer + ecx, X86_SNP_SHUTDOWN if full else 0)

    # --- stubs -----------------------------------------------------------------------------------

    def stubs(self) -> tuple[Stub, ...]:
        registering = "nobody else asks for what the driver registers"
        return (
            *(Stub(name, registering, 0) for name in REGISTERING),
            Stub("walk_iomem_res_desc", "no memory is reserved for the hypervisor", 0),
            Stub("clflush_cache_range", "caches are coherent", 0),
            Stub("__wake_up", "nobody waits for the command but its sender", 0),
            Stub("schedule_timeout", "the command is done when its sender waits for it", 0),
            Stub("firmware_request_nowarn", "there is no firmware file", -2),
            Stub("amd_iommu_snp_disable", "the IOMMU gives its pages back", 0),
            Stub("lookup_address", "the direct map is not split", 0),
        )


REGISTERING = (
    "misc_register",
    "misc_deregister",
    "atomic_notifier_chain_register",
    "atomic_notifier_chain_unregister",
)
