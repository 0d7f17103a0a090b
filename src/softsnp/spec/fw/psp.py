"""The SEV firmware on the PSP: one mailbox command at a time, each in one step."""

from __future__ import annotations

import enum

from softsnp.abi.sev import Command, Status
from softsnp.lang import Bool, OneOf, Selection
from softsnp.spec.hw.rmp import Rmp, RmpTable


class State(enum.Enum):
    """Of the SEV and of the SNP firmware context."""

    UNINIT = 0
    INIT = 1


ONE_COMMAND = "the PSP runs one mailbox command at a time and looks at every core itself"


class Psp(Rmp):
    """Firmware state. It survives every kernel; "SNP is live" means ``snp_state`` is INIT."""

    sev_state = OneOf(State.UNINIT, "legacy SEV: sev.state")
    snp_state = OneOf(State.UNINIT, "SNP: snp_state")
    fully_shut_down = Bool(
        False, "no SNP init and no kexec has begun since a full x86 shutdown", ghost=True
    )

    def _counted(self, **bits: bool) -> bool:
        """Whether every core that the firmware counts has these bits."""
        return self._counted_cores().all(**bits)

    def _counted_cores(self) -> Selection:
        if self.firmware_counts_offline_cores:
            return self.cpus.where(present=True)
        return self.cpus.where(online=True)

    async def psp_command(self, command: Command) -> Status:
        """C: none (firmware); what the mailbox answers.

        Locks: sev_cmd_mutex held by the caller
        Source: [FW] dispatch; [ABI] command by command
        """
        await self.preempt(atomic=ONE_COMMAND)
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
        if command is Command.SHUTDOWN:
            self.sev_state = State.UNINIT
        return Status.SUCCESS

    def _snp_init_ex(self) -> Status:
        """SNP_INIT_EX with init_rmp. On failure nothing is changed; SNP_EN is never touched.

        Source: [FW] checks in this order, each of every core
        """
        if self.snp_state is not State.UNINIT or self.sev_state is not State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if not self._counted(snp_en=True):
            return Status.INVALID_CONFIG
        if self._counted_cores().any(snp_en=True, vmpl_en=False):
            return Status.INVALID_CONFIG
        if not self._counted(mfdm=True):
            return Status.INVALID_CONFIG
        if not self._counted(hsave=False):
            return Status.INVALID_CONFIG
        self.rmp = RmpTable.LIVE
        self.guest_pages_assigned = False
        self.snp_state = State.INIT
        self.event("SNP comes up")
        return Status.SUCCESS

    def x86_snp_shutdown_asked_for(self) -> bool:
        """data.x86_snp_shutdown: a driver that knows of it sets it where the firmware has it."""
        return self.firmware == "x86-shutdown"

    def _snp_shutdown_ex(self) -> Status:
        """SNP_SHUTDOWN_EX, with x86_snp_shutdown where the driver asks for it.

        Source: [FW] state first; guests in use keep their ASIDs from ever being clean
        """
        if self.sev_state is not State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if self.snp_state is State.UNINIT:
            return Status.SUCCESS
        if self.guest_pages_assigned:
            return Status.DFFLUSH_REQUIRED
        self.snp_state = State.UNINIT
        if self.x86_snp_shutdown_asked_for():
            self._counted_cores().set(snp_en=False)
            self.fully_shut_down = True
            self.event("full shutdown")
        return Status.SUCCESS

    def _init_ex(self) -> Status:
        """INIT_EX, legacy SEV.

        Source: [FW] refused while SNP_EN is set on all cores and SNP is not initialized
        """
        if self.sev_state is not State.UNINIT:
            return Status.INVALID_PLATFORM_STATE
        if self.snp_state is State.UNINIT and self._counted(snp_en=True):
            return Status.INVALID_PLATFORM_STATE
        self.sev_state = State.INIT
        return Status.SUCCESS
