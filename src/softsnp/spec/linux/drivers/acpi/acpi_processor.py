"""drivers/acpi/acpi_processor.c: CPUs that are added and ejected while the system runs."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY
from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.linux.kernel.cpu_smt import Smt

HANDS = "hands put the processor in, or take it out; only the firmware and Linux look"


class AcpiProcessor(Smt):
    """Hot-add and eject. Neither looks at cpu_hotplug_disabled."""

    async def acpi_processor_hotadd_init(self) -> int:
        """C: drivers/acpi/acpi_processor.c: acpi_processor_hotadd_init()
        Locks: takes and drops device_hotplug_lock in acpi_device_hotplug(), cpu_add_remove_lock,
        then cpu_hotplug_lock for writing
        Source: [code] v7.3: the core is there before the present mask grows, which
        cpu_hotplug_disabled does not stop
        """
        await self.preempt(atomic=HANDS)
        self.cpus.where(present=False, fused=False, listed=False).set_one(fused=True)
        await self.lock_device_hotplug()
        await self.mutex_lock(AcpiProcessor.cpu_add_remove_lock)
        await self.cpus_write_lock()
        await self.preempt(atomic=HANDS)
        if self.cpus.where(present=False, fused=True, listed=False).set_one(present=True):
            self.event("a CPU is added")
        self.cpus_write_unlock()
        self.mutex_unlock(AcpiProcessor.cpu_add_remove_lock)
        self.unlock_device_hotplug()
        return 0

    async def acpi_processor_post_eject(self) -> int:
        """C: drivers/acpi/acpi_processor.c: acpi_processor_post_eject()
        Locks: takes and drops device_hotplug_lock in acpi_device_hotplug(), cpu_add_remove_lock,
        then cpu_hotplug_lock for writing
        Source: [code] v7.3: the CPU has been taken offline before, which can be refused; from then
        on the present mask shrinks whatever cpu_hotplug_disabled is. Here the core goes at the same
        time, and does not come back
        """
        await self.lock_device_hotplug()
        await self.mutex_lock(AcpiProcessor.cpu_add_remove_lock)
        await self.cpus_write_lock()
        await self.preempt(atomic=HANDS)
        offline = self.cpus.where(boot=False, present=True, online=False)
        found = offline.set_one(present=False, fused=False, **AT_RESET)
        if found:
            self.event("a CPU is ejected")
        self.cpus_write_unlock()
        self.mutex_unlock(AcpiProcessor.cpu_add_remove_lock)
        self.unlock_device_hotplug()
        return 0 if found else EBUSY
