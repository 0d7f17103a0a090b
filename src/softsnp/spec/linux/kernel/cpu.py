"""kernel/cpu.c: CPU hotplug, and what refuses it."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY
from softsnp.lang import Count, Member, Mutex, PercpuRwsem
from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.linux.arch.x86.lib.cache_smp import CacheSmp

MANY_HOLDS = 3
STOP_MACHINE = "the CPU's own last steps, with every other CPU stopped"


class CpuHotplug(CacheSmp):
    """The hotplug core. Whoever brings a CPU up or down ends in cpu_up() or cpu_down()."""

    cpu_add_remove_lock = Mutex("the maps lock: one hotplug operation at a time", memory="kernel")
    cpu_hotplug_lock = PercpuRwsem("keeps the online mask stable for readers", memory="kernel")
    cpu_hotplug_disabled = Count(
        MANY_HOLDS,
        "how often hotplug is disabled; only SNP does so here. 3 stands for three or more",
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
        """C: kernel/cpu.c: cpu_hotplug_enable(), __cpu_hotplug_enable()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.2 kernel/cpu.c: WARN_ONCE and nothing else when the count is zero
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self.event("cpu_hotplug_enable()")
        if self.cpu_hotplug_disabled == 0:
            self.note("WARN: Unbalanced cpu hotplug enable")
            self.event("WARN: Unbalanced cpu hotplug enable")
        elif self.cpu_hotplug_disabled == MANY_HOLDS:
            # Three or more, less one: still three or more, or two.
            self.cpu_hotplug_disabled = self.choose(MANY_HOLDS - 1, MANY_HOLDS)
        else:
            self.cpu_hotplug_disabled -= 1
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
        if self.cpu_hotplug_disabled == 0:
            rc = await self._cpu_up()
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)
        return rc

    async def _cpu_up(self) -> int:
        """C: kernel/cpu.c: _cpu_up()
        Locks: cpu_add_remove_lock held; takes and drops cpu_hotplug_lock for writing
        Source: [code] v7.2 kernel/cpu.c; never -EINVAL (absent) here: nobody ejects a CPU
        """
        await self.cpus_write_lock()
        cpu = self.cpus.where(boot=False, present=True, online=False).take()
        if cpu is None:  # it is up already; device_online() asks before that
            self.cpus_write_unlock()
            return 0
        await self.preempt(
            atomic="INIT/SIPI: the CPU is reset before it runs its first instruction"
        )
        if not self.init_sipi_keeps_syscfg:
            cpu.set(**AT_RESET)
        cpu.set(online=True)
        self.event("a CPU comes online")
        await self.cpuhp_ap_online(cpu)
        cpu.release()
        self.cpus_write_unlock()
        return 0

    async def cpuhp_ap_online(self, cpu: Member) -> None:
        """C: kernel/cpu.c: cpuhp_thread_fun(), the callbacks that run on the CPU coming up
        Locks: cpu_hotplug_lock held for writing by the task that waits for them
        Source: [code] v7.2 kernel/cpu.c; SNP has no callback here
        """

    # --- down -----------------------------------------------------------------------------------

    async def cpu_down(self) -> int:
        """C: kernel/cpu.c: cpu_down(), cpu_down_maps_locked()
        Locks: takes and drops cpu_add_remove_lock
        Source: [code] v7.2 kernel/cpu.c
        """
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        rc = EBUSY
        if self.cpu_hotplug_disabled == 0:
            rc = await self._cpu_down()
        self.mutex_unlock(CpuHotplug.cpu_add_remove_lock)
        return rc

    async def _cpu_down(self) -> int:
        """C: kernel/cpu.c: _cpu_down()
        Locks: cpu_add_remove_lock held; takes and drops cpu_hotplug_lock for writing
        Source: [code] v7.2 kernel/cpu.c; the dying CPU keeps its SYSCFG
        """
        await self.cpus_write_lock()
        cpu = self.cpus.where(boot=False, online=True).take()
        if cpu is None:  # the last one online; device_offline() asks before that
            self.cpus_write_unlock()
            return EBUSY
        await self.until(
            lambda: self.broadcasts == 0, "to stop every other CPU", atomic=STOP_MACHINE
        )
        self.cpuhp_ap_offline(cpu)
        cpu.set(online=False)
        self.event("a CPU goes offline")
        cpu.release()
        self.cpus_write_unlock()
        return 0

    def cpuhp_ap_offline(self, cpu: Member) -> None:
        """C: kernel/cpu.c: cpuhp_thread_fun(), the callbacks that run on the CPU going down
        Locks: cpu_hotplug_lock held for writing by the task that waits for them
        Source: [code] v7.2 kernel/cpu.c; SNP has no callback here
        """
