"""init/main.c: a kernel's beginning."""

from __future__ import annotations

import enum

from softsnp.lang import Bool
from softsnp.spec.hw.cpu import AT_RESET
from softsnp.spec.linux.drivers.acpi.processor_idle import AcpiIdle
from softsnp.spec.linux.kernel.cpu_smt import SmtControl

ALONE = "nobody else runs while a kernel boots"


class CommandLine(enum.Enum):
    """What a kernel's command line says of CPUs."""

    NOTHING = 0
    MAXCPUS = 1
    NOSMT = 2
    NR_CPUS = 3


class Boot(AcpiIdle):
    """From smp_init() to user space."""

    system_running = Bool(False, "system_state is SYSTEM_RUNNING: user space runs", memory="kernel")
    kexeced = Bool(False, "a kexec has begun this kernel", ghost=True)

    def user_space_runs(self) -> bool:
        """Whether somebody may begin a system call."""
        return self.system_running and not self.tasks_frozen

    async def start_kernel(self) -> None:
        """C: init/main.c: start_kernel(), kernel_init()
        Locks: none
        Source: [code] v7.3: CPUs come up in smp_init(), before the initcalls
        """
        await self.preempt(atomic=ALONE)
        if self.command_lines:
            await self.smp_init_by_command_line()
        elif self.cpu_hot_add and not self.kexec_onlines_hot_added:
            self.bringup_nonboot_cpus(present=True, listed=True)
        else:
            self.bringup_nonboot_cpus(present=True)
        await self.snp_rmptable_init()
        await self.acpi_idle_rescan_dead_smt_siblings()
        await self.preempt(atomic=ALONE)
        await self.modprobe_ccp()
        self.system_running = True

    async def smp_init_by_command_line(self) -> None:
        """C: init/main.c: kernel_init_freeable(): smp_init(), by nr_cpus=, maxcpus= and nosmt
        Locks: none
        Source: [code] v7.3: nr_cpus= keeps CPUs out of the present mask, which the firmware does
        not know; maxcpus= leaves them present and offline; nosmt starts second threads once, and
        takes them offline
        """
        line = self.choose(*self.possible_command_lines(), label="command line")
        self.cpus.where(fused=True, listed=True).set(present=True)
        if line is CommandLine.NR_CPUS:
            if self.cpus.where(boot=False, listed=True).set_one(present=False):
                self.event("nr_cpus= keeps a CPU out of the present mask")
        elif line is CommandLine.NOSMT:
            self.cpu_smt_control = SmtControl.DISABLED
            self.cpu_smt_num_threads = 1
            if not self.init_sipi_keeps_syscfg:
                self.cpus.where(sibling=True, present=True).set(**AT_RESET)
            self.bringup_nonboot_cpus(present=True, listed=True, sibling=False)
            self.event("nosmt keeps second threads offline")
            return
        if line is not CommandLine.MAXCPUS:
            self.bringup_nonboot_cpus(present=True, listed=True)
            return
        enough = False
        while not enough and self.cpus.any(boot=False, present=True, listed=True, online=False):
            enough = self.choose(False, True, label="maxcpus= is reached")
            await self.preempt(atomic=ALONE)
            if enough:
                self.event("maxcpus= leaves CPUs offline")
            else:
                self.bring_up_one()

    def possible_command_lines(self) -> tuple[CommandLine, ...]:
        lines = (CommandLine.NOTHING, CommandLine.MAXCPUS, CommandLine.NR_CPUS)
        return (*lines, CommandLine.NOSMT) if self.smt else lines

    def bring_up_one(self) -> None:
        """One CPU, as in kernel/cpu.c: cpuhp_bringup_mask()"""
        reset = {} if self.init_sipi_keeps_syscfg else AT_RESET
        offline = self.cpus.where(boot=False, present=True, listed=True, online=False)
        offline.set_one(online=True, **reset)
