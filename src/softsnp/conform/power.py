"""Suspend, hibernation and panic: the kernel's own functions, in the order of their callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .environment import Environment
from .machine import Machine

HIBERNATION_PREPARE, POST_HIBERNATION, SUSPEND_PREPARE, POST_SUSPEND = 1, 2, 3, 4
"""Of the notifiers of power management: PM_HIBERNATION_PREPARE and so on."""


class Power:
    """What the callers do besides (freezing tasks, drivers, memory images) is not run."""

    def __init__(self, machine: Machine, environment: Environment) -> None:
        self.machine = machine
        self.environment = environment

    def _online(self) -> int:
        return self.machine.memory.u64(self.machine.kernel.address("__cpu_online_mask"))

    # --- sleep -----------------------------------------------------------------------------------

    def suspend(self, test_processors: bool = False) -> int:
        """pm_suspend(); pm_test=processors turns back when the other CPUs are offline."""
        machine = self.machine
        machine.call("cpu_hotplug_pm_callback", 0, SUSPEND_PREPARE, 0, cpu=0)
        rc = machine.rc("freeze_secondary_cpus", 0, cpu=0)
        if rc == 0 and not test_processors:
            self.environment.sleep(self._online(), power_off=False)
        machine.call("thaw_secondary_cpus", cpu=0)
        machine.call("cpu_hotplug_pm_callback", 0, POST_SUSPEND, 0, cpu=0)
        return rc

    def hibernate(self) -> int:
        """hibernate(): the kernel's memory comes back as it was, and nothing else does."""
        machine = self.machine
        machine.call("cpu_hotplug_pm_callback", 0, HIBERNATION_PREPARE, 0, cpu=0)
        rc = machine.rc("freeze_secondary_cpus", 0, cpu=0)
        if rc == 0:
            self.environment.sleep(self._online(), power_off=True)
        machine.call("thaw_secondary_cpus", cpu=0)
        if rc == 0:
            machine.rc("arch_resume_nosmt", cpu=0)
        machine.call("cpu_hotplug_pm_callback", 0, POST_HIBERNATION, 0, cpu=0)
        return rc

    # --- panic -----------------------------------------------------------------------------------

    def notified(self) -> bool:
        """Whether anybody is told of a panic: only the driver ever asks for that here."""
        return self.machine.memory.u64(self._notifiers()) != 0

    def _notifiers(self) -> int:
        kernel = self.machine.kernel
        head = kernel.offset("struct atomic_notifier_head", "head")
        return kernel.address("panic_notifier_list") + head

    def forget_notifiers(self) -> None:
        """A driver that goes when SNP's shutdown has failed leaves its notifier behind, in memory
        that is freed. What a panic runs then is nobody's word; here it runs nothing.
        """
        if self.notified():
            self.machine.oddities.add("ccp goes, and leaves its panic notifier registered")
        self.machine.memory.put64(self._notifiers(), 0)

    @contextmanager
    def _interrupts_off(self) -> Iterator[None]:
        self.machine.emulator.interrupts = False
        try:
            yield
        finally:
            self.machine.emulator.interrupts = True

    def panic(self) -> None:
        """vpanic(), when the other CPUs have stopped."""
        chain = self.machine.kernel.address("panic_notifier_list")
        with self._interrupts_off():
            self.machine.call("atomic_notifier_call_chain", chain, 0, 0, cpu=0)

    def panic_in_a_command(self) -> None:
        """Some task has sev_cmd_mutex, and will never go on."""
        mutex = self.machine.kernel.address("sev_cmd_mutex")
        self.machine.call("mutex_trylock", mutex, cpu=0)
        self.panic()
        self.machine.call("mutex_unlock", mutex, cpu=0)
