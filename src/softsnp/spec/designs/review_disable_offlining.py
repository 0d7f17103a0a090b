"""review-disable-offlining: CPUs can never be taken offline on an SNP host."""

from __future__ import annotations

from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606


class ReviewDisableOfflining(LinuxTip202606):
    """Taking CPUs offline is disabled at boot, for good; bringing them online is not.

    Source: lkml, 2026-06-19, Petkov, "Re: [PATCH v8 3/7] crypto/ccp: Disable CPU hotplug while SNP
    is active"; Kalra the same day: that it is one-way, and has to be done at boot; never posted
    """

    name = "review-disable-offlining"

    async def snp_rmptable_init(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_rmptable_init()
        Locks: takes and drops cpu_add_remove_lock
        Source: [msg] Kalra, 2026-06-19: at boot, whether SNP is ever used or not
        """
        rc = await super().snp_rmptable_init()
        await self.cpu_hotplug_disable_offlining()
        return rc
