"""drivers/base/cpu.c: CPUs as devices, and their files in sysfs."""

from __future__ import annotations

from softsnp.spec.linux.kernel.cpu import CpuHotplug


class CpuSubsys(CpuHotplug):
    """What a device is asked to do, when the device is a CPU."""

    def no_cpu_has_an_online_file(self) -> bool:
        """C: drivers/base/cpu.c: register_cpu(): cpuN is there while it is present; cpu0's
        directory has no file of that name
        """
        return not self.cpus.any(boot=False, present=True)

    async def cpu_subsys_online(self) -> int:
        """C: drivers/base/cpu.c: cpu_subsys_online()
        Locks: none of its own that anyone else takes
        Source: [code] v7.2 drivers/base/cpu.c; its retries on -EBUSY are not specified yet
        """
        return await self.cpu_up()

    async def cpu_subsys_offline(self) -> int:
        """C: drivers/base/cpu.c: cpu_subsys_offline()
        Locks: none of its own that anyone else takes
        Source: [code] v7.2 drivers/base/cpu.c
        """
        return await self.cpu_down()
