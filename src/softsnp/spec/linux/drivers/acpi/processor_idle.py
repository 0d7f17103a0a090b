"""drivers/acpi/processor_idle.c: how CPUs idle, and how second threads get there."""

from __future__ import annotations

from typing import ClassVar

from softsnp.spec.linux.kernel.reboot import Reboot


class AcpiIdle(Reboot):
    """Second threads that nosmt keeps offline idle less deeply until they have been up again."""

    wakes_dead_siblings: ClassVar[bool] = True

    async def acpi_idle_rescan_dead_smt_siblings(self) -> None:
        """C: drivers/acpi/processor_idle.c: acpi_idle_rescan_dead_smt_siblings()
        Locks: as arch_cpu_rescan_dead_smt_siblings()
        Source: [code] v7.3: an initcall later than snp_rmptable_init(); what fails is ignored
        """
        if self.wakes_dead_siblings and self.smt and self.command_lines and self.acpi_idle_driver:
            await self.arch_cpu_rescan_dead_smt_siblings()
