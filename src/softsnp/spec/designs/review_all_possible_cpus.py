"""review-all-possible-cpus: every possible CPU is online and gets SNP_EN, at every init."""

from __future__ import annotations

from softsnp.abi.errno import EOPNOTSUPP
from softsnp.spec.designs.review_flag_on_top import ReviewFlagOnTop
from softsnp.spec.linux.arch.x86.virt.svm.sev import MASKS


class ReviewAllPossibleCpus(ReviewFlagOnTop):
    """review-flag-on-top without the early return, and with the possible CPUs for the present ones.

    Source: lkml, 2026-06-26, Nayak, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug while SNP is
    active": the only safe way; never posted
    """

    name = "review-all-possible-cpus"

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock, then cpu_hotplug_lock for
        reading
        Source: [msg] Nayak, 2026-06-26
        """
        await self.snp_disable_cpu_hotplug()
        await self.clear_rmp()
        await self.cpus_read_lock()
        await self.preempt(atomic=MASKS)
        rc = EOPNOTSUPP if self.cpus.any(online=False) else 0
        if rc == 0:
            rc = await self.snp_prepare_cpus()
        self.cpus_read_unlock()
        return rc
