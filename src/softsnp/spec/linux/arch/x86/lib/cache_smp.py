"""arch/x86/lib/cache-smp.c: WBINVD as a broadcast."""

from __future__ import annotations

from softsnp.spec.linux.kernel.smp import Smp


class CacheSmp(Smp):
    """Writing back caches. What the caches hold is no part of the state."""

    async def wbinvd_on_all_cpus(self) -> None:
        """C: arch/x86/lib/cache-smp.c: wbinvd_on_all_cpus()
        Locks: none
        Source: [code] v7.3; a step of its own only where the firmware watches the caches
        """
        if self.firmware_caches:
            await self.on_each_cpu(wbinvd_done=True)
            return
        self.note("WBINVD on every online CPU")
