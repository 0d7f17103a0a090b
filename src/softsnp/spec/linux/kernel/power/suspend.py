"""kernel/power/suspend.c: suspend to RAM, and tests of it."""

from __future__ import annotations

from softsnp.spec.fw.psp import Asid, State
from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.hw.rmp import RmpTable
from softsnp.spec.linux.arch.x86.kvm.svm.sev import KvmAmd

FREEZER = "a task that is frozen does nothing, and one that is not has its system call first"
ONE_CPU = "interrupts are off on the only CPU that runs"


class Suspend(KvmAmd):
    """Tasks are frozen, then CPUs; then the machine sleeps, and all is undone in reverse."""

    async def pm_suspend(self, test_processors: bool = False) -> int:
        """C: kernel/power/suspend.c: pm_suspend(), enter_state(), suspend_enter()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing inside it
        Source: [code] v7.3: CPU hotplug is disabled before tasks are frozen (by the notifier
        cpu_hotplug_pm_callback()), and once more by freezing CPUs. pm_test=processors turns back
        when the CPUs are frozen
        """
        await self.suspend_prepare()
        rc = await self.freeze_secondary_cpus()
        if rc == 0 and not test_processors:
            await self.preempt(atomic=ONE_CPU)
            rc = self.syscore_suspend()
            if rc == 0:
                self.suspend_to_ram()
                self.kvm_resume()
                self.event("the host sleeps")
        elif rc == 0:
            self.event("suspending is tested")
        await self.thaw_secondary_cpus()
        await self.suspend_finish()
        return rc

    def syscore_suspend(self) -> int:
        """C: none (drivers/base/syscore.c): who has to do or say something last"""
        self.kvm_suspend()
        return 0

    async def suspend_prepare(self) -> None:
        """C: kernel/power/suspend.c: suspend_prepare(), freeze_processes()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.3: a task is frozen when it has no system call under way; the worker of a
        workqueue goes on, unless the queue was made with WQ_FREEZABLE
        """
        await self.cpu_hotplug_disable_otherwise()  # PM_SUSPEND_PREPARE
        await self.until(
            lambda: self.at_rest_of(*self.frozen_tasks()), "for tasks to freeze", atomic=FREEZER
        )
        self.tasks_frozen = True

    def frozen_tasks(self) -> list[str]:
        """Everybody but who suspends, and the workers of queues that do not freeze."""
        others = ("suspender",) if self.rmpopt_wq_freezes else ("suspender", "rmpopt-worker")
        return [name for name in self.activity_names if name not in others]

    async def suspend_finish(self) -> None:
        """C: kernel/power/suspend.c: suspend_finish()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.3
        """
        await self.preempt(atomic="no task runs yet; the property looks at every CPU")
        self.resumed()
        self.tasks_frozen = False
        await self.cpu_hotplug_enable_otherwise()  # PM_POST_SUSPEND

    def suspend_to_ram(self) -> None:
        """C: none (hardware): what S3 keeps"""
        if self.s3_loses_syscfg:
            self.cpus.set(**AT_RESET)
        if not self.s3_keeps_firmware_state:
            self.power_cycle_firmware()

    def power_cycle_firmware(self) -> None:
        """C: none (hardware): the firmware and the RMP as at power-on"""
        self.sev_state = State.UNINIT
        self.snp_state = State.UNINIT
        self.rmp_initialized = False
        self.rmp = RmpTable.ZERO
        self.guest_pages_assigned = False
        self.snp_asid = Asid.CLEAN
        self.cpus.set(wbinvd_done=False, ran_guest=False)
