"""review-flag-on-top: what the author announced between v9 and v10."""

from __future__ import annotations

from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606
from softsnp.spec.designs.rmpopt_v9 import RmpoptV9


class ReviewFlagOnTop(RmpoptV9):
    """v9's flag, the disable on top of snp_prepare(), enabled again after a failed SNP_INIT.

    Source: lkml, 2026-06-25, Kalra to Nayak, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug
    while SNP is active"; never posted
    """

    name = "review-flag-on-top"

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25: before SNP_EN is looked at
        """
        await self.snp_disable_cpu_hotplug()
        return await super().snp_prepare()

    async def _sev_snp_init_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked()
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25: "after an SNP_INIT failure"; [inf] that any
        failure from snp_prepare() on counts as one
        """
        rc = await super()._sev_snp_init_locked()
        if rc:
            await self.snp_enable_cpu_hotplug()
        return rc

    async def snp_init_done(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), after SNP_DF_FLUSH succeeded
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25: the disable has moved away from here
        """
        await self.snp_setup_rmpopt()
        await LinuxTip202606.snp_init_done(self)
