"""The reverse map table, and a write that it should have stopped."""

from __future__ import annotations

import enum

from softsnp.lang import Bool, OneOf, activity
from softsnp.spec.hw.cpu import Cpus


class RmpTable(enum.Enum):
    """What the table holds."""

    ZERO = 0
    LIVE = 1


class Rmp(Cpus):
    """The RMP in memory. It survives every kernel; a core looks at it only with SNP_EN set."""

    rmp = OneOf(RmpTable.ZERO, "all zero (every page is the hypervisor's), or set up by firmware")
    guest_pages_assigned = Bool(False, "an SNP guest's page is assigned in the RMP")
    guest_memory_overwritten = Bool(False, "the host has written to an assigned page unchecked")

    @activity("a host task that writes anywhere in memory, on whichever CPU")
    async def host_writer(self) -> None:
        """C: none (hardware: the RMP check of a store)
        Locks: none
        Source: [hw] APM volume 2, 15.36.10: a core checks the RMP only if its SNP_EN is set
        """
        while True:
            await self.rest()
            await self.preempt(atomic="one store on one core: the check and the write are one")
            if not self.rdmsr_syscfg_snp_en() and self.guest_pages_assigned:
                self.note("the write goes past the RMP into guest memory")
                self.guest_memory_overwritten = True
