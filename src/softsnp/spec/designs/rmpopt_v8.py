"""rmpopt-v8: a flag in the ccp module; hotplug disabled after SNP_DF_FLUSH."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606


class RmpoptV8(LinuxTip202606):
    """RMPOPT v8: ccp disables CPU hotplug once SNP is up, and remembers it in its own flag.

    Source: lkml, 2026-06-15, "[PATCH v8 3/7] crypto/ccp: Disable CPU hotplug while SNP is active"
    """

    name = "rmpopt-v8"

    snp_cpu_hotplug_disabled = Bool(
        False, "ccp: SNP has CPU hotplug disabled", memory="module", guard="sev_cmd_mutex"
    )

    async def snp_init_done(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), after SNP_DF_FLUSH succeeded
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] v8 3/7
        """
        if not self.snp_cpu_hotplug_disabled:
            await self.cpu_hotplug_disable()
            self.snp_cpu_hotplug_disabled = True
        await self.snp_setup_rmpopt()
        await super().snp_init_done()

    async def snp_undo(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), after its early return
        Locks: sev_cmd_mutex held; takes and drops rmpopt_wq_mutex
        Source: [msg] v8 3/7
        """
        await self.rmpopt_cleanup()
        await super().snp_undo()

    async def x86_snp_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), if data.x86_snp_shutdown
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] v8 3/7: also when snp_shutdown() returned early
        """
        await self.snp_shutdown()
        if self.snp_cpu_hotplug_disabled:
            await self.cpu_hotplug_enable()
            self.snp_cpu_hotplug_disabled = False
