"""review-hold-read-lock: CPU hotplug is blocked by its own lock until SNP is up."""

from __future__ import annotations

from softsnp.spec.designs.rmpopt_v9 import RmpoptV9


class ReviewHoldReadLock(RmpoptV9):
    """v9, with cpus_read_lock() from before the masks are compared until hotplug is disabled.

    Source: lkml, 2026-06-27, Petkov, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug while SNP is
    active"; Nayak, 2026-06-29, reads it as until the last guest has gone; never posted
    """

    name = "review-hold-read-lock"

    async def _sev_snp_init_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked()
        Locks: sev_cmd_mutex held; takes cpu_hotplug_lock for reading, then cpu_add_remove_lock
        inside it
        Source: [msg] Petkov, 2026-06-27: disable at the end, and only then drop the lock
        """
        if self.snp_initialized:
            return 0
        await self.cpus_read_lock()
        rc = await super()._sev_snp_init_locked()
        self.cpus_read_unlock()
        return rc

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held; cpu_hotplug_lock held for reading
        Source: [msg] Petkov, 2026-06-27
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("SNP_EN is set on this CPU: nothing to prepare")
            return 0
        await self.clear_rmp()
        return await self.snp_prepare_cpus()
