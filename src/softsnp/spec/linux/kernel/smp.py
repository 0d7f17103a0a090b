"""kernel/smp.c: broadcasts."""

from __future__ import annotations

from softsnp.lang import Count
from softsnp.spec.fw.psp import Psp

IPI = "an IPI handler runs with interrupts off on the CPU it was sent to, which is online"
EVERY: dict[str, bool] = {}
"""A mask: every CPU."""


class Smp(Psp):
    """Inter-processor interrupts."""

    broadcasts = Count(
        2, "how many on_each_cpu() are under way, each with preemption off", memory="kernel"
    )

    async def on_each_cpu(self, mask: dict[str, bool] = EVERY, **registers: bool) -> None:
        """C: kernel/smp.c: on_each_cpu() and on_each_cpu_mask(), with a handler that sets registers
        Locks: none taken; most callers hold cpu_hotplug_lock for reading
        Source: [code] v7.2 kernel/smp.c: waits until every online CPU has run the handler

        The mask is those CPUs that have some bits. Not yet reached is a CPU that lacks what the
        handler sets: running the handler on one that has it already changes nothing. No CPU can
        die meanwhile, lock or no lock: stop_machine() needs the sender's CPU too. One that comes
        online meanwhile is reached here, if it lacks what the handler sets; the kernel would not
        reach it.
        """
        if not self.one_ipi_a_step:
            await self.preempt(atomic="one-ipi-a-step is off")
            self.cpus.where(online=True, **mask).set(**registers)
            return
        await self.preempt(atomic=IPI)
        self.broadcasts += 1
        while self.reach_one(mask, registers):
            await self.preempt(atomic=IPI)
        self.broadcasts -= 1

    def reach_one(self, mask: dict[str, bool], registers: dict[str, bool]) -> bool:
        """One online CPU that lacks any of these registers' values gets them all, if there is."""
        online = self.cpus.where(online=True, **mask)
        for name, value in registers.items():
            if online.where(**{name: not value}).set_one(**registers):
                return True
            online = online.where(**{name: value})
        return False
