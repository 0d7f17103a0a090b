"""arch/x86/power/hibernate.c: second threads after hibernation."""

from __future__ import annotations

from softsnp.spec.linux.kernel.cpu_smt import SmtControl
from softsnp.spec.linux.kernel.power.suspend import Suspend


class ResumeNosmt(Suspend):
    """Second threads that sleep in the wrong way are woken, and put to sleep again."""

    async def arch_resume_nosmt(self) -> None:
        """C: arch/x86/power/hibernate.c: arch_resume_nosmt()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing inside it
        Source: [code] v7.3: second threads that are to be offline come online and go offline once
        more; taking them offline again respects cpu_hotplug_disabled
        """
        if not self.smt:
            return
        await self.preempt()
        control = self.cpu_smt_control
        if control is SmtControl.ENABLED:
            return
        await self.cpu_hotplug_enable_otherwise()
        await self.cpuhp_smt_enable()
        rc = await self.cpuhp_smt_disable(control)
        if rc:
            self.event("second threads stay online after hibernation")
        await self.cpu_hotplug_disable_otherwise()
