"""kernel/cpu.c: CPU hotplug, and what refuses it."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY, EIO, EOPNOTSUPP, EPERM
from softsnp.lang import Bool, Count, Member, Mutex, PercpuRwsem
from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.linux.arch.x86.lib.cache_smp import CacheSmp

MANY_HOLDS = 3
NO_CPU = 1
"""What _cpu_up() says when there is no CPU to bring up."""
STOP_MACHINE = "the CPU's own last steps, with every other CPU stopped"


class CpuHotplug(CacheSmp):
    """The hotplug core. Whoever brings a CPU up or down ends in _cpu_up() or _cpu_down().

    cpu_hotplug_disabled is kept as two numbers, whose sum it is: what SNP's code has added, and
    what everybody else has. Whoever takes one away takes one of their own, if there is any.
    """

    cpu_add_remove_lock = Mutex("the maps lock: one hotplug operation at a time", memory="kernel")
    cpu_hotplug_lock = PercpuRwsem("keeps the online mask stable for readers", memory="kernel")
    cpu_hotplug_disabled = Count(
        MANY_HOLDS,
        "SNP's part of cpu_hotplug_disabled. 3 stands for three or more",
        memory="kernel",
        guard="cpu_add_remove_lock",
    )
    cpu_hotplug_disabled_otherwise = Count(
        MANY_HOLDS,
        "the others' part of cpu_hotplug_disabled: a PCI probe, suspend, a reboot",
        memory="kernel",
        guard="cpu_add_remove_lock",
    )
    cpu_hotplug_offline_disabled = Bool(
        False,
        "no CPU may be taken offline until the next boot",
        memory="kernel",
        guard="cpu_add_remove_lock",
    )

    # --- the refcount ---------------------------------------------------------------------------

    async def cpu_hotplug_disable(self) -> None:
        """C: kernel/cpu.c: cpu_hotplug_disable()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.2 kernel/cpu.c
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self.cpu_hotplug_disabled = min(self.cpu_hotplug_disabled + 1, MANY_HOLDS)
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)

    async def cpu_hotplug_enable(self) -> None:
        """C: kernel/cpu.c: cpu_hotplug_enable()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.2 kernel/cpu.c: a WARN_ONCE, and no decrement, when the count is zero
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self.event("cpu_hotplug_enable()")
        if self.cpu_hotplug_disabled == MANY_HOLDS:
            # Three or more, less one: still three or more, or two.
            self.cpu_hotplug_disabled = self.choose(MANY_HOLDS - 1, MANY_HOLDS)
        elif self.cpu_hotplug_disabled > 0:
            self.cpu_hotplug_disabled -= 1
        elif self.cpu_hotplug_disabled_otherwise > 0:
            self.note("SNP takes away another's hold on CPU hotplug")
            self.cpu_hotplug_disabled_otherwise -= 1
        else:
            self.warn_unbalanced()
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)

    def warn_unbalanced(self) -> None:
        self.note("WARN: Unbalanced cpu hotplug enable")
        self.event("WARN: Unbalanced cpu hotplug enable")

    async def cpu_hotplug_disable_otherwise(self) -> None:
        """C: kernel/cpu.c: cpu_hotplug_disable(), called by whoever is not SNP
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.3: pci_call_probe(), cpu_hotplug_pm_callback(), migrate_to_reboot_cpu()
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self.cpu_hotplug_disabled_otherwise += 1
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)

    async def cpu_hotplug_enable_otherwise(self) -> None:
        """C: kernel/cpu.c: cpu_hotplug_enable(), called by whoever is not SNP
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.3: the same callers
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self._cpu_hotplug_enable_otherwise()
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)

    def _cpu_hotplug_enable_otherwise(self) -> None:
        """C: kernel/cpu.c: __cpu_hotplug_enable(), with cpu_add_remove_lock held"""
        if self.cpu_hotplug_disabled_otherwise > 0:
            self.cpu_hotplug_disabled_otherwise -= 1
        elif self.cpu_hotplug_disabled == MANY_HOLDS:
            self.cpu_hotplug_disabled = self.choose(MANY_HOLDS - 1, MANY_HOLDS)
        elif self.cpu_hotplug_disabled > 0:
            self.note("another takes away SNP's hold on CPU hotplug")
            self.cpu_hotplug_disabled -= 1
        else:
            self.warn_unbalanced()

    def cpu_hotplug_is_disabled(self) -> bool:
        """Whether cpu_hotplug_disabled is not zero; cpu_add_remove_lock is held."""
        return self.cpu_hotplug_disabled > 0 or self.cpu_hotplug_disabled_otherwise > 0

    async def cpu_hotplug_disable_offlining(self) -> None:
        """C: kernel/cpu.c: cpu_hotplug_disable_offlining()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.3: for good; the variable is read-only after boot
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self.cpu_hotplug_offline_disabled = True
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)

    # --- the lock --------------------------------------------------------------------------------

    async def cpus_read_lock(self) -> None:
        """C: kernel/cpu.c: cpus_read_lock()
        Locks: takes cpu_hotplug_lock for reading
        Source: [code] v7.2 kernel/cpu.c
        """
        await self.down_read(CpuHotplug.cpu_hotplug_lock)

    def cpus_read_unlock(self) -> None:
        self.up_read(CpuHotplug.cpu_hotplug_lock)

    async def cpus_write_lock(self) -> None:
        """C: kernel/cpu.c: cpus_write_lock()
        Locks: takes cpu_hotplug_lock for writing; a waiting writer stops new readers
        Source: [code] v7.2 kernel/cpu.c, kernel/locking/percpu-rwsem.c
        """
        await self.down_write(CpuHotplug.cpu_hotplug_lock)

    def cpus_write_unlock(self) -> None:
        self.up_write(CpuHotplug.cpu_hotplug_lock)

    # --- up -------------------------------------------------------------------------------------

    def bringup_nonboot_cpus(self, **bits: bool) -> None:
        """C: kernel/cpu.c: bringup_nonboot_cpus(), by INIT/SIPI"""
        if not self.init_sipi_keeps_syscfg:
            self.cpus.where(boot=False, **bits).set(**AT_RESET)
        self.cpus.where(boot=False, **bits).set(online=True)

    async def cpu_up(self) -> int:
        """C: kernel/cpu.c: cpu_up()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.2 kernel/cpu.c
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        rc = EBUSY
        if self.cpu_hotplug_is_disabled():
            self.event("CPU hotplug is refused")
        elif self.second_threads_allowed():
            rc = await self._cpu_up(boot=False)
        else:
            rc = await self._cpu_up(boot=False, sibling=False)
            rc = EPERM if rc == NO_CPU else rc
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)
        return 0 if rc == NO_CPU else rc

    def second_threads_allowed(self) -> bool:
        """C: kernel/cpu.c: cpu_bootable(), of a CPU that has been up before"""
        return True

    async def _cpu_up(self, **bits: bool) -> int:
        """C: kernel/cpu.c: _cpu_up(), of one CPU with these bits; NO_CPU when there is none
        Locks: cpu_add_remove_lock held; takes and drops cpu_hotplug_lock for writing
        Source: [code] v7.2 kernel/cpu.c: one that is absent is never asked for here
        """
        await self.cpus_write_lock()
        cpu = self.cpus.where(present=True, online=False, **bits).take()
        if cpu is None:  # it is up already; device_online() asks before that
            self.cpus_write_unlock()
            return NO_CPU
        await self.preempt(
            atomic="INIT/SIPI: the CPU is reset before it runs its first instruction"
        )
        if not self.init_sipi_keeps_syscfg:
            cpu.set(**AT_RESET)
        cpu.set(online=True)
        self.event("a CPU comes online")
        self.online_set_changes()
        rc = await self.cpuhp_ap_online(cpu)
        if rc == 0 and self.hotplug_callbacks_may_fail and self.fault("a callback of CPU hotplug"):
            self.event("CPU hotplug is rolled back")
            rc = EIO
        if rc:
            await self.until(
                lambda: self.broadcasts == 0, "to stop every other CPU", atomic=STOP_MACHINE
            )
            self.cpuhp_ap_offline(cpu)
            cpu.set(online=False, wbinvd_done=True)
        else:
            cpu.set(frozen=False)
        cpu.release()
        self.cpus_write_unlock()
        return rc

    async def cpuhp_ap_online(self, cpu: Member) -> int:
        """C: kernel/cpu.c: cpuhp_thread_fun(), the callbacks that run on the CPU coming up
        Locks: cpu_hotplug_lock held for writing by the task that waits for them
        Source: [code] v7.2 kernel/cpu.c; SNP has no callback here
        """
        return 0

    def online_set_changes(self) -> None:
        """A CPU comes or goes, which snp_prepare() relies on not to happen."""

    # --- down -----------------------------------------------------------------------------------

    async def cpu_down(self) -> int:
        """C: kernel/cpu.c: cpu_down()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.2 kernel/cpu.c
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        rc = await self.cpu_down_maps_locked(boot=False)
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)
        return rc

    async def cpu_down_maps_locked(self, **bits: bool) -> int:
        """C: kernel/cpu.c: cpu_down_maps_locked(), of one CPU with these bits
        Locks: cpu_add_remove_lock held; takes and drops cpu_hotplug_lock for writing
        Source: [code] v7.3 kernel/cpu.c: offlining that is disabled for good is told first
        """
        if self.cpu_hotplug_offline_disabled:
            self.event("CPU hotplug is refused")
            return EOPNOTSUPP
        if self.cpu_hotplug_is_disabled():
            self.event("CPU hotplug is refused")
            return EBUSY
        return await self._cpu_down(**bits)

    async def _cpu_down(self, **bits: bool) -> int:
        """C: kernel/cpu.c: _cpu_down(), of one CPU with these bits
        Locks: cpu_add_remove_lock held; takes and drops cpu_hotplug_lock for writing
        Source: [code] v7.2 kernel/cpu.c; the dying CPU keeps its SYSCFG, and does WBINVD last
        """
        await self.cpus_write_lock()
        cpu = self.cpus.where(online=True, **bits).take()
        if cpu is None:  # the last one online; device_offline() asks before that
            self.cpus_write_unlock()
            return EBUSY
        rc = await self.cpuhp_ap_teardown(cpu)
        if rc:
            self.event("CPU hotplug is rolled back")
            cpu.release()
            self.cpus_write_unlock()
            return rc
        await self.until(
            lambda: self.broadcasts == 0, "to stop every other CPU", atomic=STOP_MACHINE
        )
        self.cpuhp_ap_offline(cpu)
        cpu.set(online=False, wbinvd_done=True)
        self.event("a CPU goes offline")
        self.online_set_changes()
        cpu.release()
        self.cpus_write_unlock()
        return 0

    async def cpuhp_ap_teardown(self, cpu: Member) -> int:
        """C: kernel/cpu.c: cpuhp_kick_ap_work(), the callbacks that may still refuse
        Locks: cpu_hotplug_lock held for writing by the task that waits for them
        Source: [code] v7.3 kernel/cpu.c; SNP has no callback here
        """
        if self.hotplug_callbacks_may_fail and self.fault("a callback of CPU hotplug"):
            return EBUSY
        return 0

    def cpuhp_ap_offline(self, cpu: Member) -> None:
        """C: kernel/cpu.c: cpuhp_thread_fun(), the callbacks that run on the CPU going down
        Locks: cpu_hotplug_lock held for writing by the task that waits for them
        Source: [code] v7.2 kernel/cpu.c; SNP has no callback here
        """
