"""drivers/pci/pci-driver.c: drivers that look at their devices."""

from __future__ import annotations

from softsnp.spec.linux.drivers.acpi.acpi_processor import AcpiProcessor


class PciDriver(AcpiProcessor):
    """Every probe of a PCI device holds CPU hotplug for as long as it takes."""

    async def pci_call_probe(self) -> int:
        """C: drivers/pci/pci-driver.c: pci_call_probe(), of any driver
        Locks: takes and drops cpu_add_remove_lock, twice
        Source: [code] v7.3: so that the CPU which the driver was sent to stays
        """
        await self.cpu_hotplug_disable_otherwise()
        self.event("a PCI device is probed")
        await self.preempt()
        await self.cpu_hotplug_enable_otherwise()
        return 0
