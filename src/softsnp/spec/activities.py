"""Who drives the host. Each activity goes from operation to operation for ever."""

from __future__ import annotations

from softsnp.abi.sev import Command
from softsnp.lang import activity
from softsnp.spec.linux.kernel.kexec_core import KexecCore

SYSTEM_CALL = "the kernel looks up and pins the module or file that the call names at once"
SNP_IOCTLS = (Command.SNP_COMMIT, Command.SNP_CONFIG, Command.SNP_VLEK_LOAD)


class Host(KexecCore):
    """The host with its users."""

    @activity("boots the host; does SNP ioctls, loads and unloads modules, runs a guest, kexecs")
    async def administrator(self) -> None:
        """C: none (user space: snphost, modprobe, qemu, kexec)
        Locks: none
        Source: [msg] Kalra to Nayak, 2026-06-25, names the cycles
        """
        await self.start_kernel()
        while True:
            await self.rest(atomic=SYSTEM_CALL)
            operation = self.choose(
                "snphost commit",
                "snphost config",
                "snphost vlek-load",
                "modprobe kvm-amd",
                "rmmod kvm-amd",
                "modprobe ccp",
                "rmmod ccp",
                "start an SNP guest",
                "stop the SNP guest",
                "kexec",
                label="operation",
            )
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
                await self.modprobe_ccp()
            elif operation == "rmmod ccp":
                await self.rmmod_ccp()
            elif operation == "start an SNP guest":
                await self.start_snp_guest()
            elif operation == "stop the SNP guest":
                await self.stop_snp_guest()
            else:
                await self.kernel_kexec()

    @activity("writes 0 or 1 to any cpuN/online; adds CPUs where cpu-hot-add is assumed")
    async def hotplugger(self) -> None:
        """C: none (user space: chcpu)
        Locks: none
        Source: [code] v7.3 drivers/base/core.c: who may write to cpuN/online
        """
        while True:
            await self.rest(lambda: self.system_running, atomic=SYSTEM_CALL)
            if self.cpu_hot_add:
                operation = self.choose(
                    "offline a CPU", "online a CPU", "add a CPU", label="operation"
                )
            else:
                operation = self.choose("offline a CPU", "online a CPU", label="operation")
            if operation == "offline a CPU":
                await self.device_offline()
            elif operation == "online a CPU":
                await self.device_online()
            else:
                await self.acpi_processor_hotadd_init()

    @activity("another process that does SNP ioctls at the same time")
    async def ioctl_user(self) -> None:
        """C: none (user space: snphost)
        Locks: none
        Source: [code] v7.3: anyone with /dev/sev may
        """
        while True:
            await self.rest(lambda: self.system_running, atomic=SYSTEM_CALL)
            await self.sev_ioctl(self.choose(*SNP_IOCTLS, label="command"))
