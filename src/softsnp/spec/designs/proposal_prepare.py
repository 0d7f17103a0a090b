"""proposal-prepare: v10 that looks at every CPU and not at the one it happens to run on."""

from __future__ import annotations

from softsnp.abi.errno import ENODEV
from softsnp.lang import Member
from softsnp.spec.designs.rmpopt_v10 import RmpoptV10

EVERY_CPU = "each CPU is asked by IPI; none gets SNP_EN meanwhile, since sev_cmd_mutex is held"


class ProposalPrepare(RmpoptV10):
    """First of three patches on v10, in arch/x86/virt/svm/sev.c: nothing is taken for granted.

    snp_prepare() asks every CPU, takes its hold if none has SNP_EN, and prepares all: removes
    snp-en-uniform, hotplug-count-bounded, rmp-cleared-unenforced, snp-en-holds-hotplug. It refuses
    (-ENODEV: legacy SEV goes on) while guests can run: hsave-kept-under-svme.
    snp_shutdown() gives its hold back last. Where any CPU has SNP_EN, a kernel that starts sets it
    on all, and a CPU that comes up on itself: mfdm-uniform, snp-en-uniform. Source: [inf] ours
    """

    name = "proposal-prepare"

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: sev_cmd_mutex held; cpu_add_remove_lock, then cpu_hotplug_lock for reading
        Source: [inf] ours
        """
        await self.preempt(atomic=EVERY_CPU)
        held = self.cpus.any(online=True, snp_en=True)
        if not held:
            await self.cpu_hotplug_disable()
        await self.cpus_read_lock()
        await self.preempt(atomic=EVERY_CPU)
        rc = ENODEV
        if not self.cpus.any(online=True, svme=True):
            if not held:
                await self.clear_rmp()
            rc = await self.snp_prepare_cpus()
        self.cpus_read_unlock()
        if rc and not held:
            await self.cpu_hotplug_enable()
        return rc

    async def snp_undo(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), after its early return
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [inf] ours
        """
        await self.rmpopt_cleanup()
        await self.clear_rmp()
        await self.on_each_cpu(mfdm=False)  # mfd_reconfigure(NULL)
        await self.cpu_hotplug_enable()

    async def snp_rmptable_init(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_rmptable_init()
        Locks: takes and drops cpu_add_remove_lock
        Source: [inf] ours
        """
        await self.preempt(atomic="nobody else runs while a kernel boots")
        if self.cpus.any(online=True, snp_en=True):
            await self.cpu_hotplug_disable()
            await self.on_each_cpu(snp_en=True, vmpl_en=True)  # snp_enable()
        else:
            await self.on_each_cpu(mfdm=False)  # the callback, by cpuhp_setup_state()
        return 0

    async def cpuhp_ap_online(self, cpu: Member) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_cpu_online(), new: a callback of CPU hotplug
        Locks: cpu_hotplug_lock held for writing by the task that waits
        Source: [inf] ours
        """
        rc = await super().cpuhp_ap_online(cpu)
        await self.preempt(atomic="the callback runs on the CPU that comes up, and no other does")
        if self.cpus.any(online=True, snp_en=True):
            cpu.set(snp_en=True, vmpl_en=True)
        else:
            cpu.set(mfdm=False)
        return rc
