"""arch/x86/virt/svm/sev.c: SNP on the CPUs and in the RMP."""

from __future__ import annotations

from softsnp.abi.errno import EOPNOTSUPP
from softsnp.lang import Bool
from softsnp.spec.hw.rmp import RmpTable
from softsnp.spec.linux.drivers.pci.pci_driver import PciDriver

MASKS = "cpu_hotplug_lock is held for reading, so neither mask can change"


class X86Sev(PciDriver):
    """Preparing every CPU for SNP, and putting them back."""

    online_set_relied_on = Bool(
        False,
        "SNP init has compared the masks, and SNP_INIT_EX has not answered yet",
        memory="kernel",
        ghost=True,
    )

    def online_set_changes(self) -> None:
        if self.online_set_relied_on:
            self.event("the online set changes during SNP init")

    async def snp_rmptable_init(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_rmptable_init()
        Locks: none; runs at boot, after smp_init()
        Source: [code] v7.3: maps the table and enables nothing
        """
        await self.preempt()
        self.note("the RMP is mapped; nothing is enabled yet")
        return 0

    async def clear_rmp(self) -> None:
        """C: arch/x86/virt/svm/sev.c: clear_rmp()
        Locks: sev_cmd_mutex held by the callers
        Source: [code] v7.3: reads SYSCFG again, and refuses with a WARN if SNP_EN is set
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("WARN: clear_rmp() with SNP_EN set; the RMP stays as it is")
            return
        await self.preempt(atomic="the table is in memory that nobody else writes now")
        self.zero_rmp()

    def zero_rmp(self) -> None:
        """C: arch/x86/virt/svm/sev.c: __clear_rmp()"""
        self.event("the RMP is cleared")
        if self.cpus.any(online=True, snp_en=True):
            self.event("the RMP is cleared under a CPU with SNP_EN")
        self.rmp = RmpTable.ZERO
        self.guest_pages_assigned = False

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held; takes and drops cpu_hotplug_lock for reading
        Source: [code] v7.3: the early return reads SYSCFG of the local CPU only
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("SNP_EN is set on this CPU: nothing to prepare")
            return 0
        await self.clear_rmp()
        await self.cpus_read_lock()
        rc = await self.snp_prepare_cpus()
        self.cpus_read_unlock()
        return rc

    async def snp_prepare_cpus(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare(), what it does under cpus_read_lock()
        Locks: sev_cmd_mutex held; cpu_hotplug_lock held for reading
        Source: [code] v7.3
        """
        await self.preempt(atomic=MASKS)
        if self.cpus.where(present=True).any(online=False):
            self.note("online ≠ present: -EOPNOTSUPP")
            return EOPNOTSUPP
        self.online_set_relied_on = True
        await self.wbinvd_on_all_cpus()
        await self.on_each_cpu(mfdm=True)  # mfd_reconfigure(1)
        await self.on_each_cpu(snp_en=True, vmpl_en=True)  # snp_enable()
        await self.clear_hsave_pa()
        return 0

    async def clear_hsave_pa(self) -> None:
        """C: arch/x86/virt/svm/sev.c: clear_hsave_pa(), on each CPU
        Locks: cpu_hotplug_lock held for reading
        Source: [code] v7.3: whether guests can run on the CPU is not looked at
        """
        await self.on_each_cpu(hsave=False)
        self.event("VM_HSAVE_PA is cleared")
        if self.cpus.any(online=True, svme=True, hsave=False):
            self.event("VM_HSAVE_PA is cleared on a CPU with SVME")

    async def snp_shutdown(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown()
        Locks: sev_cmd_mutex held; no cpu_hotplug_lock
        Source: [code] v7.3
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("SNP_EN is still set on this CPU: nothing is undone")
            return
        await self.snp_undo()

    async def snp_undo(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), after its early return
        Locks: sev_cmd_mutex held
        Source: [code] v7.3; the broadcast runs without cpus_read_lock() [inf]
        """
        await self.clear_rmp()
        await self.on_each_cpu(mfdm=False)  # mfd_reconfigure(NULL)
