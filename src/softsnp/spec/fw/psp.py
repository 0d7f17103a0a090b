"""The SEV firmware on the PSP: one mailbox command at a time, most of them in one step."""

from __future__ import annotations

import enum

from softsnp.abi.sev import Command, Status
from softsnp.lang import Bool, OneOf, Selection
from softsnp.spec.hw.rmp import Rmp, RmpTable


class State(enum.Enum):
    """Of the SEV and of the SNP firmware context."""

    UNINIT = 0
    INIT = 1


class Asid(enum.Enum):
    """Of an ASID, over all core complexes. A clean one may be given away."""

    CLEAN = 0
    DIRTY = 1
    ALLOCATED = 2
    IN_USE = 3


ONE_COMMAND = "the PSP runs one mailbox command at a time and looks at every core itself"


class Psp(Rmp):
    """Firmware state. It survives every kernel; "SNP is live" means ``snp_state`` is INIT."""

    sev_state = OneOf(State.UNINIT, "legacy SEV: sev.state")
    snp_state = OneOf(State.UNINIT, "SNP: snp_state")
    rmp_initialized = Bool(False, "SNP: the RMP was filled, and not given up since")
    snp_asid = OneOf(Asid.CLEAN, "the one ASID that guests have here")
    fully_shut_down = Bool(
        False, "no SNP init and no kexec has begun since a full x86 shutdown", ghost=True
    )

    def _counted(self, **bits: bool) -> bool:
        """Whether every core that the firmware counts has these bits."""
        return self._counted_cores().all(**bits)

    def _counted_cores(self) -> Selection:
        if self.firmware_counts_offline_cores:
            return self.cpus.where(fused=True)
        return self.cpus.where(online=True)

    async def psp_command(self, command: Command) -> Status:
        """C: none (firmware); what the mailbox answers.

        Locks: sev_cmd_mutex held by the caller
        Source: [FW] dispatch; [ABI] command by command
        """
        await self.preempt(atomic=ONE_COMMAND)
        if self.firmware_steps and command is Command.SNP_SHUTDOWN_EX:
            status = await self._snp_shutdown_ex_in_steps()
        else:
            status = self._psp_execute(command)
        self.note(f"{command.name} → {status.name}")
        return status

    def _psp_execute(self, command: Command) -> Status:
        if self.commands_may_fail and self.fault(command.name):
            return Status.HWERROR_PLATFORM
        if command is Command.SNP_INIT_EX:
            return self._snp_init_ex()
        if command is Command.SNP_SHUTDOWN_EX:
            return self._snp_shutdown_ex()
        if command is Command.INIT_EX:
            return self._init_ex()
        if command in (Command.SNP_DF_FLUSH, Command.DF_FLUSH):
            return self._df_flush()
        if command is Command.SHUTDOWN:
            self.sev_state = State.UNINIT
        return self._psp_execute_more(command)

    def _psp_execute_more(self, command: Command) -> Status:
        """Commands that SNP's life does not depend on directly.

        Source: [FW] FACTORY_RESET and DOWNLOAD_FIRMWARE want UNINIT; a status page has to be the
        firmware's own while SNP is up
        """
        if command is Command.FACTORY_RESET and self.sev_state is not State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if command is Command.DOWNLOAD_FIRMWARE and (
            self.sev_state is not State.UNINIT or self.snp_state is not State.UNINIT
        ):
            self.event("the firmware is not replaced in INIT")
            return Status.INVALID_PLATFORM_STATE
        if command is Command.DOWNLOAD_FIRMWARE:
            self.event("the firmware is replaced")
        if command is Command.PEK_GEN and self.sev_state is State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if command in GUEST_COMMANDS:
            return self._guest_command(command)
        return Status.SUCCESS

    # --- SNP ------------------------------------------------------------------------------------

    def _snp_init_ex(self) -> Status:
        """SNP_INIT_EX with init_rmp. On failure nothing is changed; SNP_EN is never touched.

        Source: [FW] checks in this order, each of every core
        """
        if self.snp_state is not State.UNINIT or self.sev_state is not State.UNINIT:
            self.event("SNP_INIT_EX is refused in INIT")
            return Status.INVALID_PLATFORM_STATE
        self.event("SNP_INIT_EX looks at the cores")
        if not self._prepared():
            self.event("SNP_INIT_EX finds a core unprepared")
            return Status.INVALID_CONFIG
        self.rmp = RmpTable.LIVE
        self.rmp_initialized = True
        self.guest_pages_assigned = False
        self.snp_state = State.INIT
        if self.firmware_caches:
            self.snp_asid = Asid.DIRTY
            self._counted_cores().set(wbinvd_done=False, ran_guest=False)
        self.event("SNP comes up")
        return Status.SUCCESS

    def _prepared(self) -> bool:
        return (
            self._counted(snp_en=True)
            and not self._counted_cores().any(snp_en=True, vmpl_en=False)
            and self._counted(mfdm=True)
            and self._counted(hsave=False)
        )

    def x86_snp_shutdown_asked_for(self) -> bool:
        """data.x86_snp_shutdown: a driver that knows of it sets it where the firmware has it."""
        return self.firmware == "x86-shutdown"

    def _snp_shutdown_ex(self) -> Status:
        """SNP_SHUTDOWN_EX, with x86_snp_shutdown where the driver asks for it.

        Source: [FW] state first; guests in use keep their ASIDs from ever being clean
        """
        status = self._snp_shutdown_ex_refused()
        if status is not None:
            return status
        self.snp_state = State.UNINIT
        self.rmp_initialized = False
        if self.x86_snp_shutdown_asked_for():
            self._counted_cores().set(snp_en=False)
            self._x86_snp_shutdown_done()
        return Status.SUCCESS

    def _snp_shutdown_ex_refused(self) -> Status | None:
        if self.sev_state is not State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if self.snp_state is State.UNINIT:
            return Status.SUCCESS
        if self.firmware_caches:
            dirty = self.snp_asid is not Asid.CLEAN
        else:
            dirty = self.guest_pages_assigned
        return Status.DFFLUSH_REQUIRED if dirty else None

    def _x86_snp_shutdown_done(self) -> None:
        self.fully_shut_down = True
        self.event("full shutdown")
        if self.cpus.where(fused=True).any(snp_en=True):
            self.event("a full shutdown leaves SNP_EN set on a core")

    async def _snp_shutdown_ex_in_steps(self) -> Status:
        """C: none (firmware); the state goes first, then the RMP, then SNP_EN die by die.

        Locks: sev_cmd_mutex held by the caller
        Source: [FW] a failure in the middle leaves UNINIT, with SNP_EN set on some cores or all.
        Of two dies CPU 0 is the one here, and the rest are the other
        """
        if self.commands_may_fail and self.fault("SNP_SHUTDOWN_EX"):
            return Status.HWERROR_PLATFORM
        status = self._snp_shutdown_ex_refused()
        if status is not None:
            return status
        self.snp_state = State.UNINIT
        await self.preempt(atomic=ONE_COMMAND)
        if self.commands_may_fail and self.fault("SNP_SHUTDOWN_EX, halfway"):
            self.event("SNP_SHUTDOWN_EX fails halfway")
            return Status.HWERROR_PLATFORM
        self.rmp_initialized = False
        if not self.x86_snp_shutdown_asked_for():
            return Status.SUCCESS
        self._counted_cores().where(boot=True).set(snp_en=False)
        await self.preempt(atomic=ONE_COMMAND)
        if self.commands_may_fail and self.fault("SNP_SHUTDOWN_EX, halfway"):
            self.event("SNP_SHUTDOWN_EX fails halfway")
            return Status.SHUTDOWN_INCOMPLETE
        self._counted_cores().set(snp_en=False)
        self._x86_snp_shutdown_done()
        return Status.SUCCESS

    # --- caches and guests ----------------------------------------------------------------------

    def _df_flush(self) -> Status:
        """SNP_DF_FLUSH and DF_FLUSH: every core has to have done WBINVD since it was asked to.

        Source: [FW] a core complex counts as done with its first core, so an ASID can become clean
        even though the command fails
        """
        if not self.firmware_caches:
            return Status.SUCCESS
        done = self._counted(wbinvd_done=True)
        if self.snp_asid is Asid.DIRTY and (
            done or self.choose(False, True, label="the cores that count have done WBINVD")
        ):
            self.snp_asid = Asid.CLEAN
        if not done:
            self.event("DF_FLUSH wants a WBINVD")
            return Status.WBINVD_REQUIRED
        return Status.SUCCESS

    def _guest_command(self, command: Command) -> Status:
        """Commands about the guest's context, its ASID and its pages.

        Source: [FW] all want SNP in INIT; [ABI] ACTIVATE wants a clean ASID
        """
        if self.snp_state is not State.INIT:
            return Status.INVALID_PLATFORM_STATE
        if not self.firmware_caches:
            return Status.SUCCESS
        if command is Command.SNP_ACTIVATE:
            if self.snp_asid is Asid.DIRTY:
                return Status.DFFLUSH_REQUIRED
            if self.snp_asid is not Asid.CLEAN:
                return Status.ASID_OWNED
            self.snp_asid = Asid.ALLOCATED
        elif command is Command.SNP_DECOMMISSION:
            if self.snp_asid is Asid.IN_USE:
                self.snp_asid = Asid.DIRTY
                self.cpus.where(ran_guest=True).set(wbinvd_done=False, ran_guest=False)
            elif self.snp_asid is Asid.ALLOCATED:
                self.snp_asid = Asid.CLEAN
        return Status.SUCCESS

    # --- legacy SEV -----------------------------------------------------------------------------

    def _init_ex(self) -> Status:
        """INIT_EX, legacy SEV.

        Source: [FW] refused while SNP_EN is set on all cores and the RMP is not initialized
        """
        if self.sev_state is not State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if not self.rmp_initialized and self._counted(snp_en=True):
            self.event("INIT_EX is refused for want of an RMP")
            return Status.INVALID_PLATFORM_STATE
        self.sev_state = State.INIT
        return Status.SUCCESS


GUEST_COMMANDS = (
    Command.SNP_GCTX_CREATE,
    Command.SNP_LAUNCH_START,
    Command.SNP_ACTIVATE,
    Command.SNP_DECOMMISSION,
    Command.SNP_PAGE_RECLAIM,
)
