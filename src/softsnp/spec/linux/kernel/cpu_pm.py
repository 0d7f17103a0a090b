"""kernel/cpu.c: CPUs that are taken down to suspend, and brought back."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.kernel.cpu import NO_CPU, CpuHotplug

MARKING = "cpu_add_remove_lock is held: nobody else marks CPUs, or takes them offline"


class CpuFreezing(CpuHotplug):
    """freeze_secondary_cpus() and its opposite. Neither looks at cpu_hotplug_disabled."""

    tasks_frozen = Bool(False, "user space is frozen: nobody begins a system call", memory="kernel")

    async def freeze_secondary_cpus(self) -> int:
        """C: kernel/cpu.c: freeze_secondary_cpus()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing in between
        Source: [code] v7.3: cpu_hotplug_disabled is counted up, after a failure as well
        """
        await self.mutex_lock(CpuFreezing.cpu_add_remove_lock)
        rc = 0
        await self.preempt(atomic=MARKING)
        more = self.mark_one()
        while more:
            rc = await self._cpu_down(frozen=True)
            await self.preempt(atomic=MARKING)
            if rc:
                self.cpus.where(online=True, frozen=True).set(frozen=False)
            more = rc == 0 and self.mark_one()
        self.cpu_hotplug_disabled_otherwise += 1
        self.mutex_unlock(CpuFreezing.cpu_add_remove_lock)
        return rc

    def mark_one(self) -> bool:
        """One CPU that is still online is the next to go; False when there is none."""
        return self.cpus.where(boot=False, online=True, frozen=False).set_one(frozen=True)

    async def thaw_secondary_cpus(self) -> None:
        """C: kernel/cpu.c: thaw_secondary_cpus()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing in between
        Source: [code] v7.3: counted down first, and errors are only printed
        """
        await self.mutex_lock(CpuFreezing.cpu_add_remove_lock)
        self._cpu_hotplug_enable_otherwise()
        rc = 0
        while rc != NO_CPU:
            rc = await self._cpu_up(frozen=True)
            if rc and rc != NO_CPU:
                await self.preempt(atomic=MARKING)
                self.cpus.where(online=False, frozen=True).set_one(frozen=False)
        self.mutex_unlock(CpuFreezing.cpu_add_remove_lock)

    def resumed(self) -> None:
        """The end of a resume, for the properties' sake."""
        self.event("the host resumes")
        if self.snp_state is State.INIT and self.cpus.where(online=True).any(snp_en=False):
            self.event("the host resumes with a CPU without SNP_EN")
