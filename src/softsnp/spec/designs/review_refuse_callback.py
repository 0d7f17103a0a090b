"""review-refuse-callback: no hold on CPU hotplug, but a callback of it that refuses."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY
from softsnp.lang import Member
from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606


class ReviewRefuseCallback(LinuxTip202606):
    """A callback refuses to take a CPU offline while the driver takes SNP for up.

    Source: lkml, 2026-06-18, Hansen, "Re: [PATCH v8 3/7] crypto/ccp: Disable CPU hotplug while SNP
    is active"; on 06-19 Kalra agreed, on 06-21 Gleixner objected; never posted
    """

    name = "review-refuse-callback"

    async def cpuhp_ap_teardown(self, cpu: Member) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: a callback of CPU hotplug, by cpuhp_setup_state()
        Locks: cpu_hotplug_lock held for writing by the task that waits, and not sev_cmd_mutex
        Source: [msg] Hansen, 2026-06-18: refuse to offline if sev->snp_initialized is set
        """
        rc = await super().cpuhp_ap_teardown(cpu)
        await self.preempt()
        return EBUSY if self.snp_initialized else rc
