"""The PSP and its driver in the machine: registers, mailbox, what the driver asks the kernel for.

The driver's own code runs. A command ends at once, and sev_device is told as the interrupt would.
One that the specification knows is answered by the specification's firmware, the rest here.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from softsnp.abi.errno import EIO, ENOENT
from softsnp.abi.sev import Command, Status
from softsnp.spec.fw.psp import State

from .errors import NotEmulated
from .hardware import ALIASES, SpecifiedHardware
from .machine import Machine, Stub
from .memory import PAGE, RAM_AT, RAM_SIZE, virtual
from .operations import IOMMU, NO_ANSWER

IO = 0xFFFFC90000000000
"""Where ioremap() would have put the registers."""
REGISTERS = 0x20000  # bytes
COMMAND_REGISTER, ADDRESS_LOW, ADDRESS_HIGH = 0x10980, 0x109E0, 0x109E4
RESPONSE, INTERRUPT_WANTED = 1 << 31, 1
API = (1, 58, 1)  # major, minor, build: SNP_INIT_EX is used from 1.52 on
SNP_FEATURE_INFO, SNP_PAGE_RECLAIM, GET_ID = 0x0CE, 0x0C7, 0x012
HAS_FEATURE_INFO = 1 << 3
COMMANDS = frozenset(c.value for c in Command) - {SNP_FEATURE_INFO}
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
            if NO_ANSWER in self.failing and self._told(number):
                return
            self.registers[register] = RESPONSE | number << 16 | status
            if value & INTERRUPT_WANTED:
                kernel, memory = self.machine.kernel, self.machine.memory
                sev = memory.u64(self.psp + kernel.offset("struct psp_device", "sev_data"))
                memory.put32(sev + kernel.offset("struct sev_device", "int_rcvd"), 1)

    def _told(self, number: int) -> bool:
        """Whether the specification has this command, and its firmware answers it."""
        return number not in HARMLESS and (number in ALIASES or number in COMMANDS)

    def slowly(self) -> None:
        """From now on threads can pause around commands: registers are written by a stub."""
        assumes = "a command ends at once, with its interrupt"
        self.machine.install((Stub("iowrite32", assumes, self._iowrite32),))

    def _iowrite32(self, machine: Machine, arguments: list[int]) -> int:
        value, register = arguments[0] & 0xFFFFFFFF, arguments[1] - IO
        number = value >> 16 & 0x3FF
        seen = register == COMMAND_REGISTER and self._told(number)
        if seen:
            machine.pause("firmware command")
        self.write(register, value)
        if seen:
            machine.pause("after a firmware command")
        return 0

    def command(self, number: int, buffer: int) -> int:
        """What a command answers, and writes to memory if it succeeds."""
        status = Status.SUCCESS
        if self._told(number):
            status = self.hardware.mailbox(number, self.failing)
        elif number == SNP_FEATURE_INFO:
            self._feature_info(buffer)
        elif number not in HARMLESS:
            raise NotEmulated(f"firmware command {number:#x}, which nobody answers")
        if status is Status.SUCCESS and number == Command.PLATFORM_STATUS.value:
            self._platform_status(buffer)
        if status is Status.SUCCESS and number == Command.SNP_PLATFORM_STATUS.value:
            status = self._snp_platform_status(buffer)
        return status.value

    def _platform_status(self, buffer: int) -> None:
        major, minor, build = API
        state = self.hardware.world.scalars["sev_state"]
        answer = struct.pack("<BBBIBI", major, minor, state, 0, build, 0)
        self.machine.memory.write(buffer, answer)

    def _snp_platform_status(self, buffer: int) -> Status:
        """The page is looked at when the driver is asked for it, as in the specification."""
        memory = self.machine.memory
        major, minor, build = API
        page = memory.u64(buffer)
        state = self.hardware.world.scalars["snp_state"]
        theirs = page & -PAGE in self.hardware.firmware_pages
        if state == State.INIT.value and not theirs:
            return Status.INVALID_PAGE_STATE
        answer = struct.pack("<BBBIBII", major, minor, state, state, build, HAS_FEATURE_INFO, 0)
        memory.write(virtual(page), answer)
        return Status.SUCCESS

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
            Stub("schedule_timeout", "who waits waits as long as was said", 0),
            Stub("__const_udelay", "who waits waits as long as was said", 0),
            *self._file_stubs(),
            Stub(
                "amd_iommu_snp_disable",
                "the IOMMU gives its pages back, unless that is to fail",
                lambda _, __: EIO if IOMMU in self.failing else 0,
            ),
            Stub("lookup_address", "the direct map is not split", 0),
        )

    def _file_stubs(self) -> tuple[Stub, ...]:
        """DOWNLOAD_FIRMWARE is tried where there is a file to try it with."""
        if not self.hardware.spec.firmware_steps:
            return (Stub("firmware_request_nowarn", "there is no firmware file", ENOENT),)
        return (
            Stub("firmware_request_nowarn", "there is a firmware file", self._firmware_file),
            Stub("release_firmware", "releasing a file changes nothing else", 0),
        )

    def _firmware_file(self, machine: Machine, arguments: list[int]) -> int:
        """(where the struct firmware is to be told, name, device)."""
        kernel, memory = machine.kernel, machine.memory
        file = memory.allocate(kernel.size("struct firmware"))
        memory.put64(file + kernel.offset("struct firmware", "size"), PAGE)
        memory.put64(file + kernel.offset("struct firmware", "data"), memory.allocate(PAGE, PAGE))
        memory.put64(arguments[0], file)
        return 0


REGISTERING = ("misc_register", "misc_deregister")
