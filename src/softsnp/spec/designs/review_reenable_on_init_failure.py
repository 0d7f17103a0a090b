"""review-reenable-on-init-failure: the flag-free design, as first described."""

from __future__ import annotations

from softsnp.spec.designs.rmpopt_v10 import RmpoptV10


class ReviewReenableOnInitFailure(RmpoptV10):
    """v10, and hotplug enabled again after a failed SNP_INIT_EX or SNP_DF_FLUSH.

    Source: lkml, 2026-06-26, Kalra to Petkov in the evening, "Re: [PATCH v9 3/6] x86/sev: Disable
    CPU hotplug while SNP is active"; never posted
    """

    name = "review-reenable-on-init-failure"

    async def snp_init_commands(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), from WBINVD to SNP_DF_FLUSH
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] Kalra to Petkov, 2026-06-26
        """
        rc = await super().snp_init_commands()
        if rc:
            await self.cpu_hotplug_enable()
        return rc
