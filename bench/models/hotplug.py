"""SNP and CPU hotplug with every CPU told apart: the model on which engines are compared.

``hotplug.pml`` beside this file is the same in Promela, step for step. It is a sketch of the host
that softsnp specifies, not that host: it has no population, so that nothing counts CPUs away and
every CPU more costs every engine six times the states.
"""

from __future__ import annotations

import enum
from typing import ClassVar, cast

from softsnp.lang import (
    Always,
    Bool,
    Count,
    Mutex,
    OneOf,
    PercpuRwsem,
    Property,
    Specification,
    activity,
)


class Firmware(enum.Enum):
    """What the security processor is."""

    down = 0
    up = 1


class Hotplug(Specification):
    """An administrator, another user of the firmware, and somebody who writes to cpuN/online.

    The boot CPU is left out: it is always online, and does what all others do. No local outlives
    its use here. A dead one would tell apart places that behave alike; the explorer merges those,
    but Spin would not.
    """

    cpus: ClassVar[int]

    cpu_add_remove_lock = Mutex("one hotplug operation at a time")
    cpu_hotplug_lock = PercpuRwsem("keeps the online CPUs stable for readers", most_readers=1)
    sev_cmd_mutex = Mutex("one firmware command at a time")
    hotplug_disabled = Count(2, "how often CPU hotplug is disabled", guard="cpu_add_remove_lock")
    firmware = OneOf(Firmware.down, "whether SNP is up there", guard="sev_cmd_mutex")
    snp_enabled = Bool(False, "CPUs that come online are to enable SNP as well")

    # --- CPUs -----------------------------------------------------------------------------------

    def online(self) -> int:
        """The online CPUs, as bits."""
        return sum(1 << cpu for cpu in range(self.cpus) if getattr(self, f"online{cpu}"))

    async def on_each_cpu(self, bit: str, value: bool) -> None:
        """IPIs to all online CPUs, each of which changes a bit. They arrive in any order.

        Locks: cpu_hotplug_lock held for reading
        """
        todo = self.online()
        while todo:
            await self.preempt()
            todo = self.one_ipi(todo, bit, value)

    def one_ipi(self, todo: int, bit: str, value: bool) -> int:
        cpu = self.choose(*(cpu for cpu in range(self.cpus) if todo >> cpu & 1))
        setattr(self, f"{bit}{cpu}", value)
        return todo & ~(1 << cpu)

    # --- hotplug --------------------------------------------------------------------------------

    async def cpu_hotplug_disable(self) -> None:
        await self.mutex_lock(Hotplug.cpu_add_remove_lock)
        self.hotplug_disabled += 1
        self.mutex_unlock(Hotplug.cpu_add_remove_lock)

    async def cpu_hotplug_enable(self) -> None:
        await self.mutex_lock(Hotplug.cpu_add_remove_lock)
        self.hotplug_disabled -= 1
        self.mutex_unlock(Hotplug.cpu_add_remove_lock)

    async def write_online(self, cpu: int) -> None:
        await self.mutex_lock(Hotplug.cpu_add_remove_lock)
        if self.hotplug_disabled == 0:
            await self.down_write(Hotplug.cpu_hotplug_lock)
            if getattr(self, f"online{cpu}"):
                await self.cpu_down(cpu)
            else:
                await self.cpu_up(cpu)
            self.up_write(Hotplug.cpu_hotplug_lock)
        self.mutex_unlock(Hotplug.cpu_add_remove_lock)

    async def cpu_up(self, cpu: int) -> None:
        await self.preempt(atomic="the CPU is reset before it runs its first instruction")
        if self.fault("INIT/SIPI"):
            return
        setattr(self, f"mfdm{cpu}", False)
        setattr(self, f"snp_en{cpu}", False)
        setattr(self, f"online{cpu}", True)
        await self.preempt()
        if self.snp_enabled:
            await self.preempt()
            setattr(self, f"mfdm{cpu}", True)
            await self.preempt()
            setattr(self, f"snp_en{cpu}", True)

    async def cpu_down(self, cpu: int) -> None:
        await self.preempt()
        if not self.fault("a hotplug callback"):
            setattr(self, f"online{cpu}", False)

    # --- SNP ------------------------------------------------------------------------------------

    async def enable_cpus(self) -> None:
        await self.cpu_hotplug_disable()
        await self.down_read(Hotplug.cpu_hotplug_lock)
        await self.on_each_cpu("mfdm", True)
        await self.preempt()
        await self.on_each_cpu("snp_en", True)
        await self.preempt()
        self.snp_enabled = True
        self.up_read(Hotplug.cpu_hotplug_lock)

    async def disable_cpus(self) -> None:
        await self.down_read(Hotplug.cpu_hotplug_lock)
        await self.on_each_cpu("snp_en", False)
        await self.preempt()
        self.snp_enabled = False
        self.up_read(Hotplug.cpu_hotplug_lock)

    async def snp_init(self) -> bool:
        """Whether the hold on CPU hotplug is to be given back: SNP did not come up.

        Locks: sev_cmd_mutex held
        """
        await self.enable_cpus()
        await self.preempt()
        if self.fault("SNP_INIT"):
            return True
        self.firmware = Firmware.up
        return False

    async def snp_shutdown(self) -> bool:
        """Whether the hold on CPU hotplug is to be given back: SNP did go down.

        Locks: sev_cmd_mutex held
        """
        await self.preempt()
        if self.fault("SNP_SHUTDOWN"):
            return False
        self.firmware = Firmware.down
        await self.disable_cpus()
        return True

    # --- who drives it --------------------------------------------------------------------------

    async def administer(self) -> None:
        if self.choose("SNP", "hibernate", label="about") == "hibernate":
            await self.hibernate()
            return
        if self.choose("init", "shutdown", label="operation") == "init":
            give_back = await self.init_if_down()
        else:
            give_back = await self.shutdown_if_up()
        if give_back:
            await self.cpu_hotplug_enable()
        self.mutex_unlock(Hotplug.sev_cmd_mutex)

    async def init_if_down(self) -> bool:
        await self.mutex_lock(Hotplug.sev_cmd_mutex)
        return self.firmware is Firmware.down and await self.snp_init()

    async def shutdown_if_up(self) -> bool:
        await self.mutex_lock(Hotplug.sev_cmd_mutex)
        return self.firmware is Firmware.up and await self.snp_shutdown()

    async def hibernate(self) -> None:
        await self.cpu_hotplug_disable()
        await self.preempt()
        await self.cpu_hotplug_enable()

    async def sev_ioctl(self) -> None:
        """A command that needs SNP, and leaves it as it was."""
        await self.mutex_lock(Hotplug.sev_cmd_mutex)
        if self.firmware is Firmware.up:
            await self.preempt()
        elif await self.snp_init() or await self.command_and_shutdown():
            await self.cpu_hotplug_enable()
        self.mutex_unlock(Hotplug.sev_cmd_mutex)

    async def command_and_shutdown(self) -> bool:
        await self.preempt()
        return await self.snp_shutdown()

    @activity("initialises SNP, shuts it down, and hibernates")
    async def administrator(self) -> None:
        while True:
            await self.rest()
            await self.administer()

    @activity("does firmware commands that need SNP")
    async def ioctl_user(self) -> None:
        while True:
            await self.rest()
            await self.sev_ioctl()

    @activity("takes CPUs offline and online")
    async def hotplugger(self) -> None:
        while True:
            await self.rest()
            await self.write_online(self.choose(*range(self.cpus), label="cpu"))


def hotplug(cpus: int, base: type[Hotplug] = Hotplug) -> Hotplug:
    """The specification for a number of CPUs, all of them offline at first."""
    members: dict[str, object] = {"cpus": cpus}
    for cpu in range(cpus):
        members[f"online{cpu}"] = Bool(False, "it runs", guard="cpu_hotplug_lock")
        members[f"mfdm{cpu}"] = Bool(False, "its SYSCFG[MFDM]")
        members[f"snp_en{cpu}"] = Bool(False, "its SYSCFG[SNP_EN]")
    return cast("type[Hotplug]", type(f"{base.__name__}{cpus}", (base,), members))()


def up(spec: Hotplug) -> bool:
    return spec.firmware is Firmware.up


PROPERTIES: list[Property] = [
    Always(
        "hotplug-off-while-up",
        "CPU hotplug is disabled while SNP is up",
        "",
        "a CPU can come online without SNP",
        when=up,
        must=lambda s: s.hotplug_disabled > 0,
    ),
    Always(
        "online-cpus-guarded",
        "every online CPU has SNP enabled while SNP is up",
        "",
        "an online CPU ignores the RMP",
        when=up,
        must=lambda s: all(
            not getattr(s, f"online{cpu}") or getattr(s, f"snp_en{cpu}") for cpu in range(s.cpus)
        ),
    ),
]
