"""arch/x86/lib/cache-smp.c: WBINVD as a broadcast."""

from __future__ import annotations

from softsnp.spec.linux.kernel.smp import Smp


class CacheSmp(Smp):
    """Writing back caches. They are no part of the state."""

    async def wbinvd_on_all_cpus(self) -> None:
        """C: arch/x86/lib/cache-smp.c: wbinvd_on_all_cpus()
        Locks: none
        Source: [code] v7.3; not a step of its own, since caches are no part of this state
        """
        self.note("WBINVD on every online CPU")
