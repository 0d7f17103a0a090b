"""The model-specific registers that the specification has bits of."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.abi import msr
from softsnp.serve.view import HostView

from .registers import Kept, Register, general_protection, legal

ADDRESS = (1 << 52) - 1
"""The bits of a physical address."""
PAGE = 0x1000
HSAVE = 0x1_4000_0000
"""Where KVM's host save areas lie, a page for each CPU."""
RMP_BASE = 0x1000_0000
"""Where the RMP begins; there is room for that of four nodes below TOP_MEM and what SMM has."""
RMP_ALIGNMENT = 0x2000
GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Syscfg(Register):
    """SNP_EN is only ever set: writing 0 leaves it. It goes with a reset."""

    host: HostView
    kept: Kept

    SPECIFIED = {
        msr.SYSCFG_MFDM: "mfdm",
        msr.SYSCFG_SNP_EN: "snp_en",
        msr.SYSCFG_VMPL_EN: "vmpl_en",
    }
    OTHERS = (
        msr.SYSCFG_MFDE | msr.SYSCFG_MVDM | msr.SYSCFG_TOM2_EN | msr.SYSCFG_TOM2_WB | msr.SYSCFG_SME
    )

    def read(self, cpu: int) -> int:
        value = self.kept.get(msr.SYSCFG, cpu, self.OTHERS)
        for bit, name in self.SPECIFIED.items():
            if self.host.cpu(cpu, name):
                value |= bit
        return value

    def write(self, cpu: int, value: int) -> None:
        legal(value, self.OTHERS | sum(self.SPECIFIED))
        now = self.read(cpu)
        value |= now & msr.SYSCFG_SNP_EN
        self.kept.set(msr.SYSCFG, cpu, value & self.OTHERS)
        changed = {
            name: bool(value & bit) for bit, name in self.SPECIFIED.items() if (value ^ now) & bit
        }
        if changed:
            self.host.set_cpu(cpu, **changed)


@dataclass(frozen=True)
class Efer(Register):
    """Long mode is not left by a write."""

    host: HostView
    kept: Kept

    SYSCALL = 1 << 0
    OTHERS = SYSCALL | msr.EFER_LONG_MODE | sum(1 << n for n in (11, 13, 14, 15, 17, 18, 20, 21))
    INITIAL = SYSCALL | msr.EFER_LONG_MODE | 1 << 11

    def read(self, cpu: int) -> int:
        value = self.kept.get(msr.EFER, cpu, self.INITIAL)
        return value | (msr.EFER_SVME if self.host.cpu(cpu, "svme") else 0)

    def write(self, cpu: int, value: int) -> None:
        legal(value, self.OTHERS | msr.EFER_SVME)
        now = self.read(cpu)
        if (value ^ now) & msr.EFER_LONG_MODE:
            raise general_protection()
        self.kept.set(msr.EFER, cpu, value & self.OTHERS)
        if (value ^ now) & msr.EFER_SVME:
            self.host.set_cpu(cpu, svme=bool(value & msr.EFER_SVME))


@dataclass(frozen=True)
class HsavePa(Register):
    """The specification has whether it is zero."""

    host: HostView
    kept: Kept

    def read(self, cpu: int) -> int:
        if not self.host.cpu(cpu, "hsave"):
            return 0
        own = HSAVE + cpu * PAGE
        return self.kept.get(msr.VM_HSAVE_PA, cpu, own) or own

    def write(self, cpu: int, value: int) -> None:
        legal(value, ADDRESS & -PAGE)
        self.kept.set(msr.VM_HSAVE_PA, cpu, value)
        if bool(value) != self.host.cpu(cpu, "hsave"):
            self.host.set_cpu(cpu, hsave=bool(value))


@dataclass(frozen=True)
class RmpBound(Register):
    """RMP_BASE, the first byte of the RMP, or RMP_END, its last. SNP_EN locks them."""

    host: HostView
    kept: Kept
    number: int
    initial: int

    def read(self, cpu: int) -> int:
        return self.kept.get(self.number, cpu, self.initial)

    def write(self, cpu: int, value: int) -> None:
        if self.number == msr.RMP_BASE:
            legal(value, ADDRESS & -RMP_ALIGNMENT)
        else:
            legal(value, ADDRESS)
        if self.host.cpu(cpu, "snp_en"):
            raise general_protection()
        self.kept.set(self.number, cpu, value)


@dataclass(frozen=True)
class RmpoptBase(Register):
    """Bit 0 enables RMPOPT on the core; the rest is where it begins, in whole gigabytes."""

    host: HostView
    kept: Kept

    def read(self, cpu: int) -> int:
        enabled = int(self.host.cpu(cpu, "rmpopt_base"))
        return self.kept.get(msr.RMPOPT_BASE, cpu, 0) | enabled

    def write(self, cpu: int, value: int) -> None:
        legal(value, ADDRESS & -GIGABYTE | 1)
        self.kept.set(msr.RMPOPT_BASE, cpu, value & -GIGABYTE)
        if bool(value & 1) != self.host.cpu(cpu, "rmpopt_base"):
            self.host.set_cpu(cpu, rmpopt_base=bool(value & 1))


def rmp_end(memory: int) -> int:
    """The last byte of an RMP for so many bytes of memory: 16 KiB, and 16 bytes for each page."""
    size = 0x4000 + memory // PAGE * 16
    megabyte = 1 << 20
    return RMP_BASE + -(-size // megabyte) * megabyte - 1
