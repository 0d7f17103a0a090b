"""review-disable-under-read-lock: v10 with its first two lines of locking swapped."""

from __future__ import annotations

from softsnp.spec.designs.rmpopt_v10 import RmpoptV10


class ReviewDisableUnderReadLock(RmpoptV10):
    """v10 with cpu_hotplug_disable() inside cpus_read_lock().

    Source: lkml, 2026-06-26, Kalra to Nayak, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug
    while SNP is active": why the disable must come first
    """

    name = "review-disable-under-read-lock"

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held; takes cpu_hotplug_lock for reading, then cpu_add_remove_lock
        Source: [msg] Kalra to Nayak, 2026-06-26
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("SNP_EN is set on this CPU: nothing to prepare")
            return 0
        await self.clear_rmp()
        await self.cpus_read_lock()
        await self.cpu_hotplug_disable()
        rc = await self.snp_prepare_cpus()
        self.cpus_read_unlock()
        if rc:
            await self.cpu_hotplug_enable()
        return rc
