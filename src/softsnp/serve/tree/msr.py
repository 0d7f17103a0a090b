"""The model-specific registers of the machine: which there are, and what they begin with.

What the specification has is in snp_registers; the rest is plausible and of no consequence.
"""

from __future__ import annotations

from collections.abc import Callable

from softsnp.abi import msr
from softsnp.serve.generations import Generation
from softsnp.serve.view import HostView

from .node import MEMORY
from .places import Places
from .registers import Counting, Kept, Plain, ReadOnly, Register, WriteOnly, general_protection
from .snp_registers import (
    ADDRESS,
    RMP_BASE,
    Efer,
    HsavePa,
    RmpBound,
    RmpoptBase,
    Syscfg,
    rmp_end,
)

MHZ = {"milan": 2450, "genoa": 2400, "turin": 2700}
"""The frequency of the TSC, and of the performance state P0."""
OTHER_MHZ = 2400
TOP_MEM = 0x8000_0000
EIGHT_MEGABYTES = 1 << 23
VARIABLE_MTRRS = 8
MEMORY_TYPES = (0, 1, 4, 5, 6)
PAT_TYPES = (*MEMORY_TYPES, 7)
MTRR_ENABLED = 1 << 11
FIXED_MTRRS_ENABLED = 1 << 10
FIXED_DRAM = 0x18
"""RdMem and WrMem of a byte of a fixed MTRR, which are there while MFDM is set."""
WRITE_BACK = 0x0606060606060606
VIDEO_MEMORY = 0x259
PAT = 0x0407050600070106
"""What Linux writes there."""


def mhz(generation: Generation) -> int:
    return MHZ.get(generation.name, OTHER_MHZ)


def bytes_are(value: int, types: tuple[int, ...]) -> bool:
    return all(byte in types for byte in value.to_bytes(8, "little"))


class Registers:
    """All CPUs' registers. ``clock`` tells microseconds since boot."""

    def __init__(self, host: HostView, places: Places, clock: Callable[[], int]) -> None:
        self.host = host
        self.places = places
        self.clock = clock
        self.kept = Kept()
        self.registers: dict[int, Register] = {
            **self._specified(),
            **self._plain(),
            **self._time(),
            **self._memory_types(),
        }

    def read(self, cpu: int, number: int) -> int:
        """Raises OSError(EIO) for #GP."""
        return self._register(cpu, number).read(cpu)

    def write(self, cpu: int, number: int, value: int) -> None:
        """Raises OSError(EIO) for #GP."""
        self._register(cpu, number).write(cpu, value)

    def reset(self) -> None:
        """All CPUs are reset: they forget what was written."""
        self.kept.reset()

    def _register(self, cpu: int, number: int) -> Register:
        found = self.registers.get(number)
        if found is None:
            self.host.unknown_msr(cpu, number)
            raise general_protection()
        return found

    def _specified(self) -> dict[int, Register]:
        host, kept = self.host, self.kept
        end = rmp_end(self.places.sockets * MEMORY * 1024)
        return {
            msr.SYSCFG: Syscfg(host, kept),
            msr.EFER: Efer(host, kept),
            msr.VM_HSAVE_PA: HsavePa(host, kept),
            msr.RMP_BASE: RmpBound(host, kept, msr.RMP_BASE, RMP_BASE),
            msr.RMP_END: RmpBound(host, kept, msr.RMP_END, end),
            msr.RMPOPT_BASE: RmpoptBase(host, kept),
            msr.SEV_STATUS: ReadOnly(0),  # of a guest; this is none
        }

    def _plain(self) -> dict[int, Register]:
        """Everything that only keeps what is written, and what is only read."""
        generation, places = self.host.generation, self.places
        memory = places.sockets * MEMORY * 1024
        brand = generation.brand.encode().ljust(48, b"\0")
        plain: dict[int, tuple[Callable[[int], int] | int, int]] = {
            msr.APIC_BASE: (self._apic_base, ADDRESS & ~0x2FF),
            msr.SPEC_CTRL: (0, 0x87),
            msr.SYSENTER_CS: (0x10, 0xFFFF),
            msr.SYSENTER_ESP: (lambda cpu: 0xFFFFFE0000003000 + cpu * 0x3B000, (1 << 64) - 1),
            msr.SYSENTER_EIP: (0xFFFFFFFF82001E40, (1 << 64) - 1),
            msr.MCG_STATUS: (0, 0x7),
            msr.MCG_CTL: (0xFFFFFFFF, 0xFFFFFFFF),
            msr.DEBUGCTL: (0, 0x3F),
            msr.STAR: (0x0023001000000000, (1 << 64) - 1),
            msr.LSTAR: (0xFFFFFFFF82000080, (1 << 64) - 1),
            msr.CSTAR: (0xFFFFFFFF82001F80, (1 << 64) - 1),
            msr.SF_MASK: (0x257FD5, 0xFFFFFFFF),
            msr.FS_BASE: (0, (1 << 64) - 1),
            msr.GS_BASE: (lambda cpu: 0xFFFF888800000000 + (cpu << 18), (1 << 64) - 1),
            msr.KERNEL_GS_BASE: (0, (1 << 64) - 1),
            msr.TSC_AUX: (lambda cpu: places.socket(cpu) << 12 | cpu, 0xFFFFFFFF),
            msr.TSC_RATIO: (1 << 32, (1 << 40) - 1),
            msr.TOP_MEM: (TOP_MEM, ADDRESS & -EIGHT_MEGABYTES),
            msr.TOM2: (memory + TOP_MEM, ADDRESS & -EIGHT_MEGABYTES),
            msr.PSTATE_CONTROL: (0, 0x7),
            msr.SMM_BASE: (lambda cpu: 0x6F000000 + (cpu << 16), 0xFFFFFFFF),
            msr.SMM_ADDRESS: (0x6F000000, ADDRESS & -(1 << 17)),
            msr.SMM_MASK: (0xFFFFFF006603, (1 << 64) - 1),
            msr.VM_CR: (0x8, 0x1F),
            msr.VIRT_SPEC_CTRL: (0, 0x4),
            msr.GHCB: (0, ADDRESS),
            msr.CPUID_7_FEATURES: (0x219C97A9, 0xFFFFFFFF),
            msr.THERMAL_FEATURES: (0x1, (1 << 64) - 1),
            msr.FEATURES: (0x7EF8320B178BFBFF, (1 << 64) - 1),
            msr.EXTENDED_FEATURES: (0x75C237FF2FD3FBFF, (1 << 64) - 1),
        }
        for number in msr.IORR:
            plain[number] = (0, ADDRESS & ~0x7FF | 0x818)
        for at, number in enumerate(msr.NAMES):
            word = int.from_bytes(brand[8 * at : 8 * at + 8], "little")
            plain[number] = (word, (1 << 64) - 1)
        for number in msr.CONFIGURATION:
            plain[number] = (0, (1 << 64) - 1)
        return {
            **{n: Plain(self.kept, n, initial, mask) for n, (initial, mask) in plain.items()},
            msr.HWCR: Plain(
                self.kept,
                msr.HWCR,
                0x9000011,
                (1 << 36) - 1,
                fixed=1 << 24,
                sticky=msr.HWCR_SMM_LOCK,
            ),
            msr.PRED_CMD: WriteOnly(0x81),
            msr.PATCH_LEVEL: ReadOnly(generation.microcode),
            msr.PATCH_LOADER: Register(),
            msr.MCG_CAP: ReadOnly(0x11C),
            msr.PSTATE_LIMIT: ReadOnly(0x20),
            msr.PSTATE_STATUS: ReadOnly(lambda cpu: self.read(cpu, msr.PSTATE_CONTROL)),
            msr.RAPL_UNIT: ReadOnly(0xA1003),
            **{
                number: ReadOnly(1 << 63 | 0x40000 | 0x800 + mhz(generation) // 25 if at < 3 else 0)
                for at, number in enumerate(msr.PSTATES)
            },
        }

    def _apic_base(self, cpu: int) -> int:
        x2apic, boot_cpu = 0xC00, 0x100
        return 0xFEE00000 | x2apic | (boot_cpu if cpu == 0 else 0)

    def _time(self) -> dict[int, Register]:
        rate = mhz(self.host.generation)

        def ticks() -> int:
            return self.clock() * rate

        def joules(cpu: int) -> int:
            """About 4 W, in 2^-16 J, and 32 bits of it."""
            return (self.clock() * 4 << 16) // 1_000_000 & 0xFFFFFFFF

        counters: dict[int, Register] = {
            number: Counting(self.kept, number, ticks) for number in (msr.TSC, msr.MPERF, msr.APERF)
        }
        return {
            **counters,
            msr.MPERF_READ_ONLY: ReadOnly(counters[msr.MPERF].read),
            msr.APERF_READ_ONLY: ReadOnly(counters[msr.APERF].read),
            msr.CORE_ENERGY: ReadOnly(joules),
            msr.PACKAGE_ENERGY: ReadOnly(joules),
        }

    def _memory_types(self) -> dict[int, Register]:
        kept = self.kept
        enabled = MTRR_ENABLED | FIXED_MTRRS_ENABLED
        found: dict[int, Register] = {
            msr.MTRR_CAP: ReadOnly(0x500 | VARIABLE_MTRRS),
            msr.MTRR_DEF_TYPE: Plain(
                kept,
                msr.MTRR_DEF_TYPE,
                enabled,
                enabled | 0x7,
                lambda cpu, value: value & 0x7 in MEMORY_TYPES,
            ),
            msr.PAT: Plain(kept, msr.PAT, PAT, fits=lambda cpu, value: bytes_are(value, PAT_TYPES)),
        }
        for number in msr.MTRR_FIXED:
            initial = 0 if number == VIDEO_MEMORY else WRITE_BACK
            found[number] = Plain(kept, number, initial, fits=self._fixed_mtrr_fits)
        for at in range(VARIABLE_MTRRS):
            base, mask = msr.MTRR_VARIABLE + 2 * at, msr.MTRR_VARIABLE + 2 * at + 1
            below_top = at == 0  # the first covers the memory below TOP_MEM
            found[base] = Plain(
                kept,
                base,
                6 if below_top else 0,
                ADDRESS & -0x1000 | 0x7,
                lambda cpu, value: value & 0x7 in MEMORY_TYPES,
            )
            found[mask] = Plain(
                kept,
                mask,
                ADDRESS & -TOP_MEM | MTRR_ENABLED if below_top else 0,
                ADDRESS & -0x1000 | MTRR_ENABLED,
            )
        return found

    def _fixed_mtrr_fits(self, cpu: int, value: int) -> bool:
        if self.host.cpu(cpu, "mfdm"):
            value &= ~int.from_bytes(bytes([FIXED_DRAM]) * 8, "little")
        return bytes_are(value, MEMORY_TYPES)
