"""drivers/base/core.c: devices that go offline and come online, by writing to a file in sysfs."""

from __future__ import annotations

from softsnp.abi.errno import ENOENT, error_name
from softsnp.spec.linux.drivers.base.cpu import CpuSubsys


class Devices(CpuSubsys):
    """Writing 0 or 1 to cpuN/online.

    Which cpuN is decided where it first matters, in _cpu_up() and _cpu_down(). Here it is decided,
    in the step in which the write begins, whether there is any that the write would change: the
    kernel looks at dev->offline before all else, and that is "not in cpu_online_mask", since both
    change under device_hotplug_lock. Nobody else takes that lock here, so it is no lock here.
    (Writing to cpuN/hotplug/target changes the mask alone; that is recorded, and not specified.)
    """

    async def device_online(self) -> int:
        """C: drivers/base/core.c: device_online(), for online_store(): 1 is written to cpuN/online
        Locks: none of its own that anyone else takes
        Source: [code] v7.2 drivers/base/core.c: not offline is 1, which the writer sees as
        success; cpu_hotplug_disabled is not looked at
        """
        if self.no_cpu_has_an_online_file():
            return ENOENT
        if not self.cpus.any(boot=False, present=True, online=False):
            return 0
        rc = await self.cpu_subsys_online()
        self.note(f"write() = {error_name(rc)}")
        return rc

    async def device_offline(self) -> int:
        """C: drivers/base/core.c: device_offline(), for online_store(): 0 is written to cpuN/online
        Locks: none of its own that anyone else takes
        Source: [code] v7.2 drivers/base/core.c: offline is 1, which the writer sees as success;
        cpu_hotplug_disabled is not looked at
        """
        if self.no_cpu_has_an_online_file():
            return ENOENT
        if not self.cpus.any(boot=False, online=True):
            return 0
        rc = await self.cpu_subsys_offline()
        self.note(f"write() = {error_name(rc)}")
        return rc
