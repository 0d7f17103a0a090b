"""drivers/base/cpu.c: CPUs as devices, and their files in sysfs."""

from __future__ import annotations

from softsnp.abi.errno import ENOENT, error_name
from softsnp.spec.linux.kernel.cpu import CpuHotplug


class CpuSubsys(CpuHotplug):
    """Writing cpuN/online. Which cpuN is decided where it first matters, in cpu_up() and
    cpu_down() under cpus_write_lock().
    """

    def no_cpu_has_an_online_file(self) -> bool:
        """C: drivers/base/cpu.c: register_cpu(): cpuN is there while it is present; cpu0's
        directory has no file of that name
        """
        return not self.cpus.any(boot=False, present=True)

    async def cpu_subsys_online(self) -> int:
        """C: drivers/base/cpu.c: cpu_subsys_online(), by writing 1 to cpuN/online
        Locks: none of its own that anyone else takes
        Source: [code] v7.2 drivers/base/cpu.c; its retries on -EBUSY are not specified yet
        """
        if self.no_cpu_has_an_online_file():
            return ENOENT
        rc = await self.cpu_up()
        self.note(f"write() = {error_name(rc)}")
        return rc

    async def cpu_subsys_offline(self) -> int:
        """C: drivers/base/cpu.c: cpu_subsys_offline(), by writing 0 to cpuN/online
        Locks: none of its own that anyone else takes
        Source: [code] v7.2 drivers/base/cpu.c; cpu0 has no file to write to
        """
        if self.no_cpu_has_an_online_file():
            return ENOENT
        rc = await self.cpu_down()
        self.note(f"write() = {error_name(rc)}")
        return rc
