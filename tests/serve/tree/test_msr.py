"""/dev/cpu/N/msr."""

from __future__ import annotations

import errno
import os
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from softsnp.abi import msr

from .fake import Bench, bench

WORDS = st.integers(0, (1 << 64) - 1)
KNOWN = (
    "SYSCFG EFER VM_HSAVE_PA RMP_BASE RMP_END RMPOPT_BASE SEV_STATUS HWCR TOP_MEM TOM2 PATCH_LEVEL "
    "TSC APIC_BASE MTRR_CAP MTRR_DEF_TYPE PAT MPERF APERF EXTENDED_FEATURES PSTATE_LIMIT"
)
READ_ONLY = "PATCH_LEVEL MTRR_CAP SEV_STATUS MCG_CAP MPERF_READ_ONLY APERF_READ_ONLY PSTATE_STATUS"


def rdmsr(found: Bench, register: int, cpu: int = 0) -> int:
    return int.from_bytes(found.client.read(f"devcpu/{cpu}/msr", 8, register), "little")


def wrmsr(found: Bench, register: int, value: int, cpu: int = 0) -> None:
    assert found.client.write(f"devcpu/{cpu}/msr", struct.pack("<Q", value), register) == 8


def refused(found: Bench, register: int, value: int) -> bool:
    """Whether wrmsr is #GP, which leaves everything as it was."""
    before = list(map(dict, found.host.bits))
    try:
        wrmsr(found, register, value)
    except OSError as error:
        assert error.errno == errno.EIO
        assert found.host.bits == before
        return True
    return False


@pytest.mark.parametrize("name", KNOWN.split())
def test_a_register_of_the_machine_is_read(name: str) -> None:
    rdmsr(bench(), getattr(msr, name))


def test_a_register_that_is_not_there_is_eio_and_the_host_hears_of_it() -> None:
    found = bench()
    for act in (lambda: rdmsr(found, 0x12345), lambda: wrmsr(found, 0x12345, 0)):
        with pytest.raises(OSError) as error:
            act()
        assert error.value.errno == errno.EIO
    assert found.host.unknown == [(0, 0x12345)] * 2


@pytest.mark.parametrize("name", READ_ONLY.split())
def test_what_is_only_read_is_not_written(name: str) -> None:
    assert refused(bench(), getattr(msr, name), 0)


def test_sizes_are_multiples_of_eight_and_repeat_the_register() -> None:
    found = bench()
    once = found.client.read("devcpu/0/msr", 8, msr.SYSCFG)
    assert found.client.read("devcpu/0/msr", 24, msr.SYSCFG) == once * 3
    assert found.client.read("devcpu/0/msr", 0, msr.SYSCFG) == b""
    for size in (1, 7, 12):
        with pytest.raises(OSError) as error:
            found.client.read("devcpu/0/msr", size, msr.SYSCFG)
        assert error.value.errno == errno.EINVAL
        with pytest.raises(OSError) as error:
            found.client.write("devcpu/0/msr", bytes(size), msr.SYSCFG)
        assert error.value.errno == errno.EINVAL


def test_a_write_that_fails_halfway_says_how_far_it_came() -> None:
    found = bench()
    words = struct.pack("<QQ", 0, 1 << 63)
    assert found.client.write("devcpu/0/msr", words, msr.SYSCFG) == 8


def test_devices_come_and_go_with_their_cpus() -> None:
    found = bench(4)
    file, handle = found.client.open("devcpu/2/msr")
    found.host.set_cpu(2, online=False)
    assert found.client.list("devcpu") == ["0", "1", "3"]
    with pytest.raises(OSError) as error:
        found.client.open("devcpu/2/msr")
    assert error.value.errno == errno.ENOENT
    with pytest.raises(OSError) as error:
        file.open(handle, None)  # type: ignore[arg-type]
    assert error.value.errno == errno.ENXIO


@given(WORDS)
def test_snp_en_is_only_ever_set(value: int) -> None:
    found = bench(1)
    found.host.set_cpu(0, snp_en=True, vmpl_en=True)
    if not refused(found, msr.SYSCFG, value):
        assert found.host.cpu(0, "snp_en")
        assert rdmsr(found, msr.SYSCFG) == value | msr.SYSCFG_SNP_EN


@given(WORDS.map(lambda value: value & 0x3FC0000))
def test_syscfg_is_what_the_specification_and_the_writer_say(value: int) -> None:
    found = bench(2)
    wrmsr(found, msr.SYSCFG, value, cpu=1)
    assert rdmsr(found, msr.SYSCFG, cpu=1) == value
    bits = {"snp_en": 24, "vmpl_en": 25, "mfdm": 19}
    assert {name: found.host.cpu(1, name) for name in bits} == {
        name: bool(value >> bit & 1) for name, bit in bits.items()
    }
    assert not found.host.cpu(0, "snp_en")


@given(WORDS)
def test_syscfg_has_reserved_bits(value: int) -> None:
    assert refused(bench(1), msr.SYSCFG, value) == bool(value & ~0x3FC0000)


def test_a_healthy_host_has_memory_encryption_and_an_rmp() -> None:
    found = bench(generation="turin", sockets=4)
    found.host.set_cpu(0, snp_en=True)
    assert rdmsr(found, msr.SYSCFG) >> 23 & 3 == 3
    base, end = rdmsr(found, msr.RMP_BASE), rdmsr(found, msr.RMP_END)
    assert base and not base % (1 << 20) and not (end + 1) % (1 << 20)
    memory = 4 << 36  # bytes of four nodes
    assert end < rdmsr(found, msr.SMM_ADDRESS) < rdmsr(found, msr.TOP_MEM)
    assert end + 1 - base >= 0x4000 + memory // 256
    assert refused(found, msr.RMP_BASE, base)


def test_efer_says_svme_and_keeps_long_mode() -> None:
    found = bench()
    plain = rdmsr(found, msr.EFER)
    wrmsr(found, msr.EFER, plain | msr.EFER_SVME)
    assert found.host.cpu(0, "svme")
    assert refused(found, msr.EFER, plain & ~(1 << 10))
    assert refused(found, msr.EFER, plain | 1 << 63)
    wrmsr(found, msr.EFER, plain)
    assert not found.host.cpu(0, "svme")


@given(st.one_of(WORDS, st.integers(0, 1 << 53).map(lambda address: address & -0x1000)))
@example(0x1000)
@example(0x1800)
@example(1 << 52)
def test_the_host_save_area_is_a_page(value: int) -> None:
    found = bench(1)
    assert refused(found, msr.VM_HSAVE_PA, value) == bool(value & 0xFFF or value >> 52)
    if found.host.cpu(0, "hsave"):
        assert rdmsr(found, msr.VM_HSAVE_PA) == value != 0


def test_each_cpu_has_a_host_save_area_of_its_own() -> None:
    found = bench(4)
    for cpu in range(4):
        found.host.set_cpu(cpu, hsave=True)
    assert len({rdmsr(found, msr.VM_HSAVE_PA, cpu) for cpu in range(4)} - {0}) == 4


def test_rmpopt_is_enabled_by_its_lowest_bit() -> None:
    found = bench()
    assert rdmsr(found, msr.RMPOPT_BASE) == 0
    wrmsr(found, msr.RMPOPT_BASE, 1 << 30 | 1)
    assert found.host.cpu(0, "rmpopt_base")
    assert rdmsr(found, msr.RMPOPT_BASE) == 1 << 30 | 1
    assert refused(found, msr.RMPOPT_BASE, 1 << 20)


def test_the_smm_lock_stays() -> None:
    found = bench()
    wrmsr(found, msr.HWCR, 0)
    assert rdmsr(found, msr.HWCR) & 1


def test_memory_types_are_checked() -> None:
    found = bench()
    assert refused(found, msr.PAT, 0x0202020202020202)
    assert refused(found, msr.MTRR_DEF_TYPE, 2)
    wrmsr(found, msr.MTRR_DEF_TYPE, 0xC06)
    assert rdmsr(found, msr.MTRR_DEF_TYPE) == 0xC06
    dram = 0x1E1E1E1E1E1E1E1E
    assert refused(found, msr.MTRR_FIXED[0], dram)
    found.host.set_cpu(0, mfdm=True)
    wrmsr(found, msr.MTRR_FIXED[0], dram)


def test_the_clock_counts_and_can_be_set() -> None:
    found = bench()
    found.clock.now = 10
    assert rdmsr(found, msr.TSC) == 24000
    wrmsr(found, msr.TSC, 5)
    found.clock.now = 11
    assert rdmsr(found, msr.TSC) == 2405
    assert rdmsr(found, msr.TSC, cpu=1) == 26400


def test_the_microcode_is_the_generations() -> None:
    assert rdmsr(bench(generation="milan"), msr.PATCH_LEVEL) == 0x0A0011D5


def test_a_reset_forgets_and_a_kexec_does_not() -> None:
    found = bench()
    initial = rdmsr(found, msr.PAT)
    wrmsr(found, msr.PAT, 0)
    found.tree.booted(reset=False)
    assert rdmsr(found, msr.PAT) == 0
    found.tree.booted(reset=True)
    assert rdmsr(found, msr.PAT) == initial


def test_a_write_leaves_a_line_with_who_it_was() -> None:
    found = bench()
    wrmsr(found, msr.SYSCFG, 0)
    (line,) = found.said()
    assert line.startswith("msr: Write to unrecognized MSR 0xc0010010 by ")
    assert f"(pid: {os.getpid()})" in line
