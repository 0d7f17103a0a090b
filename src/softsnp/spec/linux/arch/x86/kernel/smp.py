"""arch/x86/kernel/smp.c: second threads that sleep in the wrong way."""

from __future__ import annotations

from softsnp.spec.linux.kernel.cpu_smt import SmtControl
from softsnp.spec.linux.kernel.power.suspend import Suspend


class X86Smp(Suspend):
    """They are woken, and put to sleep again."""

    async def arch_cpu_rescan_dead_smt_siblings(self) -> None:
        """C: arch/x86/kernel/smp.c: arch_cpu_rescan_dead_smt_siblings()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing inside it
        Source: [code] v7.3: second threads that are to be offline come online and go offline once
        more; only taking them offline again respects cpu_hotplug_disabled
        """
        await self.preempt()
        control = self.cpu_smt_control
        if control is SmtControl.ENABLED:
            return
        rc = await self.cpuhp_smt_enable()
        if rc == 0:
            rc = await self.cpuhp_smt_disable(control)
        if rc:
            self.event("second threads stay online that are to be offline")
