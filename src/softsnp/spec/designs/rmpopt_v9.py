"""rmpopt-v9: the flag in built-in code; hotplug still disabled after SNP_DF_FLUSH."""

from __future__ import annotations

from softsnp.lang import Bool
from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606


class RmpoptV9(LinuxTip202606):
    """RMPOPT v9: as v8, with the flag in built-in memory, where a ccp reload keeps it.

    Source: lkml, 2026-06-24, "[PATCH v9 3/6] x86/sev: Disable CPU hotplug while SNP is active"
    """

    name = "rmpopt-v9"

    snp_cpu_hotplug_disabled = Bool(
        False, "built-in: SNP has CPU hotplug disabled", memory="kernel", guard="sev_cmd_mutex"
    )

    async def snp_disable_cpu_hotplug(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_disable_cpu_hotplug()
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] v9 3/6
        """
        if not self.snp_cpu_hotplug_disabled:
            await self.cpu_hotplug_disable()
            self.snp_cpu_hotplug_disabled = True

    async def snp_enable_cpu_hotplug(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), its use of the flag
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] v9 3/6
        """
        if self.snp_cpu_hotplug_disabled:
            await self.cpu_hotplug_enable()
            self.snp_cpu_hotplug_disabled = False

    async def snp_init_done(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), after SNP_DF_FLUSH succeeded
        Locks: sev_cmd_mutex held
        Source: [msg] v9 3/6
        """
        await self.snp_disable_cpu_hotplug()
        await self.snp_setup_rmpopt()
        await super().snp_init_done()

    async def snp_undo(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), after its early return
        Locks: sev_cmd_mutex held
        Source: [msg] v9 3/6
        """
        await self.rmpopt_cleanup()
        await self.snp_enable_cpu_hotplug()
        await super().snp_undo()
