"""init/main.c and kernel/kexec_core.c: a kernel's beginning and its end."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.linux.arch.x86.kvm.svm.sev import KvmAmd

ALONE = "nobody else runs while a kernel boots"


class Linux(KvmAmd):
    """A Linux host, from boot to kexec. Kernels and designs derive from the two below it."""

    system_running = Bool(False, "system_state is SYSTEM_RUNNING: user space runs", memory="kernel")

    async def start_kernel(self) -> None:
        """C: init/main.c: start_kernel(), kernel_init()
        Locks: none
        Source: [code] v7.3: CPUs come up in smp_init(), before the initcalls
        """
        await self.preempt(atomic=ALONE)
        if self.cpu_hot_add and not self.kexec_onlines_hot_added:
            self.bringup_nonboot_cpus(present=True, listed=True)
        else:
            self.bringup_nonboot_cpus(present=True)
        await self.snp_rmptable_init()
        await self.preempt(atomic=ALONE)
        await self.modprobe_ccp()
        self.system_running = True

    def bringup_nonboot_cpus(self, **bits: bool) -> None:
        """C: kernel/cpu.c: bringup_nonboot_cpus(), by INIT/SIPI"""
        if not self.init_sipi_keeps_syscfg:
            self.cpus.where(boot=False, **bits).set(**AT_RESET)
        self.cpus.where(boot=False, **bits).set(online=True)

    async def kernel_kexec(self) -> None:
        """C: kernel/kexec_core.c: kernel_kexec(), without preserving the context
        Locks: takes sev_cmd_mutex in device_shutdown(); nothing of them is left afterwards
        Source: [code] v7.3: the shutdown may fail, and the new kernel starts all the same
        """
        if self.ccp_loaded:
            await self.sev_firmware_shutdown()  # device_shutdown() → sp_pci_shutdown()
        await self.preempt(atomic="machine_kexec(): this kernel and all its tasks end here")
        if self.kvm_amd:
            self.cpus.where(online=True).set(hsave=False)  # kvm_shutdown()
        self.restart("kernel", "module")
        self.cpus.where(boot=False).set(online=False)
        self.fully_shut_down = False
        self.event("kexec")
        await self.start_kernel()
