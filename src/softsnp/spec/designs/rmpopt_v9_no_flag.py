"""rmpopt-v9-no-flag: v9 as a reviewer asked for it, without the flag."""

from __future__ import annotations

from softsnp.spec.designs.rmpopt_v9 import RmpoptV9


class RmpoptV9NoFlag(RmpoptV9):
    """RMPOPT v9 with nothing but the refcount.

    Source: lkml, 2026-06-25, Petkov, "Re: [PATCH v9 3/6] x86/sev: Disable CPU hotplug while SNP
    is active": whether the flag is needed
    """

    name = "rmpopt-v9-no-flag"

    async def snp_disable_cpu_hotplug(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_disable_cpu_hotplug(), without the flag
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] Petkov, 2026-06-25
        """
        await self.cpu_hotplug_disable()

    async def snp_enable_cpu_hotplug(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_shutdown(), without the flag
        Locks: sev_cmd_mutex held; takes and drops cpu_add_remove_lock
        Source: [msg] Petkov, 2026-06-25
        """
        await self.cpu_hotplug_enable()
