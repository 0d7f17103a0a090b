"""drivers/base/cpu.c: CPUs as devices, and their files in sysfs."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY
from softsnp.spec.linux.kernel.cpu_pm import CpuFreezing

RETRIES = 5  # after 20, 40, 80, 160 and 320 ms


class CpuSubsys(CpuFreezing):
    """What a device is asked to do, when the device is a CPU."""

    def no_cpu_has_an_online_file(self) -> bool:
        """C: drivers/base/cpu.c: register_cpu(): cpuN is there while it is present; cpu0's
        directory has no file of that name
        """
        return not self.cpus.any(boot=False, present=True)

    async def cpu_subsys_online(self) -> int:
        """C: drivers/base/cpu.c: cpu_subsys_online()
        Locks: device_hotplug_lock held by the caller, through all attempts
        Source: [code] v7.3 drivers/base/cpu.c: -EBUSY is tried again, 620 ms in all or more
        """
        rc = await self.cpu_up()
        retries = 0
        while self.device_locks and rc == EBUSY and retries < RETRIES:
            retries += 1
            await self.preempt()  # msleep()
            self.event("onlining a CPU is tried again")
            rc = await self.cpu_up()
        return rc

    async def cpu_subsys_offline(self) -> int:
        """C: drivers/base/cpu.c: cpu_subsys_offline()
        Locks: device_hotplug_lock held by the caller
        Source: [code] v7.2 drivers/base/cpu.c: no retry on this side
        """
        return await self.cpu_down()
