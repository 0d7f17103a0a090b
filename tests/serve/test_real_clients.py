"""Unmodified programs on a virtual host. snphost has tests of its own."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests.virtual_hosts import needs, on_host

SYSCFG = "0xc0010010"
ENABLED, PREPARED = 1 << 24, 1 << 19
BUSY = "Device or resource busy"


def lines(*found: str) -> list[str]:
    return [line for text in found for line in text.splitlines()]


# --- util-linux, coreutils ------------------------------------------------------------------------


def test_lscpu_sees_the_virtual_cpus() -> None:
    needs("lscpu")
    done = on_host(["lscpu", "--json"], "--cpus", "24", "--generation", "turin")
    told = {entry["field"]: entry["data"] for entry in json.loads(done.stdout)["lscpu"]}
    assert told["CPU(s):"] == "24"
    assert told["On-line CPU(s) list:"] == "0-23"
    assert told["Model name:"] == "AMD EPYC 9755 128-Core Processor"
    assert told["Thread(s) per core:"] == "2"
    assert told["L3 cache:"] == "64 MiB (2 instances)"


def test_chcpu_takes_a_cpu_offline_and_online_again() -> None:
    needs("chcpu", "lscpu")
    done = on_host("chcpu -d 3 && lscpu -p=CPU | tail -n 1 && chcpu -e 3 && cat /proc/cpuinfo")
    assert lines(done.stdout)[:3] == ["CPU 3 disabled", "7", "CPU 3 enabled"]
    assert len(re.findall(r"^processor\s*: (\d+)", done.stdout, re.M)) == 8


def test_while_snp_holds_cpu_hotplug_it_is_busy() -> None:
    needs("chcpu")
    done = on_host(
        "chcpu -d 3; echo 0 > /sys/devices/system/cpu/cpu3/online; modprobe -r kvm_amd; chcpu -d 3",
        "--design",
        "rmpopt-v10",
    )
    assert lines(done.stdout) == ["CPU 3 disabled"]
    told = lines(done.stderr)
    assert told[0] == f"chcpu: CPU 3 disable failed: {BUSY}"
    assert told[1].endswith(f"write error: {BUSY}")


def test_nproc_all_counts_them() -> None:
    assert on_host(["nproc", "--all"], "--cpus", "6").stdout == "6\n"


def test_dmesg_reads_what_the_kernel_said() -> None:
    needs("dmesg")
    done = on_host(
        "chcpu -d 2 >/dev/null; modprobe -r kvm_amd; dmesg; "
        "echo '<4>hello' > /dev/kmsg; dmesg -l warn"
    )
    assert "ccp 0000:42:00.1: SEV-SNP API:1.55 build:40" in done.stdout
    assert "kvm_amd: SEV-SNP enabled (ASIDs 1 - 99)" in done.stdout
    assert "smpboot: CPU 2 is now offline" in done.stdout
    assert lines(done.stdout)[-1].endswith("hello")


# --- msr-tools ------------------------------------------------------------------------------------


def test_rdmsr_reads_each_online_cpu() -> None:
    needs("rdmsr", "chcpu")
    done = on_host(f"rdmsr -a {SYSCFG}; chcpu -d 1 >/dev/null; rdmsr -a {SYSCFG} | wc -l")
    *values, count = lines(done.stdout)
    assert len(values) == 8
    assert all(int(value, 16) & ENABLED and int(value, 16) & PREPARED for value in values)
    assert count == "7"


def test_snp_en_is_set_by_writing_and_never_cleared() -> None:
    needs("rdmsr", "wrmsr")
    done = on_host(
        f"rdmsr -p 2 {SYSCFG}; wrmsr -p 2 {SYSCFG} 0x1f40000; rdmsr -p 2 {SYSCFG};"
        f"wrmsr -p 2 {SYSCFG} 0xf40000; rdmsr -p 2 {SYSCFG}; rdmsr -p 1 {SYSCFG};"
        f"wrmsr -p 2 {SYSCFG} 0x8000000000000000; rdmsr -p 2 0x12345678",
        "--no-autoload",
    )
    before, set_, kept, other = (int(value, 16) for value in lines(done.stdout))
    assert not before & ENABLED
    assert set_ & ENABLED and kept & ENABLED
    assert not other & ENABLED
    assert len(lines(done.stderr)) == 2  # a reserved bit, and an MSR that there is not


def test_after_a_full_shutdown_no_cpu_has_snp_en() -> None:
    needs("rdmsr")
    script = f"modprobe -r kvm_amd; rdmsr -a {SYSCFG}"
    cleared = lines(on_host(script, "--firmware", "x86-shutdown").stdout)
    kept = lines(on_host(script, "--firmware", "legacy").stdout)
    assert not any(int(value, 16) & ENABLED for value in cleared)
    assert all(int(value, 16) & ENABLED for value in kept)


# --- modules, kexec, suspend ----------------------------------------------------------------------


def test_modules_come_and_go() -> None:
    done = on_host(
        "lsmod; cat /sys/module/kvm_amd/parameters/sev_snp; rmmod ccp; rmmod kvm_amd ccp; lsmod;"
        "ls /dev/sev /sys/module; head -c 1 /dev/sev; modprobe kvm_amd; modprobe nonsense;"
        "cat /sys/module/kvm_amd/parameters/sev_snp"
    )
    told = lines(done.stdout)
    assert [line.split()[0] for line in told[:4]] == ["Module", "kvm_amd", "kvm", "ccp"]
    assert told[4] == "Y"
    assert told[5].split() == ["Module", "Size", "Used", "by"]
    assert told[-1] == "Y"
    errors = lines(done.stderr)
    assert errors[0] == "rmmod: ERROR: Module ccp is in use by: kvm_amd"
    assert "No such file or directory" in errors[1]
    assert errors[2].startswith("modprobe: FATAL: Module nonsense not found in directory /lib")


def test_a_module_that_is_in_use_stays() -> None:
    done = on_host("exec 9<> /dev/sev; modprobe -r kvm_amd; rmmod ccp; exec 9>&-; rmmod ccp; lsmod")
    assert lines(done.stderr) == ["rmmod: ERROR: Module ccp is in use"]
    assert len(lines(done.stdout)) == 1


def test_a_kexec_starts_a_kernel_that_knows_nothing() -> None:
    needs("rdmsr")
    done = on_host(
        "chcpu -d 5 >/dev/null; kexec -e; kexec -l /boot/vmlinuz --append='maxcpus=4';"
        f"kexec -e; cat /sys/devices/system/cpu/online; rdmsr -a {SYSCFG} | wc -l; dmesg | wc -l",
        "--firmware",
        "legacy",
    )
    assert lines(done.stdout)[:2] == ["0-3", "4"]
    assert done.stderr == ""


def test_what_s3_loses_is_lost() -> None:
    needs("rdmsr")
    done = on_host(
        f"echo mem > /sys/power/state && rdmsr -a {SYSCFG}; dmesg | tail -n 2; cat /sys/power/state"
    )
    *values, entry, exit_, states = lines(done.stdout)
    assert len(values) == 8
    assert not any(int(value, 16) & ENABLED for value in values)
    assert "PM: suspend exit" in exit_
    assert "mem" in states
    assert entry


# --- QEMU -----------------------------------------------------------------------------------------


def test_qemu_asks_for_the_capabilities_of_sev() -> None:
    """query-sev-capabilities. KVM's own answers come from a preloaded library: clients/qemu.py."""
    needs("qemu-system-x86_64", "gcc")
    root = Path(__file__).resolve().parents[2]
    done = on_host([sys.executable, "-m", "clients.qemu"], "--cpuid", cwd=root)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["cbitpos"] == 51
    assert len(told["cpu0-id"]) == 88  # 64 bytes in base64
    assert {"pdh", "cert-chain"} <= set(told)
