"""kernel/crash_core.c: the crash kernel."""

from __future__ import annotations

from softsnp.spec.fw.psp import State
from softsnp.spec.linux.kernel.kexec_core import KexecCore


class CrashCore(KexecCore):
    """A crash kernel writes the dump and resets the machine; its ccp initializes nothing."""

    async def crash_kexec(self) -> None:
        """C: kernel/crash_core.c: __crash_kexec()
        Locks: none
        Source: [code] v7.3: registers, firmware and RMP stay as they are
        """
        await self.preempt(atomic="no other CPU runs")
        self.event("a crash kernel starts")
        if self.snp_state is State.INIT:
            self.event("a crash kernel starts with SNP live")
        await self.preempt(atomic="no other CPU runs")
        self.machine_reset()
