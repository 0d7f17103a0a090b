"""Mistakes around CPU hotplug: devices, SMT, suspended CPUs, ACPI, PCI."""

from __future__ import annotations

from softsnp.spec.linux.drivers.acpi.acpi_processor import AcpiProcessor
from softsnp.spec.linux.drivers.base.core import Devices
from softsnp.spec.linux.drivers.base.cpu import CpuSubsys
from softsnp.spec.linux.drivers.pci.pci_driver import PciDriver
from softsnp.spec.linux.kernel.cpu_pm import CpuFreezing
from softsnp.spec.linux.kernel.cpu_smt import Smt

from .mutations_place import Seeded, at

DEVICES = (
    # --- drivers/base ----------------------------------------------------------------------------
    Seeded(
        "device-hotplug-lock-is-kept",
        "unlock",
        Devices,
        "unlock_device_hotplug",
        {"self.mutex_unlock(Devices.device_hotplug_lock)": "pass"},
        at("rmpopt-v10", "smt", "x86-shutdown", cpus=3),
    ),
    Seeded(
        "offline-keeps-device-hotplug-lock",
        "unlock",
        Devices,
        "device_offline",
        {"self.unlock_device_hotplug()": "if rc == 0:\n            self.unlock_device_hotplug()"},
        at("rmpopt-v10", "sysfs", "x86-shutdown"),
    ),
    Seeded(
        "online-is-not-tried-again",
        "constant",
        CpuSubsys,
        "cpu_subsys_online",
        {"retries < RETRIES": "False"},
        at("linux-7.3", "sysfs"),
    ),
    # --- SMT -------------------------------------------------------------------------------------
    Seeded(
        "smt-control-keeps-its-lock",
        "unlock",
        Smt,
        "store_smt_control",
        {"self.unlock_device_hotplug()": "if rc == 0:\n            self.unlock_device_hotplug()"},
        at("rmpopt-v10", "smt", "x86-shutdown", cpus=3),
    ),
    Seeded(
        "smt-threads-stored-last",
        "swap",
        Smt,
        "store_smt_control_locked",
        {
            "self.cpu_smt_num_threads = BOTH_THREADS if": "threads = BOTH_THREADS if",
            "if self.cpu_smt_num_threads > before:": "if threads > before:",
            "elif self.cpu_smt_num_threads < before or": "elif threads < before or",
            "        if rc:\n": (
                "        if rc == 0:\n"
                '            await self.preempt(atomic="a mutation")\n'
                "            self.cpu_smt_num_threads = threads\n"
                "        if rc:\n"
            ),
        },
        at("rmpopt-v10", "smt", "x86-shutdown", cpus=3),
    ),
    Seeded(
        "smt-off-ignores-the-count",
        "check",
        Smt,
        "cpuhp_smt_disable",
        {"self.cpu_down_maps_locked(": "self._cpu_down("},
        at("rmpopt-v10", "smt", "x86-shutdown", cpus=3),
    ),
    Seeded(
        "smt-off-takes-one-offline",
        "step",
        Smt,
        "cpuhp_smt_disable",
        {"while rc == 0 and": "if"},
        at("linux-7.3", "smt", cpus=4, one_ipi_a_step=False),
    ),
    Seeded(
        "second-threads-are-always-allowed",
        "check",
        Smt,
        "second_threads_allowed",
        {"if not self.smt:": "if True:"},
        at("linux-7.3", "thread", cpus=3, smt=True, command_lines=True),
    ),
    # --- freezing CPUs ---------------------------------------------------------------------------
    Seeded(
        "freezing-does-not-count",
        "step",
        CpuFreezing,
        "freeze_secondary_cpus",
        {"self.cpu_hotplug_disabled_otherwise += 1": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "freezing-respects-the-count",
        "check",
        CpuFreezing,
        "freeze_secondary_cpus",
        {"self._cpu_down(": "self.cpu_down_maps_locked("},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "freezing-keeps-its-lock-when-it-fails",
        "unlock",
        CpuFreezing,
        "freeze_secondary_cpus",
        {
            "        self.mutex_unlock(": "        if rc == 0:\n            self.mutex_unlock(",
        },
        at("linux-7.3", "suspend", hotplug_callbacks_may_fail=True),
    ),
    Seeded(
        "thawing-counts-down-twice",
        "step",
        CpuFreezing,
        "thaw_secondary_cpus",
        {
            "        self._cpu_hotplug_enable_otherwise()\n": (
                "        self._cpu_hotplug_enable_otherwise()\n" * 2
            )
        },
        at("linux-7.3", "suspend"),
    ),
    Seeded(
        "thawing-brings-one-online",
        "step",
        CpuFreezing,
        "thaw_secondary_cpus",
        {"while rc != NO_CPU:": "if rc != NO_CPU:"},
        at("rmpopt-v10", "suspend", cpus=3),
    ),
    # --- ACPI and PCI ----------------------------------------------------------------------------
    Seeded(
        "hot-add-keeps-the-hotplug-lock",
        "unlock",
        AcpiProcessor,
        "acpi_processor_hotadd_init",
        {"self.cpus_write_unlock()": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown", cpus=3, cpu_hot_add=True),
    ),
    Seeded(
        "hot-add-in-the-wrong-order",
        "swap",
        AcpiProcessor,
        "acpi_processor_hotadd_init",
        {
            "        await self.mutex_lock(AcpiProcessor.cpu_add_remove_lock)\n": "",
            "        await self.cpus_write_lock()\n": "        await self.cpus_write_lock()\n"
            "        await self.mutex_lock(AcpiProcessor.cpu_add_remove_lock)\n",
        },
        at("rmpopt-v10", "thread", "x86-shutdown", cpus=3, cpu_hot_add=True),
    ),
    Seeded(
        "hot-add-leaves-it-absent",
        "step",
        AcpiProcessor,
        "acpi_processor_hotadd_init",
        {".set_one(present=True)": ".any()"},
        at("linux-7.3", "thread", cpus=3, cpu_hot_add=True),
    ),
    Seeded(
        "eject-leaves-it-present",
        "step",
        AcpiProcessor,
        "acpi_processor_post_eject",
        {"set_one(present=False, ": "set_one("},
        at("linux-7.3", "thread", "x86-shutdown", cpu_eject=True),
    ),
    Seeded(
        "eject-leaves-it-fused",
        "step",
        AcpiProcessor,
        "acpi_processor_post_eject",
        {"present=False, fused=False": "present=False"},
        at("rmpopt-v10", "kexec", "x86-shutdown", cpu_eject=True),
    ),
    Seeded(
        "eject-takes-who-is-online",
        "check",
        AcpiProcessor,
        "acpi_processor_post_eject",
        {"present=True, online=False)": "present=True)"},
        at("linux-7.3", "thread", cpu_eject=True),
    ),
    Seeded(
        "probe-enables-first",
        "swap",
        PciDriver,
        "pci_call_probe",
        {
            "await self.cpu_hotplug_disable_otherwise()": (
                "await self.cpu_hotplug_enable_otherwise()\n"
                "        await self.cpu_hotplug_disable_otherwise()"
            ),
            "        await self.preempt()\n        await self.cpu_hotplug_enable_otherwise()\n": "",
        },
        at("linux-7.3", "sysfs"),
    ),
    Seeded(
        "probe-does-not-disable",
        "lock",
        PciDriver,
        "pci_call_probe",
        {"await self.cpu_hotplug_disable_otherwise()": "await self.preempt()"},
        at("rmpopt-v10", "sysfs", "x86-shutdown"),
    ),
    Seeded(
        "probe-takes-snps-hold-away",
        "constant",
        PciDriver,
        "pci_call_probe",
        {"self.cpu_hotplug_enable_otherwise()": "self.cpu_hotplug_enable()"},
        at("rmpopt-v10", "sysfs", "x86-shutdown"),
    ),
)
