"""init/main.c: a kernel's beginning."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.linux.arch.x86.kvm.svm.sev import KvmAmd

ALONE = "nobody else runs while a kernel boots"


class Boot(KvmAmd):
    """From smp_init() to user space."""

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
