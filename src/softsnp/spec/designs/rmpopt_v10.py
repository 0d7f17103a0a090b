"""rmpopt-v10: CPU hotplug follows the SNP-enable bit; no flag."""

from __future__ import annotations

from softsnp.spec.designs.linux_tip_2026_06 import LinuxTip202606


class RmpoptV10(LinuxTip202606):
    """RMPOPT v10: tie CPU hotplug to the SNP-enable bit; no flag.

    Source: lkml, 2026-06-30, "[PATCH v10 3/6] x86/sev: Disable CPU hotplug while SNP is active"
    """

    name = "rmpopt-v10"

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock, then cpu_hotplug_lock
        for reading
        Source: [msg] v10 3/6
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("SNP_EN is set on this CPU: nothing to prepare")
            return 0
        await self.clear_rmp()
        await self.cpu_hotplug_disable()
        await self.cpus_read_lock()
        rc = await self.snp_prepare_cpus()
        self.cpus_read_unlock()
        if rc:
            await self.cpu_hotplug_enable()
        return rc

    async def snp_init_done(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), after SNP_DF_FLUSH succeeded
        Locks: sev_cmd_mutex held
        Source: [msg] v9 4/6, which v10 repeats
        """
        await self.snp_setup_rmpopt()
        await super().snp_init_done()

    async def snp_undo(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), after its early return
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] v10 3/6: unconditionally, before the RMP is cleared
        """
        await self.rmpopt_cleanup()
        await self.cpu_hotplug_enable()
        await super().snp_undo()

    async def snp_rmptable_init(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_rmptable_init()
        Locks: takes and drops cpu_add_remove_lock
        Source: [msg] v10 3/6: a kexec target may boot with SNP_EN set
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            await self.cpu_hotplug_disable()
        return 0
