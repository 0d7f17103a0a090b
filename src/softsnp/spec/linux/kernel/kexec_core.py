"""kernel/kexec_core.c: a kernel's end, and the next one's beginning."""

from __future__ import annotations

from softsnp.spec.hw.cpu import NEW_KERNEL
from softsnp.spec.linux.init.main import Boot


class KexecCore(Boot):
    """With this a host runs for ever, one kernel after the other."""

    async def kernel_kexec(self) -> None:
        """C: kernel/kexec_core.c: kernel_kexec(), without preserving the context
        Locks: takes sev_cmd_mutex in device_shutdown(), and with reboot-steps cpu_add_remove_lock;
        nothing of them is left afterwards
        Source: [code] v7.3: the shutdown may fail, and the new kernel starts all the same. CPU
        hotplug is enabled as often as migrate_to_reboot_cpu() has disabled it. KVM leaves the CPUs
        before that, and once more when they are stopped
        """
        await self.kernel_restart_prepare()
        if self.reboot_steps:
            await self.migrate_to_reboot_cpu()
            await self.cpu_hotplug_enable_otherwise()
        await self.preempt(atomic="machine_kexec(): this kernel and all its tasks end here")
        self.kvm_shutdown()  # syscore_shutdown(), machine_shutdown()
        self.restart("kernel", "module")
        self.cpus.set(**NEW_KERNEL)
        self.cpus.where(boot=False).set(online=False)
        self.fully_shut_down = False
        if self.reboot_steps:
            self.kexeced = True
        self.event("kexec")
        await self.start_kernel()
