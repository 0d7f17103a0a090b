"""Who drives the host. Each activity goes from operation to operation for ever."""

from __future__ import annotations

from softsnp.abi.sev import Command
from softsnp.lang import activity
from softsnp.spec.linux.kernel.cpu_smt import SmtControl
from softsnp.spec.linux.kernel.panic import Panic

SYSTEM_CALL = "the kernel looks up and pins the module or file that the call names at once"
SNP_IOCTLS = (Command.SNP_COMMIT, Command.SNP_CONFIG, Command.SNP_VLEK_LOAD)
SEV_IOCTLS = (Command.FACTORY_RESET, Command.PEK_GEN, Command.SNP_PLATFORM_STATUS)

MODULES = ("modprobe kvm-amd", "rmmod kvm-amd", "modprobe ccp", "rmmod ccp")
IOCTLS = ("snphost commit", "snphost config", "snphost vlek-load")
GUESTS = ("start an SNP guest", "stop the SNP guest")
PLAIN = ("modprobe ccp", "modprobe kvm-amd", "rmmod kvm-amd")


class Host(Panic):
    """The host with its users."""

    # --- who boots it, and administers it: one of these in every run ---------------------------

    @activity("boots the host; does SNP ioctls, loads and unloads modules, runs a guest, kexecs")
    async def administrator(self) -> None:
        """C: none (user space: snphost, modprobe, qemu, kexec)
        Locks: none
        Source: [msg] Kalra to Nayak, 2026-06-25, names the cycles
        """
        await self.start_kernel()
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            operation = self.choose(*IOCTLS, *MODULES, *GUESTS, "kexec", label="operation")
            await self.administer(operation)

    @activity("boots the host; loads and unloads modules")
    async def module_loader(self) -> None:
        """C: none (user space: modprobe)
        Locks: none
        Source: [code] v7.3: who may load modules
        """
        await self.start_kernel()
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            operation = self.choose(*MODULES, label="operation")
            await self.administer(operation)

    @activity("boots the host; loads and unloads kvm-amd, and runs a guest")
    async def virtualizer(self) -> None:
        """C: none (user space: modprobe, qemu)
        Locks: none
        Source: [code] v7.3: who may use /dev/kvm
        """
        await self.start_kernel()
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            operation = self.choose(*PLAIN, *GUESTS, label="operation")
            await self.administer(operation)

    @activity("boots the host; loads and unloads kvm-amd, kexecs, reboots, and panics")
    async def rebooter(self) -> None:
        """C: none (user space: modprobe, kexec, reboot; and whatever makes a kernel panic)
        Locks: none
        Source: [code] v7.3: who may kexec
        """
        await self.start_kernel()
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            operation = self.choose(*PLAIN, "kexec", "reboot", "panic", label="operation")
            await self.administer(operation)

    async def administer(self, operation: str) -> None:
        """C: none (user space); one operation
        Locks: none
        Source: [code] v7.3: who may do it
        """
        if operation == "snphost commit":
            await self.sev_ioctl(Command.SNP_COMMIT)
        elif operation == "snphost config":
            await self.sev_ioctl(Command.SNP_CONFIG)
        elif operation == "snphost vlek-load":
            await self.sev_ioctl(Command.SNP_VLEK_LOAD)
        elif operation == "modprobe kvm-amd":
            await self.modprobe_kvm_amd()
        elif operation == "rmmod kvm-amd":
            await self.rmmod_kvm_amd()
        elif operation == "modprobe ccp":
            if not self.ccp_loaded:
                await self.modprobe_ccp()
        elif operation == "rmmod ccp":
            await self.rmmod_ccp()
        elif operation == "start an SNP guest":
            await self.start_snp_guest()
        elif operation == "stop the SNP guest":
            await self.stop_snp_guest()
        elif operation == "reboot":
            await self.kernel_restart()
        elif operation == "panic":
            await self.panic()
        else:
            await self.kernel_kexec()

    # --- who else is there --------------------------------------------------------------------

    @activity("writes 0 or 1 to any cpuN/online; adds and ejects CPUs where that is assumed")
    async def hotplugger(self) -> None:
        """C: none (user space: chcpu)
        Locks: none
        Source: [code] v7.3 drivers/base/core.c: who may write to cpuN/online
        """
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            added = ("add a CPU",) if self.cpu_hot_add else ()
            ejected = ("eject a CPU",) if self.cpu_eject else ()
            operation = self.choose(
                "offline a CPU", "online a CPU", *added, *ejected, label="operation"
            )
            if operation == "offline a CPU":
                await self.device_offline()
            elif operation == "online a CPU":
                await self.device_online()
            elif operation == "add a CPU":
                await self.acpi_processor_hotadd_init()
            else:
                await self.acpi_processor_post_eject()

    @activity("another process that does SNP ioctls at the same time")
    async def ioctl_user(self) -> None:
        """C: none (user space: snphost)
        Locks: none
        Source: [code] v7.3: anyone with /dev/sev may
        """
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            await self.sev_ioctl(self.choose(*SNP_IOCTLS, label="command"))

    @activity("a process that does ioctls for legacy SEV: factory reset, keys, and status")
    async def sev_user(self) -> None:
        """C: none (user space: sevctl)
        Locks: none
        Source: [code] v7.3: anyone with /dev/sev may
        """
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            await self.sev_ioctl(self.choose(*SEV_IOCTLS, label="command"))

    @activity("writes on, off and forceoff to smt/control")
    async def smt_user(self) -> None:
        """C: none (user space: chcpu, or a script against side channels)
        Locks: none
        Source: [code] v7.3 kernel/cpu.c: who may write to smt/control
        """
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            await self.store_smt_control(self.choose(*SmtControl, label="smt/control"))

    @activity("suspends to RAM, hibernates, and tests suspending with pm_test=processors")
    async def suspender(self) -> None:
        """C: none (user space: systemctl suspend)
        Locks: none
        Source: [code] v7.3 kernel/power: who may suspend
        """
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            operation = self.choose("suspend", "hibernate", "test suspend", label="operation")
            if operation == "hibernate":
                await self.hibernate()
            else:
                await self.pm_suspend(test_processors=operation == "test suspend")

    @activity("plugs in PCI devices, whose drivers look at them")
    async def pci_prober(self) -> None:
        """C: none (hardware: a device appears)
        Locks: none
        Source: [code] v7.3 drivers/pci/pci-driver.c
        """
        while True:
            await self.rest(self.user_space_runs, atomic=SYSTEM_CALL)
            await self.pci_call_probe()
