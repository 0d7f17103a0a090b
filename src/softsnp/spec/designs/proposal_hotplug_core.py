"""proposal-hotplug-core: the defects that are not SNP's own, each with its smallest mend."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY, EOPNOTSUPP
from softsnp.spec.designs.proposal import Proposal
from softsnp.spec.linux.kernel.cpu_smt import SmtControl


class ProposalHotplugCore(Proposal):
    """The proposal, and three mends outside its files.

    - kernel/cpu.c: __store_smt_control() puts cpu_smt_num_threads back when it fails
      (failed-write-changes-nothing, smt-control-truthful).
    - kernel/cpu.c: cpuhp_smt_enable() respects cpu_hotplug_disabled, as cpuhp_smt_disable() does
      (smt-bypass cannot happen any more).
    - arch/x86/kernel/cpu/topology.c: says how many CPUs it has rejected for nr_cpus=, and
      snp_prepare() refuses when there are any: the firmware counts them (init-finds-cpus-prepared).

    Source: [inf] ours
    """

    name = "proposal-hotplug-core"

    async def store_smt_control(self, wanted: SmtControl) -> int:
        """C: kernel/cpu.c: __store_smt_control()
        Locks: takes and drops device_hotplug_lock
        Source: [inf] ours
        """
        await self.lock_device_hotplug_sysfs()
        before = self.cpu_smt_num_threads
        rc = await self.store_smt_control_locked(wanted)
        if rc:
            await self.preempt()
            self.cpu_smt_num_threads = before
        self.unlock_device_hotplug()
        return rc

    async def cpuhp_smt_enable(self) -> int:
        """C: kernel/cpu.c: cpuhp_smt_enable()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing in between
        Source: [inf] ours
        """
        await self.mutex_lock(ProposalHotplugCore.cpu_add_remove_lock)
        disabled = self.cpu_hotplug_is_disabled()
        self.mutex_unlock(ProposalHotplugCore.cpu_add_remove_lock)
        if disabled:
            return EBUSY
        return await super().cpuhp_smt_enable()

    async def snp_prepare(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_prepare()
        Locks: as in proposal-prepare
        Source: [inf] ours
        """
        await self.preempt(atomic="what was rejected at boot stays rejected")
        if self.cpus.any(fused=True, listed=True, present=False):
            self.note("nr_cpus= has kept CPUs out: -EOPNOTSUPP")
            return EOPNOTSUPP
        return await super().snp_prepare()
