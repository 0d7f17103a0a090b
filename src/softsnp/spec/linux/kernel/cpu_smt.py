"""kernel/cpu.c: SMT control, the second threads of cores."""

from __future__ import annotations

import enum
from typing import ClassVar

from softsnp.abi.errno import EPERM, error_name
from softsnp.lang import Count, OneOf
from softsnp.spec.linux.drivers.base.core import Devices
from softsnp.spec.linux.kernel.cpu import NO_CPU

BOTH_THREADS = 2
MAPS = "cpu_add_remove_lock is held: neither the present nor the online mask changes"


class SmtControl(enum.Enum):
    """cpu_smt_control. That SMT is not supported, or not implemented, is the detail left out."""

    ENABLED = 0
    DISABLED = 1
    FORCE_DISABLED = 2


class Smt(Devices):
    """smt/control. What is written there is stored before it is done, and stays if that fails."""

    woken_by_on: ClassVar[dict[str, bool]] = {"sibling": True}
    """Which CPUs smt/control may bring online. Source: [code] v7.3: those whose core runs"""
    cpu_smt_control = OneOf(SmtControl.ENABLED, "what smt/control allows", memory="kernel")
    cpu_smt_num_threads = Count(
        BOTH_THREADS,
        "how many threads of each core may run",
        initial=BOTH_THREADS,
        memory="kernel",
        guard="device_hotplug_lock",
    )

    def second_threads_allowed(self) -> bool:
        """C: kernel/cpu.c: cpu_bootable(), of a CPU that has been up before"""
        if not self.smt:
            return True
        return self.observe(Smt.cpu_smt_control) is SmtControl.ENABLED

    async def store_smt_control(self, wanted: SmtControl) -> int:
        """C: kernel/cpu.c: __store_smt_control()
        Locks: takes and drops device_hotplug_lock
        Source: [code] v7.3: cpu_smt_num_threads is stored first, and not restored on an error. The
        numbers 1 and 2 are off and on
        """
        await self.lock_device_hotplug_sysfs()
        before = self.cpu_smt_num_threads
        rc = await self.store_smt_control_locked(wanted)
        if rc and self.observe(Smt.cpu_smt_num_threads) != before:
            self.event("a write to smt/control fails and changes what is allowed")
        self.unlock_device_hotplug()
        return rc

    async def store_smt_control_locked(self, wanted: SmtControl) -> int:
        """C: kernel/cpu.c: __store_smt_control(), what it does under its lock
        Locks: device_hotplug_lock held
        Source: [code] v7.3; that SMT is forced off is looked at before the lock is taken
        """
        await self.preempt(atomic="device_hotplug_lock is held: nobody else stores these")
        if self.cpu_smt_control is SmtControl.FORCE_DISABLED:
            return EPERM
        before = self.cpu_smt_num_threads
        self.cpu_smt_num_threads = BOTH_THREADS if wanted is SmtControl.ENABLED else 1
        rc = 0
        if self.cpu_smt_num_threads > before:
            rc = await self.cpuhp_smt_enable()
        elif self.cpu_smt_num_threads < before or wanted is SmtControl.FORCE_DISABLED:
            rc = await self.cpuhp_smt_disable(wanted)
        if rc:
            self.event("a write to smt/control fails")
        self.note(f"write() = {error_name(rc)}")
        return rc

    async def cpuhp_smt_disable(self, control: SmtControl) -> int:
        """C: kernel/cpu.c: cpuhp_smt_disable()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing in between
        Source: [code] v7.3: cpu_hotplug_disabled is respected; the first refusal ends it
        """
        await self.mutex_lock(Smt.cpu_add_remove_lock)
        rc = 0
        while rc == 0 and self.cpus.any(sibling=True, online=True):
            rc = await self.cpu_down_maps_locked(sibling=True)
        if rc == 0:
            await self.preempt()
            self.cpu_smt_control = control
        self.mutex_unlock(Smt.cpu_add_remove_lock)
        return rc

    async def cpuhp_smt_enable(self) -> int:
        """C: kernel/cpu.c: cpuhp_smt_enable()
        Locks: takes and drops cpu_add_remove_lock, and cpu_hotplug_lock for writing in between
        Source: [code] v7.3: cpu_hotplug_disabled is not looked at. A second thread whose core has
        no CPU online stays offline: any may be one, as long as some first thread is offline
        """
        await self.mutex_lock(Smt.cpu_add_remove_lock)
        self.cpu_smt_control = SmtControl.ENABLED
        rc = 0
        await self.preempt(atomic=MAPS)
        done = self.the_rest_stays_offline()
        while rc == 0 and not done:
            if self.cpu_hotplug_is_disabled():
                self.event("smt/control brings a CPU online while CPU hotplug is disabled")
            rc = await self._cpu_up(**self.woken_by_on)
            await self.preempt(atomic=MAPS)
            done = self.the_rest_stays_offline()
        self.mutex_unlock(Smt.cpu_add_remove_lock)
        return 0 if rc == NO_CPU else rc

    def the_rest_stays_offline(self) -> bool:
        """Whether second threads that are offline still all belong to cores that are."""
        if not self.cpus.any(online=False, present=True, **self.woken_by_on):
            return True
        if not self.woken_by_on or not self.cpus.any(sibling=False, online=False, present=True):
            return False
        return self.choose(False, True, label="the rest belong to cores that are offline")
