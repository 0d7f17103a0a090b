"""arch/x86/kvm/svm/: kvm-amd, as far as SNP's life depends on it."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY, EEXIST, ENODEV
from softsnp.lang import Bool, Member
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctls

KVM_CPUS = "cpu_hotplug_lock is held for reading, and nobody else uses VM_HSAVE_PA meanwhile"


class KvmAmd(SevIoctls):
    """The kvm-amd module and one SNP guest.

    Whoever loads kvm-amd wants SNP, and unloads it again when SNP does not come up: what KVM does
    without SEV is not specified.
    """

    kvm_amd = Bool(False, "the kvm-amd module is loaded; it pins ccp", memory="kernel")

    async def modprobe_kvm_amd(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_hardware_setup(), by loading the module
        Locks: takes and drops sev_cmd_mutex, then cpu_hotplug_lock for reading
        Source: [code] v7.3: SNP is initialized first, virtualization enabled after that
        """
        if self.kvm_amd:
            return EEXIST
        if not self.ccp_loaded:
            return ENODEV
        self.ccp_users += 1
        rc = await self.sev_platform_init()
        if rc:
            await self.preempt()
            self.ccp_users -= 1
            return rc
        await self.cpus_read_lock()
        await self.preempt(atomic=KVM_CPUS)
        self.cpus.where(online=True).set(hsave=True)  # kvm_enable_virtualization_cpu()
        self.kvm_amd = True
        self.cpus_read_unlock()
        return 0

    async def rmmod_kvm_amd(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_hardware_unsetup(), by removing the module
        Locks: takes and drops cpu_hotplug_lock for reading, then sev_cmd_mutex
        Source: [code] v7.3: a guest pins the module
        """
        if not self.kvm_amd:
            return ENODEV
        if self.guest_pages_assigned:
            return EBUSY
        await self.cpus_read_lock()
        await self.preempt(atomic=KVM_CPUS)
        self.cpus.where(online=True).set(hsave=False)  # kvm_disable_virtualization_cpu()
        self.kvm_amd = False
        self.cpus_read_unlock()
        await self.sev_firmware_shutdown()  # sev_platform_shutdown()
        await self.preempt()
        self.ccp_users -= 1
        return 0

    async def cpuhp_ap_online(self, cpu: Member) -> None:
        """C: virt/kvm/kvm_main.c: kvm_online_cpu()
        Locks: cpu_hotplug_lock held for writing by the task that waits
        Source: [code] v7.3
        """
        await self.preempt(atomic="the callback runs on the CPU that comes up")
        if self.kvm_amd:
            cpu.set(hsave=True)

    def cpuhp_ap_offline(self, cpu: Member) -> None:
        """C: virt/kvm/kvm_main.c: kvm_offline_cpu()
        Locks: cpu_hotplug_lock held for writing by the task that waits
        Source: [code] v7.3
        """
        cpu.set(hsave=False)

    async def start_snp_guest(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: snp_launch_start() to snp_launch_finish()
        Locks: none
        Source: [code] v7.3: needs the firmware in INIT; then its pages are assigned
        """
        if not self.kvm_amd or self.snp_state is not State.INIT:
            return ENODEV
        self.guest_pages_assigned = True
        self.event("a guest runs")
        return 0

    async def stop_snp_guest(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_vm_destroy()
        Locks: none
        Source: [code] v7.3: its pages are reclaimed
        """
        if self.kvm_amd:
            self.guest_pages_assigned = False
        return 0
