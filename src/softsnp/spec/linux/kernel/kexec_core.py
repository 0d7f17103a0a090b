"""kernel/kexec_core.c: a kernel's end, and the next one's beginning."""

from __future__ import annotations

from softsnp.spec.linux.init.main import Boot


class KexecCore(Boot):
    """The last piece of the kernel: with it a host runs for ever."""

    async def kernel_kexec(self) -> None:
        """C: kernel/kexec_core.c: kernel_kexec(), without preserving the context
        Locks: takes sev_cmd_mutex in device_shutdown(); nothing of them is left afterwards
        Source: [code] v7.3: the shutdown may fail, and the new kernel starts all the same
        """
        if self.ccp_loaded:
            await self.sev_firmware_shutdown()  # device_shutdown() → sp_pci_shutdown()
        await self.preempt(atomic="machine_kexec(): this kernel and all its tasks end here")
        self.kvm_shutdown()  # syscore_shutdown()
        self.restart("kernel", "module")
        self.cpus.where(boot=False).set(online=False)
        self.fully_shut_down = False
        self.event("kexec")
        await self.start_kernel()
