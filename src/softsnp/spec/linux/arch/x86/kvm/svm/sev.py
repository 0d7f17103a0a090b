"""arch/x86/kvm/svm/sev.c: kvm-amd, as far as SNP's life depends on it."""

from __future__ import annotations

import enum

from softsnp.abi.errno import EBUSY, EEXIST, EIO, ENODEV
from softsnp.abi.sev import Command
from softsnp.lang import Bool, OneOf, PercpuRwsem
from softsnp.spec.fw.psp import Asid, State
from softsnp.spec.linux.virt.kvm.kvm_main import Kvm

VMRUN = "the guest runs on one CPU, which its ASID is in use on from now on"


class KvmAsid(enum.Enum):
    """What KVM has done with its one ASID for SNP guests."""

    FREE = 0
    TAKEN = 1
    TO_RECLAIM = 2


class KvmAmd(Kvm):
    """The kvm-amd module and one SNP guest.

    By default, whoever loads kvm-amd wants SNP and unloads it again when SNP does not come up. The
    detail kvm-without-sev keeps it, with what the module then believes.
    """

    sev_enabled = Bool(False, "kvm-amd: SEV came up when it was loaded", memory="kernel")
    sev_snp_enabled = Bool(False, "kvm-amd: SNP came up when it was loaded", memory="kernel")
    sev_asid = OneOf(KvmAsid.FREE, "kvm-amd: sev_asid_bitmap and its reclaim", memory="kernel")
    sev_deactivate_lock = PercpuRwsem(
        "kvm-amd: no DEACTIVATE between WBINVD and DF_FLUSH", memory="kernel"
    )

    # --- the module -----------------------------------------------------------------------------

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
        if rc and not self.kvm_without_sev:
            await self.preempt()
            self.ccp_users -= 1
            return rc
        await self.kvm_enable_virtualization()
        if self.kvm_without_sev:
            await self.preempt(atomic="the module's own memory, and nobody uses it yet")
            self.sev_enabled = rc == 0
            self.sev_snp_enabled = rc == 0 and self.snp_initialized
            self.sev_asid = KvmAsid.FREE
        return 0

    async def rmmod_kvm_amd(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_hardware_unsetup(), by removing the module
        Locks: takes and drops cpu_hotplug_lock for reading, then sev_cmd_mutex
        Source: [code] v7.3: a guest pins the module; without SEV nothing is shut down
        """
        if not self.kvm_amd:
            return ENODEV
        if self.guest_pages_assigned:
            return EBUSY
        await self.kvm_disable_virtualization()
        if not self.kvm_without_sev:
            await self.sev_firmware_shutdown()  # sev_platform_shutdown()
        else:
            await self.sev_hardware_unsetup()
        await self.preempt()
        self.ccp_users -= 1
        return 0

    async def sev_hardware_unsetup(self) -> None:
        """C: arch/x86/kvm/svm/sev.c: sev_hardware_unsetup()
        Locks: takes and drops sev_deactivate_lock for writing, then sev_cmd_mutex
        Source: [code] v7.3: ASIDs to reclaim are flushed, whatever comes of that
        """
        await self.preempt(atomic="the module's own memory, and nobody uses it any more")
        enabled = self.sev_enabled
        self.sev_enabled = False
        self.sev_snp_enabled = False
        if not enabled:
            self.event("kvm-amd goes without a shutdown")
            return
        await self.sev_flush_asids()
        await self.sev_firmware_shutdown()  # sev_platform_shutdown()

    # --- ASIDs ----------------------------------------------------------------------------------

    async def sev_flush_asids(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_flush_asids()
        Locks: takes and drops sev_deactivate_lock for writing, and sev_cmd_mutex inside it
        Source: [code] v7.3: -EBUSY when there is no ASID to reclaim
        """
        await self.preempt()
        if self.sev_asid is not KvmAsid.TO_RECLAIM:
            return EBUSY
        await self.down_write(KvmAmd.sev_deactivate_lock)
        await self.wbinvd_on_all_cpus()
        rc = await self.sev_do_cmd(Command.SNP_DF_FLUSH)
        self.up_write(KvmAmd.sev_deactivate_lock)
        if rc:
            self.event("an ASID cannot be given away again")
        return rc

    async def sev_asid_new(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_asid_new(), __sev_recycle_asids()
        Locks: as sev_flush_asids()
        Source: [code] v7.3: ASIDs are flushed when none is free
        """
        if self.sev_asid is KvmAsid.TAKEN:
            return EBUSY
        if self.sev_asid is KvmAsid.TO_RECLAIM:
            rc = await self.sev_flush_asids()
            if rc:
                return EBUSY
            self.event("an ASID is given away again")
        await self.preempt()
        self.sev_asid = KvmAsid.TAKEN
        return 0

    # --- guests ---------------------------------------------------------------------------------

    async def sev_guest_init(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: __sev_guest_init(), KVM_SEV_INIT2
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3: initializes SNP and SEV if need be, with VMs running
        """
        rc = await self.sev_asid_new()
        if rc:
            return rc
        rc = await self.sev_platform_init(probe=False)
        if rc:
            await self.preempt()
            self.sev_asid = KvmAsid.TO_RECLAIM
        return rc

    async def start_snp_guest(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: KVM_SEV_INIT2 to snp_launch_finish()
        Locks: takes and drops sev_cmd_mutex, with firmware-caches for each command
        Source: [code] v7.3: SNP is initialized if need be, with KVM on the CPUs; then the guest's
        pages are assigned, for which the driver has to know that SNP is up
        """
        if not self.kvm_amd:
            return ENODEV
        if self.firmware_caches:
            return await self.snp_launch()
        if self.kvm_without_sev and not self.sev_snp_enabled:
            return ENODEV
        rc = await self.sev_platform_init(probe=False)
        if rc:
            return rc
        await self.preempt(atomic=VMRUN)
        if self.snp_state is not State.INIT or not self.observe(KvmAmd.snp_initialized):
            return EIO
        self.guest_pages_assigned = True
        self.event("a guest runs")
        return 0

    async def snp_launch(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: KVM_SEV_INIT2 to snp_launch_finish(), and KVM_RUN
        Locks: takes and drops sev_cmd_mutex for each command
        Source: [code] v7.3: what fails once there is a context gives that back
        """
        if not self.sev_snp_enabled:
            return ENODEV
        rc = await self.sev_guest_init()
        if rc:
            return rc
        rc = await self.sev_do_cmd(Command.SNP_GCTX_CREATE)
        if rc:
            return await self.sev_asid_free(rc)
        rc = await self.sev_do_cmd(Command.SNP_LAUNCH_START)
        if rc:
            return await self.snp_decommission_context(rc)
        rc = await self.sev_do_cmd(Command.SNP_ACTIVATE)
        if rc:
            self.event("SNP_ACTIVATE fails")
            return await self.snp_decommission_context(rc)
        await self.preempt(atomic=VMRUN)
        if self.snp_state is not State.INIT or not self.cpus.any(online=True, svme=True):
            return await self.snp_decommission_context(EIO)  # SNP has gone meanwhile
        self.guest_pages_assigned = True
        self.snp_asid = Asid.IN_USE
        self.cpus.where(online=True).set_one(ran_guest=True)
        self.event("a guest runs")
        return 0

    async def snp_decommission_context(self, rc: int) -> int:
        """C: arch/x86/kvm/svm/sev.c: snp_decommission_context(), by an error and sev_vm_destroy()
        Locks: takes and drops sev_deactivate_lock for writing, and sev_cmd_mutex inside it
        Source: [code] v7.3: what fails is tried again when the VM goes; then the ASID leaks. The
        page of the context is reclaimed, or leaks
        """
        await self.down_write(KvmAmd.sev_deactivate_lock)
        failed = await self.sev_do_cmd(Command.SNP_DECOMMISSION)
        if failed:
            failed = await self.sev_do_cmd(Command.SNP_DECOMMISSION)
        self.up_write(KvmAmd.sev_deactivate_lock)
        if failed:
            self.event("an ASID leaks")
            return rc
        await self.sev_do_cmd(Command.SNP_PAGE_RECLAIM)
        return await self.sev_asid_free(rc)

    async def sev_asid_free(self, rc: int) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_asid_free()
        Locks: none of its own that anyone else takes
        Source: [code] v7.3: to be reclaimed, which wants a flush first
        """
        await self.preempt()
        self.sev_asid = KvmAsid.TO_RECLAIM
        return rc

    async def stop_snp_guest(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_vm_destroy()
        Locks: with firmware-caches, sev_deactivate_lock for writing, and sev_cmd_mutex inside it
        Source: [code] v7.3: its pages are reclaimed
        """
        if self.firmware_caches:
            return await self.sev_vm_destroy()
        if self.kvm_amd and self.guest_pages_assigned:
            self.guest_pages_assigned = False
            await self.snp_rmpopt_all_physmem()
        return 0

    async def sev_vm_destroy(self) -> int:
        """C: arch/x86/kvm/svm/sev.c: sev_vm_destroy()
        Locks: takes and drops sev_deactivate_lock for writing, and sev_cmd_mutex inside it
        Source: [code] v7.3: the guest's memory has gone before, by RMPUPDATE and without the
        firmware
        """
        if not self.guest_pages_assigned:
            return 0
        self.guest_pages_assigned = False
        await self.snp_decommission_context(0)
        await self.snp_rmpopt_all_physmem()
        return 0
