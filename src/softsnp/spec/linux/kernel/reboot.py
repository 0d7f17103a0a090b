"""kernel/reboot.c: a kernel's end."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.hw.cpu import AT_RESET, NEW_KERNEL
from softsnp.spec.linux.kernel.power.hibernate import Hibernate


class Reboot(Hibernate):
    """The end of a machine's run is a reset, from which everything comes back as at power-on."""

    powered_off = Bool(False, "the machine was reset: what comes then is another run")

    async def kernel_restart_prepare(self) -> None:
        """C: kernel/reboot.c: kernel_restart_prepare()
        Locks: takes and drops sev_cmd_mutex in device_shutdown()
        Source: [code] v7.3
        """
        if self.ccp_loaded:
            await self.sev_firmware_shutdown()  # device_shutdown() → sp_pci_shutdown()

    async def migrate_to_reboot_cpu(self) -> None:
        """C: kernel/reboot.c: migrate_to_reboot_cpu()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.3: CPU hotplug is disabled, for good if it is a reboot
        """
        if self.reboot_steps:
            await self.cpu_hotplug_disable_otherwise()

    async def kernel_restart(self) -> None:
        """C: kernel/reboot.c: kernel_restart()
        Locks: as kernel_restart_prepare() and migrate_to_reboot_cpu()
        Source: [code] v7.3: and then the machine is reset, and nothing of it is left
        """
        await self.kernel_restart_prepare()
        await self.migrate_to_reboot_cpu()
        await self.preempt(atomic="every task ends with the machine")
        self.machine_reset()
        self.event("reboot")

    def machine_reset(self) -> None:
        """C: none (hardware): every task, register and memory as at power-on"""
        self.restart("kernel", "module")
        self.power_cycle_firmware()
        self.cpus.set(**AT_RESET, **NEW_KERNEL)
        self.cpus.where(boot=False).set(online=False)
        self.powered_off = True
