"""What is under the kernel: the specification's own CPUs, RMP and firmware.

The kernel's instructions and mailbox commands reach the same objects, in a world of their own, that
the specification's functions reach. So a difference is a difference between functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from softsnp.abi import msr
from softsnp.abi.sev import Command, Status
from softsnp.lang import Change
from softsnp.lang.world import World
from softsnp.spec.activities import Host
from softsnp.spec.hw.cpu import AT_RESET

from .errors import NotEmulated
from .events import Event, Register, Wbinvd, command
from .guided import Guided
from .memory import PAGE, Memory, physical

SYSCFG_BITS = {
    "mfdm": msr.SYSCFG_MFDM,
    "snp_en": msr.SYSCFG_SNP_EN,
    "vmpl_en": msr.SYSCFG_VMPL_EN,
}
MEM_ENCRYPT = 1 << 23
RMP_SIZE = 2 << 20
MARK = 64 << 10
"""Where in the table the firmware leaves a mark that zeroing it removes."""
ASSIGNED = 8
"""Where RMPUPDATE's operand says whether the page is to be assigned."""
RMP_BASE, RMP_END = 0xC0010132, 0xC0010133
ALIASES = {0x001: Command.INIT_EX}
"""INIT is INIT_EX without a file for the firmware's persistent data."""


@dataclass
class SpecifiedHardware:
    """CPUs by number. ``spec`` is an instance of its own, whose software is never run here."""

    spec: Host
    world: World
    memory: Memory
    rmp: int
    """The table's address in the direct map; RMP_SIZE bytes."""
    masks: Callable[[], dict[str, int]] = dict
    """The kernel's masks of CPUs, by the name of the bit."""
    events: list[Event] = field(default_factory=list)
    firmware_pages: set[int] = field(default_factory=set)
    """Physical addresses of what the kernel has given to the firmware, page by page."""

    def __post_init__(self) -> None:
        self.guide = Guided(self.spec, self.world)
        self.bits = self.guide.bits

    def reset(self, world: World) -> None:
        self.world = world
        self.events.clear()
        self.guide.failing = ()

    def has(self, cpu: int, bit: str) -> bool:
        return bool(self.world.members[cpu] & self.bits[bit])

    def put(self, cpu: int, bit: str, on: bool) -> None:
        """Change a CPU; what does not change is no event."""
        if self.has(cpu, bit) != on:
            change = Change(self.bits[bit], self.bits[bit] if on else 0)
            self.world.members[cpu] = change(self.world.members[cpu])
            self.events.append(Register(cpu, bit, on))

    # --- instructions ----------------------------------------------------------------------------

    def rdmsr(self, cpu: int, register: int) -> int:
        if register == msr.SYSCFG:
            on = (mask for bit, mask in SYSCFG_BITS.items() if self.has(cpu, bit))
            return MEM_ENCRYPT | sum(on)
        if register == msr.VM_HSAVE_PA:
            return 4096 if self.has(cpu, "hsave") else 0
        if register == RMP_BASE:
            return physical(self.rmp)
        if register == RMP_END:
            return physical(self.rmp) + RMP_SIZE - 1
        raise NotEmulated(f"rdmsr of {register:#x}, which the specification does not know")

    def differs(self, register: int) -> bool:
        return register not in (RMP_BASE, RMP_END)

    def wrmsr(self, cpu: int, register: int, value: int) -> None:
        for bit, on in written(register, value).items():
            self.put(cpu, bit, on)

    def changes(self, cpu: int, register: int, value: int) -> bool:
        return any(self.has(cpu, bit) != on for bit, on in written(register, value).items())

    def wbinvd(self, cpu: int) -> None:
        self.events.append(Wbinvd(cpu))

    def rmpupdate(self, cpu: int, page: int, entry: bytes) -> int:
        """Pages go to the firmware and back; the specification has no single pages."""
        given = self.firmware_pages.add if entry[ASSIGNED] else self.firmware_pages.discard
        given(page & -PAGE)
        return 0

    def start(self, cpu: int) -> None:
        """INIT/SIPI of an offline CPU: what reset does to its registers."""
        if not self.spec.init_sipi_keeps_syscfg:
            for bit in ("snp_en", "vmpl_en", "mfdm", "hsave"):
                self.put(cpu, bit, False)

    def sleep(self, power_off: bool) -> None:
        """Suspend to RAM, or no power at all: what comes back is the specification's word."""
        self._begin()
        if power_off:
            self.spec.cpus.set(**AT_RESET)
            self.spec.power_cycle_firmware()
        else:
            self.spec.suspend_to_ram()
        self.events += self.guide.seen
        if not self.world.scalars["rmp"]:
            self.memory.put8(self.rmp + MARK, 0)

    def _begin(self) -> None:
        """The specification's own functions are called next, on this world."""
        self.look()
        self.guide.world = self.world
        self.guide.target = None
        self.guide.seen.clear()
        self.guide.asked = 0
        self.spec.driver = self.guide
        self.spec.begin_step(0, atomic="the hardware's")

    # --- the firmware ----------------------------------------------------------------------------

    def mailbox(self, number: int, failing: Collection[str]) -> Status:
        """One command that the specification knows, on the specification's firmware."""
        asked = ALIASES.get(number) or Command(number)
        self._begin()
        self.guide.failing = failing
        status: Status
        if self.spec.firmware_steps and asked is Command.SNP_SHUTDOWN_EX:
            status = self.guide.run(self.spec._snp_shutdown_ex_in_steps())
        else:
            status = self.spec._psp_execute(asked)
        self.events += [command(asked, status), *self.guide.seen]
        if asked is Command.SNP_INIT_EX and status is Status.SUCCESS:
            self.memory.put8(self.rmp + MARK, 1)
        return status

    def look(self) -> None:
        """What the kernel has done where it needs no instruction of ours for it.

        A table that it has zeroed is zero, and no page of it is assigned. The cores that are there
        and run are those in its masks; one that is present is there for the firmware too.
        """
        for name, mask in self.masks().items():
            for cpu in range(len(self.world.members)):
                on = mask >> cpu & 1
                self.world.members[cpu] = (
                    self.world.members[cpu] & ~self.bits[name] | self.bits[name] * on
                )
        for cpu, bits in enumerate(self.world.members):
            if bits & self.bits["present"]:
                self.world.members[cpu] |= self.bits["fused"]
        if not self.memory.u8(self.rmp + MARK):
            if self.world.scalars["rmp"]:
                self.firmware_pages.clear()
            self.world.scalars["rmp"] = self.world.scalars["guest_pages_assigned"] = 0


def written(register: int, value: int) -> dict[str, bool]:
    """What a wrmsr makes of a CPU's bits. Raises NotEmulated for a register that nobody knows."""
    if register == msr.SYSCFG:
        return {
            bit: bool(value & mask)
            for bit, mask in SYSCFG_BITS.items()
            if bit == "mfdm" or value & mask  # SNP_EN and VMPL_EN can only be set
        }
    if register == msr.VM_HSAVE_PA:
        return {"hsave": value != 0}
    raise NotEmulated(f"wrmsr of {register:#x}, which the specification does not know")
