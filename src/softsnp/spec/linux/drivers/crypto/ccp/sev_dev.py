"""drivers/crypto/ccp/sev-dev.c: the PSP driver's SEV side."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY, EIO, ENODEV, ENOMEM, ETIMEDOUT
from softsnp.abi.sev import Command, Status
from softsnp.lang import Bool, Count, Mutex, OneOf
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.arch.x86.virt.svm.sev_rmpopt import SevRmpopt


def errno_of(answer: Status | int) -> int:
    """What a function returns for a command's answer; a number is an error without one."""
    if isinstance(answer, int):
        return answer
    return 0 if answer is Status.SUCCESS else EIO


class CcpSevDev(SevRmpopt):
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

    psp_dead = Bool(
        False,
        "a command got no answer in time, and no other is sent",
        memory="module",
        guard="sev_cmd_mutex",
    )
    panic_notifier = Bool(
        False,
        "snp_panic_notifier is registered",
        memory="module",
        guard="sev_cmd_mutex",
    )

    # --- commands -------------------------------------------------------------------------------

    async def _sev_do_cmd_locked(self, command: Command) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_do_cmd_locked()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: any status but success is -EIO
        """
        answer = await self._sev_ask_locked(command)
        return errno_of(answer)

    async def _sev_ask_locked(self, command: Command) -> Status | int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_do_cmd_locked(), with what it stores in *psp_ret
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: no answer in time is -ETIMEDOUT, and sets psp_dead; from then on
        -EBUSY. Whether the firmware did the command is another question
        """
        if self.psp_dead:
            return EBUSY
        status = await self.psp_command(command)
        if self.commands_may_time_out and self.fault("the answer in time"):
            self.psp_dead = True
            self.event("a command times out")
            return ETIMEDOUT
        return status

    async def sev_do_cmd(self, command: Command) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_do_cmd()
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3
        """
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        rc = await self._sev_do_cmd_locked(command)
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)
        return rc

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
        self.online_set_relied_on = False
        if rc:
            return rc
        await self.wbinvd_on_all_cpus()
        return await self.snp_init_flush()

    async def snp_init_flush(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), its SNP_DF_FLUSH
        Locks: sev_cmd_mutex held
        Source: [code] v7.3
        """
        return await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)

    async def snp_init_done(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), after SNP_DF_FLUSH succeeded
        Locks: sev_cmd_mutex held
        Source: [code] v7.3
        """
        self.snp_initialized = True
        self.panic_notifier = True

    async def snp_init_observed(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: the callers of __sev_snp_init_locked()
        Locks: sev_cmd_mutex held
        Source: none; it watches what a failed init does to SNP's hold on CPU hotplug
        """
        self.fully_shut_down = False
        found = self.observe(CcpSevDev.cpu_hotplug_disabled)
        rc = await self._sev_snp_init_locked()
        self.online_set_relied_on = False
        if rc:
            self.event("SNP init fails")
            if self.observe(CcpSevDev.cpu_hotplug_disabled) != found:
                self.note(f"SNP's hold was {found} before the failed init")
                self.event("SNP init fails and leaves another hold")
        return rc

    # --- SNP shutdown ---------------------------------------------------------------------------

    async def _sev_snp_shutdown_locked(self, panic: bool = False) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked()
        Locks: sev_cmd_mutex held, unless in a panic
        Source: [code] v7.3: on any failure snp_initialized stays true. In a panic every other CPU
        is stopped, and has done WBINVD in the NMI that stopped it
        """
        if not self.snp_initialized:
            return 0
        rc = await self.snp_shutdown_commands(panic)
        if rc == 0:
            rc = await self.snp_shutdown_succeeded(panic)
        if rc:
            return rc
        self.snp_initialized = False
        if not panic:
            self.panic_notifier = False
        return 0

    async def snp_shutdown_commands(self, panic: bool) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), to the last SNP_SHUTDOWN_EX
        Locks: sev_cmd_mutex held, unless in a panic
        Source: [code] v7.3
        """
        if not panic:
            await self.wbinvd_on_all_cpus()
        status = await self._sev_ask_locked(Command.SNP_SHUTDOWN_EX)
        if status is Status.DFFLUSH_REQUIRED:
            rc = await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)
            if rc:
                return rc
            status = await self._sev_ask_locked(Command.SNP_SHUTDOWN_EX)
        return 0 if status is Status.SUCCESS else EIO

    async def snp_shutdown_succeeded(self, panic: bool) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), after SNP_SHUTDOWN_EX
        Locks: sev_cmd_mutex held, unless in a panic
        Source: [code] v7.3: the pages of the IOMMU's log are given back by a legacy shutdown only
        """
        if not self.x86_snp_shutdown_asked_for():
            if self.firmware_steps and self.fault("amd_iommu_snp_disable()"):
                return EIO
        elif not panic:
            await self.x86_snp_shutdown()
        return 0

    async def x86_snp_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), if data.x86_snp_shutdown
        Locks: sev_cmd_mutex held
        Source: [code] v7.3
        """
        await self.snp_shutdown()

    async def _sev_platform_shutdown_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_platform_shutdown_locked()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: legacy SEV; the cached state decides whether there is anything to do
        """
        if self.sev_plat_state is not State.INIT:
            return 0
        rc = await self._sev_do_cmd_locked(Command.SHUTDOWN)
        if rc == 0:
            self.sev_plat_state = State.UNINIT
        return rc

    async def _sev_firmware_shutdown(self, panic: bool = False) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_firmware_shutdown()
        Locks: sev_cmd_mutex held, unless in a panic
        Source: [code] v7.3: the results of both shutdowns are ignored
        """
        await self._sev_platform_shutdown_locked()
        await self._sev_snp_shutdown_locked(panic)

    async def snp_shutdown_on_panic(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: snp_shutdown_on_panic()
        Locks: none; gives up if sev_cmd_mutex is held
        Source: [code] v7.3: another command may be under way
        """
        if not self.panic_notifier or self.observe(CcpSevDev.sev_cmd_mutex.locked):
            return
        self.event("a panic shuts SNP down")
        await self._sev_firmware_shutdown(panic=True)

    async def sev_firmware_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: sev_firmware_shutdown()
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3
        """
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        await self._sev_firmware_shutdown()
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)

    # --- platform init, for KVM -----------------------------------------------------------------

    async def sev_platform_init(self, probe: bool = True) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_platform_init(), _sev_platform_init_locked()
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3: args->probe is set when kvm-amd is loaded, and not for a VM. With
        legacy SEV in INIT, SNP is not looked at
        """
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        rc = 0
        if self.sev_plat_state is not State.INIT:
            up = self.snp_initialized
            rc = await self.snp_init_observed()
            if rc == 0 and not up and not probe:
                self.event("a VM initializes SNP")
            if rc == ENODEV:  # no SNP here; legacy SEV may do without
                rc = 0
            if rc == 0 and (self.psp_init_on_probe or not probe):
                rc = await self._sev_platform_init_locked()
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)
        return rc

    async def _sev_platform_init_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_platform_init_locked()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: the state is set before the DF_FLUSH whose failure is returned
        """
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
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3: initializes nothing. Without an answer there is no /dev/sev, and ccp
        has to be loaded again; replacing the firmware, if there is a file of it, may fail
        """
        self.lose("module")
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        rc = await self.sev_get_api_version()
        if rc == 0 and self.firmware_steps:
            if await self._sev_do_cmd_locked(Command.DOWNLOAD_FIRMWARE) == 0:
                await self.sev_get_api_version()
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)
        if rc:
            self.event("there is no /dev/sev")
            return rc
        self.ccp_loaded = True
        return 0

    async def sev_get_api_version(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_get_api_version()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: SNP is asked first, and whatever fails ends it; the state of legacy SEV
        that the firmware answers with is kept
        """
        rc = await self.snp_get_platform_data()
        if rc:
            return rc
        rc = await self._sev_do_cmd_locked(Command.PLATFORM_STATUS)
        if rc == 0:
            self.sev_plat_state = self.sev_state
        return rc

    async def snp_get_platform_data(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: snp_get_platform_data()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: into a page that it does not give to the firmware; SNP_FEATURE_INFO,
        which follows, is not told apart from it
        """
        answer = await self.snp_platform_status(firmware_page=False)
        return errno_of(answer)

    async def snp_platform_status(self, firmware_page: bool) -> Status | int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_do_cmd_locked(SEV_CMD_SNP_PLATFORM_STATUS)
        Locks: sev_cmd_mutex held
        Source: [FW] while SNP is up, the firmware writes to no page but its own
        """
        status = await self._sev_ask_locked(Command.SNP_PLATFORM_STATUS)
        await self.preempt(atomic="sev_cmd_mutex is held: no command changes the state")
        if status is Status.SUCCESS and self.snp_state is State.INIT and not firmware_page:
            self.note("it is not the firmware's page: INVALID_PAGE_STATE")
            self.event("the firmware refuses a page that the driver left to the hypervisor")
            return Status.INVALID_PAGE_STATE
        return status

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
