"""kernel/power/hibernate.c: the kernel's memory outlives the machine's power."""

from __future__ import annotations

from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.linux.arch.x86.power.hibernate import ResumeNosmt
from softsnp.spec.linux.kernel.power.suspend import ONE_CPU


class Hibernate(ResumeNosmt):
    """What the kernel remembers of the firmware and the CPUs is older than they are."""

    async def hibernate(self) -> int:
        """C: kernel/power/hibernate.c: hibernate(), create_image(); hibernation_restore()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing inside it
        Source: [code] v7.3: CPUs are frozen to copy memory, and thawed. [inf] Between the copy and
        its return the machine is switched off; the kernel that reads it in again is not specified
        """
        await self.suspend_prepare()  # PM_HIBERNATION_PREPARE
        rc = await self.freeze_secondary_cpus()
        if rc == 0:
            await self.preempt(atomic=ONE_CPU)
            rc = self.syscore_suspend()
            if rc == 0:
                self.cpus.set(**AT_RESET)
                self.power_cycle_firmware()
                self.kvm_resume()
                self.event("the host comes out of hibernation")
        await self.thaw_secondary_cpus()
        if rc == 0:
            await self.arch_resume_nosmt()
        await self.suspend_finish()
        return rc
