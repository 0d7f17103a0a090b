"""drivers/base/core.c: devices that go offline and come online, by writing to a file in sysfs."""

from __future__ import annotations

from softsnp.abi.errno import ENOENT, error_name
from softsnp.lang import Mutex
from softsnp.spec.linux.drivers.base.cpu import CpuSubsys

LOCKED = "device_hotplug_lock is held: nobody else changes dev->offline, or SMT control"


class Devices(CpuSubsys):
    """Writing 0 or 1 to cpuN/online.

    Which cpuN is decided where it first matters, in _cpu_up() and _cpu_down(). Here it is decided,
    in the step in which the write begins, whether there is any that the write would change: the
    kernel looks at dev->offline before all else, and that is "not in cpu_online_mask", since both
    change under device_hotplug_lock. Where nobody else takes that lock, it is left out.
    (Writing to cpuN/hotplug/target changes the mask alone; that is recorded, and not specified.)
    """

    device_hotplug_lock = Mutex("one device goes offline or online at a time", memory="kernel")

    async def lock_device_hotplug_sysfs(self) -> None:
        """C: drivers/base/core.c: lock_device_hotplug_sysfs()
        Locks: takes device_hotplug_lock
        Source: [code] v7.3: who does not get it sleeps 5 ms, and the system call starts again
        """
        if not self.device_locks:
            return
        got = await self.mutex_trylock(Devices.device_hotplug_lock)
        while not got:
            got = await self.mutex_trylock(Devices.device_hotplug_lock)
        await self.preempt(atomic=LOCKED)

    async def lock_device_hotplug(self) -> None:
        """C: drivers/base/core.c: lock_device_hotplug()
        Locks: takes device_hotplug_lock
        Source: [code] v7.3
        """
        if self.device_locks:
            await self.mutex_lock(Devices.device_hotplug_lock)

    def unlock_device_hotplug(self) -> None:
        """C: drivers/base/core.c: unlock_device_hotplug()"""
        if self.device_locks:
            self.mutex_unlock(Devices.device_hotplug_lock)

    async def device_online(self) -> int:
        """C: drivers/base/core.c: device_online(), for online_store(): 1 is written to cpuN/online
        Locks: takes and drops device_hotplug_lock
        Source: [code] v7.2 drivers/base/core.c: not offline is 1, which the writer sees as
        success; cpu_hotplug_disabled is not looked at
        """
        if self.no_cpu_has_an_online_file():
            return ENOENT
        await self.lock_device_hotplug_sysfs()
        rc = 0
        if self.cpus.any(boot=False, present=True, online=False):
            rc = await self.cpu_subsys_online()
            self.note(f"write() = {error_name(rc)}")
        self.unlock_device_hotplug()
        return rc

    async def device_offline(self) -> int:
        """C: drivers/base/core.c: device_offline(), for online_store(): 0 is written to cpuN/online
        Locks: takes and drops device_hotplug_lock
        Source: [code] v7.2 drivers/base/core.c: offline is 1, which the writer sees as success;
        cpu_hotplug_disabled is not looked at
        """
        if self.no_cpu_has_an_online_file():
            return ENOENT
        await self.lock_device_hotplug_sysfs()
        rc = 0
        if self.cpus.any(boot=False, online=True):
            rc = await self.cpu_subsys_offline()
            self.note(f"write() = {error_name(rc)}")
        self.unlock_device_hotplug()
        return rc
