"""arch/x86/virt/svm/sev.c: RMPOPT, which spares the RMP checks of memory that no guest has.

In no kernel yet. Designs that have it call snp_setup_rmpopt() and rmpopt_cleanup().
"""

from __future__ import annotations

from typing import ClassVar

from softsnp.lang import Bool, Mutex, activity
from softsnp.spec.linux.arch.x86.virt.svm.sev import X86Sev

IN_MASK = {"rmpopt_masked": True}
ONE_RMPOPT = "one instruction on one core, which looks at two of its registers"


class SevRmpopt(X86Sev):
    """RMPOPT: a base register in each core, and a worker that goes through memory."""

    rmpopt_wq_freezes: ClassVar[bool] = False
    """Whether the workqueue has WQ_FREEZABLE. Source: [msg] v9 4/6: it has not"""
    rmpopt_wq_mutex = Mutex("RMPOPT is set up or torn down by one at a time", memory="kernel")
    rmpopt_wq = Bool(
        False, "there is a workqueue: RMPOPT is set up", memory="kernel", guard="rmpopt_wq_mutex"
    )
    rmpopt_queued = Bool(False, "the delayed work is queued", memory="kernel", thing="rmpopt_work")
    rmpopt_running = Bool(False, "the worker is at work", memory="kernel", thing="rmpopt_work")

    async def snp_setup_rmpopt(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_setup_rmpopt()
        Locks: sev_cmd_mutex held; takes and drops rmpopt_wq_mutex, then cpu_hotplug_lock for
        reading
        Source: [msg] v9 2/6 and 4/6: first threads that are online now, and nothing if it is set up
        """
        if not self.rmpopt:
            return
        await self.mutex_lock(SevRmpopt.rmpopt_wq_mutex)
        if not self.rmpopt_wq:
            self.rmpopt_wq = True
            await self.cpus_read_lock()
            self.cpus.where(online=True, sibling=False).set(rmpopt_masked=True)
            await self.on_each_cpu(IN_MASK, rmpopt_base=True)
            self.cpus_read_unlock()
            await self.preempt()
            self.rmpopt_queued = True
        self.mutex_unlock(SevRmpopt.rmpopt_wq_mutex)

    async def snp_rmpopt_all_physmem(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_rmpopt_all_physmem()
        Locks: takes and drops rmpopt_wq_mutex
        Source: [msg] v9 5/6: when a VM has gone, ten seconds later
        """
        if not self.rmpopt:
            return
        await self.mutex_lock(SevRmpopt.rmpopt_wq_mutex)
        if self.rmpopt_wq:
            self.rmpopt_queued = True
            self.event("RMPOPT is to go through memory again")
        self.mutex_unlock(SevRmpopt.rmpopt_wq_mutex)

    async def rmpopt_cleanup(self) -> None:
        """C: arch/x86/virt/svm/sev.c: rmpopt_cleanup()
        Locks: sev_cmd_mutex held; takes and drops rmpopt_wq_mutex, then cpu_hotplug_lock for
        reading
        Source: [msg] v9 4/6: cancels the work and waits for it, and then clears the registers
        """
        if not self.rmpopt:
            return
        await self.mutex_lock(SevRmpopt.rmpopt_wq_mutex)
        if self.rmpopt_wq:
            self.rmpopt_queued = False
            await self.until(lambda: not self.rmpopt_running, "for the worker")
            await self.cpus_read_lock()
            await self.on_each_cpu(IN_MASK, rmpopt_base=False)
            self.cpus_read_unlock()
            self.cpus.where(rmpopt_masked=True).set(rmpopt_masked=False)
            self.rmpopt_wq = False
            self.event("RMPOPT is torn down")
        self.mutex_unlock(SevRmpopt.rmpopt_wq_mutex)

    @activity("the workqueue's worker, which does RMPOPT on all of memory")
    async def rmpopt_worker(self) -> None:
        """C: arch/x86/virt/svm/sev.c: rmpopt_work_handler()
        Locks: takes and drops cpu_hotplug_lock for reading, for the followers only
        Source: [msg] v9 4/6: first on the CPU that it runs on, then on each core of the mask; here
        memory is one gigabyte
        """
        while True:
            await self.rest(self.rmpopt_due, atomic="a queue that is frozen starts no work")
            self.rmpopt_queued = False
            self.rmpopt_running = True
            await self.preempt(atomic=ONE_RMPOPT)  # the leader
            self.rmpopt_on(base_on_leader=True)
            await self.cpus_read_lock()
            await self.preempt(atomic=ONE_RMPOPT)  # the followers
            self.rmpopt_on(base_on_leader=False)
            self.cpus_read_unlock()
            await self.preempt()
            self.rmpopt_running = False

    def rmpopt_due(self) -> bool:
        """Whether the workqueue lets the worker begin."""
        return self.rmpopt_queued and not (self.rmpopt_wq_freezes and self.tasks_frozen)

    def rmpopt_on(self, base_on_leader: bool) -> None:
        """C: arch/x86/virt/svm/sev.c: rmpopt(), on one CPU that is online or on all of the mask"""
        self.event("RMPOPT is executed")
        cpus = self.cpus.where(online=True)
        if not base_on_leader:
            cpus = cpus.where(rmpopt_masked=True)
            if self.cpus.any(rmpopt_masked=True, online=False):
                self.event("the mask of RMPOPT has a CPU that is offline")
        if cpus.any(snp_en=False) or cpus.any(rmpopt_base=False):
            self.event("RMPOPT is executed on a core that is not ready")
