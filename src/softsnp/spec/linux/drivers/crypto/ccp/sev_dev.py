"""drivers/crypto/ccp/sev-dev.c: the PSP driver's SEV side."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY, EIO, ENODEV, ENOMEM
from softsnp.abi.sev import Command, Status
from softsnp.lang import Bool, Count, Mutex, OneOf
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.arch.x86.virt.svm.sev import X86Sev


class CcpSevDev(X86Sev):
    """The ccp module. Its memory is lost when it is unloaded; built-in memory is not."""

    sev_cmd_mutex = Mutex("one SEV command sequence at a time", memory="module")
    ccp_loaded = Bool(False, "the ccp module is there, and so is /dev/sev", memory="kernel")
    ccp_users = Count(
        3, "how many have /dev/sev open; ccp cannot go while any has", memory="kernel"
    )
    snp_initialized = Bool(
        False,
        "struct sev_device: SNP is up, says the driver",
        memory="module",
        guard="sev_cmd_mutex",
    )
    sev_plat_state = OneOf(
        State.UNINIT,
        "struct sev_device: the cached state of legacy SEV",
        memory="module",
        guard="sev_cmd_mutex",
    )

    # --- commands -------------------------------------------------------------------------------

    async def _sev_do_cmd_locked(self, command: Command) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_do_cmd_locked()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: any status but success is -EIO
        """
        status = await self.psp_command(command)
        return 0 if status is Status.SUCCESS else EIO

    # --- SNP init -------------------------------------------------------------------------------

    async def _sev_snp_init_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3
        """
        if self.snp_initialized:
            return 0
        rc = await self.snp_prepare()
        if rc:
            return rc
        if await self.snp_alloc_range_list():
            return ENOMEM
        rc = await self.snp_init_commands()
        if rc:
            return rc
        await self.snp_init_done()
        return 0

    async def snp_alloc_range_list(self) -> bool:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), its range list
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: after snp_prepare(), which is not undone; true is failure
        """
        if not self.allocations_may_fail:
            return False
        await self.preempt()
        return self.fault("the allocation of the range list")

    async def snp_init_commands(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), from WBINVD to SNP_DF_FLUSH
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: a failed SNP_DF_FLUSH returns with the firmware already in INIT
        """
        await self.wbinvd_on_all_cpus()
        rc = await self._sev_do_cmd_locked(Command.SNP_INIT_EX)
        if rc:
            return rc
        await self.wbinvd_on_all_cpus()
        return await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)

    async def snp_init_done(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), after SNP_DF_FLUSH succeeded
        Locks: sev_cmd_mutex held
        Source: [code] v7.3
        """
        self.snp_initialized = True

    async def snp_init_observed(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: the callers of __sev_snp_init_locked()
        Locks: sev_cmd_mutex held
        Source: none; it watches what a failed init does to SNP's hold on CPU hotplug
        """
        self.fully_shut_down = False
        found = self.observe(CcpSevDev.cpu_hotplug_disabled)
        rc = await self._sev_snp_init_locked()
        if rc:
            self.event("SNP init fails")
            if self.observe(CcpSevDev.cpu_hotplug_disabled) != found:
                self.note(f"SNP's hold was {found} before the failed init")
                self.event("SNP init fails and leaves another hold")
        return rc

    # --- SNP shutdown ---------------------------------------------------------------------------

    async def _sev_snp_shutdown_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), panic=false
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: on any failure snp_initialized stays true
        """
        if not self.snp_initialized:
            return 0
        await self.wbinvd_on_all_cpus()
        status = await self.psp_command(Command.SNP_SHUTDOWN_EX)
        if status is Status.DFFLUSH_REQUIRED:
            if await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH):
                return EIO
            status = await self.psp_command(Command.SNP_SHUTDOWN_EX)
        if status is not Status.SUCCESS:
            return EIO
        if self.x86_snp_shutdown_asked_for():
            await self.x86_snp_shutdown()
        self.snp_initialized = False
        return 0

    async def x86_snp_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), if data.x86_snp_shutdown
        Locks: sev_cmd_mutex held
        Source: [code] v7.3
        """
        await self.snp_shutdown()

    async def _sev_firmware_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_firmware_shutdown()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: the results of both shutdowns are ignored
        """
        if self.sev_plat_state is State.INIT:
            if await self._sev_do_cmd_locked(Command.SHUTDOWN) == 0:
                self.sev_plat_state = State.UNINIT
        await self._sev_snp_shutdown_locked()

    async def sev_firmware_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: sev_firmware_shutdown()
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3
        """
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        await self._sev_firmware_shutdown()
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)

    # --- platform init, for KVM -----------------------------------------------------------------

    async def sev_platform_init(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_platform_init(), _sev_platform_init_locked()
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3, args->probe set, as kvm-amd calls it when it is loaded
        """
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        rc = 0
        if self.sev_plat_state is not State.INIT:
            rc = await self.snp_init_observed()
            if rc == 0:
                rc = await self.sev_platform_init_sev()
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)
        return rc

    async def sev_platform_init_sev(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_platform_init_locked()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: the state is set before the DF_FLUSH whose failure is returned
        """
        if not self.psp_init_on_probe:
            return 0
        rc = await self._sev_do_cmd_locked(Command.INIT_EX)
        if rc:
            return rc
        self.sev_plat_state = State.INIT
        await self.wbinvd_on_all_cpus()
        return await self._sev_do_cmd_locked(Command.DF_FLUSH)

    # --- the module -----------------------------------------------------------------------------
    # Each is a system call: it begins in the step that its caller begins.

    async def modprobe_ccp(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_pci_init()
        Locks: none
        Source: [code] v7.3: asks for the platform status, initializes nothing
        """
        self.ccp_loaded = True
        return 0

    async def rmmod_ccp(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_pci_exit(), sev_dev_destroy(): the module goes
        Locks: takes and drops sev_cmd_mutex, twice
        Source: [code] v7.3; users of the module's symbols or device pin it. The module's exit asks
        for a shutdown, and so does the device when it is unbound: what failed is tried again
        """
        if not self.ccp_loaded:
            return ENODEV
        if self.ccp_users:
            return EBUSY
        self.ccp_loaded = False
        await self.sev_firmware_shutdown()  # sev_pci_exit()
        await self.sev_firmware_shutdown()  # sev_dev_destroy()
        self.lose("module")
        return 0
