"""arch/x86/power/hibernate.c: second threads after hibernation."""

from __future__ import annotations

from softsnp.spec.linux.arch.x86.kernel.smp import X86Smp


class ResumeNosmt(X86Smp):
    """The kernel that read the image in has put second threads to sleep in its own way."""

    async def arch_resume_nosmt(self) -> None:
        """C: arch/x86/power/hibernate.c: arch_resume_nosmt()
        Locks: as arch_cpu_rescan_dead_smt_siblings()
        Source: [code] v7.3
        """
        if self.smt:
            await self.cpu_hotplug_enable_otherwise()
            await self.arch_cpu_rescan_dead_smt_siblings()
            await self.cpu_hotplug_disable_otherwise()
