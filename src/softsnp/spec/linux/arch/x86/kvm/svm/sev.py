"""arch/x86/kvm/svm/sev.c: kvm-amd, as far as SNP's life depends on it."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY, EEXIST, ENODEV
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.virt.kvm.kvm_main import Kvm


class KvmAmd(Kvm):
    """The kvm-amd module and one SNP guest.

    Whoever loads kvm-amd wants SNP, and unloads it again when SNP does not come up: what KVM does
    without SEV is not specified.
    """

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
        await self.kvm_enable_virtualization()
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
        await self.kvm_disable_virtualization()
        await self.sev_firmware_shutdown()  # sev_platform_shutdown()
        await self.preempt()
        self.ccp_users -= 1
        return 0

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
