"""kernel/panic.c: the kernel gives up."""

from __future__ import annotations

from softsnp.spec.linux.kernel.crash_core import CrashCore


class Panic(CrashCore):
    """The last piece of the kernel."""

    async def panic(self) -> None:
        """C: kernel/panic.c: vpanic()
        Locks: none; those that others hold stay held
        Source: [code] v7.3: the other CPUs are stopped first, and write back their caches and leave
        KVM in the NMI that stops them; crash_kexec_post_notifiers is set where SNP is, so the
        notifiers come before the crash kernel
        """
        await self.preempt(atomic="the other CPUs stop wherever they are")
        self.restart()
        self.kvm_shutdown()
        self.cpus.where(online=True).set(wbinvd_done=True)
        self.system_running = False
        self.event("panic")
        await self.snp_shutdown_on_panic()
        await self.crash_kexec()
