"""Mistakes in CPU hotplug: who is refused, what a CPU keeps, and whom a broadcast reaches."""

from __future__ import annotations

from softsnp.spec.linux.drivers.acpi.acpi_processor import AcpiProcessor
from softsnp.spec.linux.drivers.base.core import Devices
from softsnp.spec.linux.drivers.base.cpu import CpuSubsys
from softsnp.spec.linux.kernel.cpu import CpuHotplug
from softsnp.spec.linux.kernel.smp import Smp
from tests.mutation import Mutation

HOTPLUG = (
    # --- the refcount ----------------------------------------------------------------------------
    Mutation("disable-counts-nothing", CpuHotplug, "cpu_hotplug_disable", "+ 1", "+ 0"),
    Mutation(
        "disable-is-a-flag",
        CpuHotplug,
        "cpu_hotplug_disable",
        "min(self.cpu_hotplug_disabled + 1, MANY_HOLDS)",
        "1",
    ),
    Mutation(
        "enable-resets-the-count",
        CpuHotplug,
        "cpu_hotplug_enable",
        "self.cpu_hotplug_disabled -= 1",
        "self.cpu_hotplug_disabled = 0",
    ),
    Mutation(
        "enable-does-not-warn",
        CpuHotplug,
        "warn_unbalanced",
        'self.note("WARN: Unbalanced cpu hotplug enable")',
        "pass",
    ),
    # --- up and down -----------------------------------------------------------------------------
    Mutation(
        "up-ignores-the-count",
        CpuHotplug,
        "cpu_up",
        "if self.cpu_hotplug_is_disabled():",
        "if False:",
    ),
    Mutation(
        "up-is-refused-by-two-only",
        CpuHotplug,
        "cpu_up",
        "self.cpu_hotplug_is_disabled()",
        "self.cpu_hotplug_disabled > 1",
    ),
    Mutation("up-is-refused-with-eagain", CpuHotplug, "cpu_up", "rc = EBUSY", "rc = -11"),
    Mutation(
        "down-ignores-the-count",
        CpuHotplug,
        "cpu_down_maps_locked",
        "if self.cpu_hotplug_is_disabled():",
        "if False:",
    ),
    Mutation(
        "down-is-refused-silently",
        CpuHotplug,
        "cpu_down_maps_locked",
        "return EBUSY",
        "return 0",
    ),
    Mutation(
        "up-resets-syscfg",
        CpuHotplug,
        "_cpu_up",
        "if not self.init_sipi_keeps_syscfg:",
        "if self.init_sipi_keeps_syscfg:",
    ),
    Mutation(
        "up-enables-snp",
        CpuHotplug,
        "_cpu_up",
        "cpu.set(online=True)",
        "cpu.set(online=True, snp_en=True)",
    ),
    Mutation("up-runs-no-callback", CpuHotplug, "_cpu_up", "await self.cpuhp_ap_online(cpu)", "0"),
    Mutation(
        "down-clears-snp",
        CpuHotplug,
        "_cpu_down",
        "cpu.set(online=False, wbinvd_done=True)",
        "cpu.set(online=False, wbinvd_done=True, snp_en=False)",
    ),
    Mutation("down-runs-no-callback", CpuHotplug, "_cpu_down", "self.cpuhp_ap_offline(cpu)", ""),
    Mutation("down-ejects", CpuHotplug, "_cpu_down", "set(online=False,", "set(present=False,"),
    Mutation(
        "boot-resets-syscfg",
        CpuHotplug,
        "bringup_nonboot_cpus",
        "if not self.init_sipi_keeps_syscfg:",
        "if self.init_sipi_keeps_syscfg:",
    ),
    Mutation(
        "boot-brings-up-what-is-absent",
        CpuHotplug,
        "bringup_nonboot_cpus",
        "self.cpus.where(boot=False, **bits).set(online=True)",
        "self.cpus.where(boot=False).set(online=True)",
    ),
    # --- devices ---------------------------------------------------------------------------------
    Mutation("online-of-an-absent-cpu", Devices, "device_online", "return ENOENT", "return 0"),
    Mutation("offline-of-an-absent-cpu", Devices, "device_offline", "return ENOENT", "return 0"),
    Mutation(
        "online-twice-is-an-error",
        Devices,
        "device_online",
        "rc = 0",
        "rc = -22",
    ),
    Mutation(
        "online-asks-for-the-count-first",
        Devices,
        "device_online",
        "        await self.lock_device_hotplug_sysfs()\n",
        "        if self.cpu_hotplug_disabled:\n            return -16\n"
        "        await self.lock_device_hotplug_sysfs()\n",
    ),
    Mutation(
        "offline-twice-is-an-error",
        Devices,
        "device_offline",
        "rc = 0",
        "rc = -22",
    ),
    Mutation(
        "an-offline-cpu-has-no-file",
        CpuSubsys,
        "no_cpu_has_an_online_file",
        "present=True",
        "online=True",
    ),
    Mutation(
        "online-swallows-its-error",
        CpuSubsys,
        "cpu_subsys_online",
        "return rc",
        "return 0",
    ),
    # --- hot-add ---------------------------------------------------------------------------------
    Mutation(
        "add-brings-up",
        AcpiProcessor,
        "acpi_processor_hotadd_init",
        "set_one(present=True)",
        "set_one(present=True, online=True)",
    ),
    Mutation(
        "add-is-gated",
        AcpiProcessor,
        "acpi_processor_hotadd_init",
        "if self.cpus.where",
        "if not self.cpu_hotplug_disabled and self.cpus.where",
    ),
    # --- broadcasts ------------------------------------------------------------------------------
    Mutation(
        "broadcasts-reach-offline-cpus",
        Smp,
        "reach_one",
        "where(online=True, **mask)",
        "where(present=True, **mask)",
    ),
    Mutation(
        "broadcasts-miss-the-boot-cpu",
        Smp,
        "reach_one",
        "where(online=True, **mask)",
        "where(online=True, boot=False, **mask)",
    ),
)
