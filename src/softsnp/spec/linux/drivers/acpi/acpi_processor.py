"""drivers/acpi/acpi_processor.c: CPUs that are added while the system runs."""

from __future__ import annotations

from softsnp.spec.linux.drivers.base.core import Devices


class AcpiProcessor(Devices):
    """Hot-add. Nobody ejects a CPU here."""

    async def acpi_processor_hotadd_init(self) -> int:
        """C: drivers/acpi/acpi_processor.c: acpi_processor_hotadd_init()
        Locks: takes and drops cpu_add_remove_lock, then cpu_hotplug_lock for writing
        Source: [code] v7.2: grows the present mask; cpu_hotplug_disabled is not looked at
        """
        await self.mutex_lock(AcpiProcessor.cpu_add_remove_lock)
        await self.cpus_write_lock()
        if self.cpus.where(present=False).set_one(present=True):
            self.event("a CPU is added")
        self.cpus_write_unlock()
        self.mutex_unlock(AcpiProcessor.cpu_add_remove_lock)
        return 0
