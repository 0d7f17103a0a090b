"""The firmware's mailbox: between the control plane, which decides what succeeds, and the data.

What the data has against a command is for the control plane a command that fails for a reason which
is not specified. What the firmware then says, and what it gives back, is kept with the task.
"""

from __future__ import annotations

from errno import EBUSY
from typing import Any

from softsnp.abi.sev import Command, Ioctl, Status
from softsnp.run.task import ENDED, Begin, Task
from softsnp.spec.fw.psp import State

from .control_plane import ControlPlane
from .faults import NO_ANSWER, Faults
from .firmware import Answer, Firmware, Platform, Request
from .operations import SEV_IOCTL, described
from .sev_device import Outcome
from .sev_requests import Prepared

RESET = (Ioctl.FACTORY_RESET.name,)
WANT_SEV = tuple(one.name for one in Ioctl if one.name.startswith(("PEK_", "PDH_")))
HEARD = {
    Command.PLATFORM_STATUS: RESET,
    Command.SHUTDOWN: RESET,
    Command.INIT_EX: WANT_SEV,
}
"""Whose status an ioctl hears of besides its own command's, by the ioctls that do."""
STATUS_NAMES = {status.value: status.name for status in Status}
NOT_ITS_PAGE = "it is not the firmware's page: INVALID_PAGE_STATE"


class Mailbox:
    """What commands carry to the firmware, and what comes back."""

    def __init__(self, plane: ControlPlane, firmware: Firmware, faults: Faults) -> None:
        self.plane = plane
        self.firmware = firmware
        self.faults = faults
        self.open_files = 0
        """Of /dev/sev."""

    def platform(self) -> Platform:
        """The firmware's state machine."""
        sev = self.plane.scalar("sev_state") is State.INIT
        return Platform(
            sev_initialized=sev,
            sev_es=sev,
            snp_initialized=self.plane.scalar("snp_state") is State.INIT,
            rmp_initialized=self.plane.scalar("rmp_initialized"),
            guests=0,
            snp_guests=int(self.plane.scalar("guest_pages_assigned")),
        )

    # --- ioctls -----------------------------------------------------------------------------------

    def issue(
        self,
        asked: Ioctl,
        prepared: Prepared,
        done: Outcome,
    ) -> None:
        """Begin an ioctl of /dev/sev."""
        request = prepared.request
        given: dict[str, Any] = {"data": request.data.hex(), "more": request.more.hex()}
        begin = described(
            SEV_IOCTL,
            None,
            operation=asked.name,
            command=prepared.stands_for.name,
            mailbox=request.command.name,
            **{name: value for name, value in given.items() if value},
        )

        def ended(result: Any) -> None:
            kept = task.kept
            bracket = self.plane.spec.ioctls == "bracket" and "asked" not in kept
            if bracket and result is not ENDED and result < 0:
                kept["error"] = Status.INVALID_PLATFORM_STATE.value
            answer = kept.get("answer")
            if answer is None and ("asked" in kept or self._finds_psp_dead(prepared, result)):
                answer = Answer(Status.HWERROR_PLATFORM, lengths=request.lengths)
            done(result, kept.get("error"), answer)

        task = self.plane.begin(begin, ended)
        task.kept["request"] = request

    def _finds_psp_dead(self, prepared: Prepared, result: Any) -> bool:
        """Whether it is the ioctl's own command that cannot be sent, and not INIT_EX before it."""
        wants_sev = prepared.stands_for is Command.PEK_GEN
        return result == -EBUSY and (self.sev_is_up() or not wants_sev)

    def sev_is_there(self) -> bool:
        return bool(self.plane.scalar("ccp_loaded"))

    def sev_is_up(self) -> bool:
        return self.plane.scalar("sev_plat_state") is State.INIT

    def snp_is_missed(self) -> bool:
        return self.plane.spec.ioctls != "bracket" and not self.plane.scalar("snp_initialized")

    def opened(self, delta: int) -> None:
        self.open_files += delta

    def begin_again(self, begin: Begin) -> Task:
        """A task of a recording, with what it asks of the firmware."""
        task = self.plane.begin(begin)
        if begin.get("call") == SEV_IOCTL:
            task.kept["request"] = Request(
                Command[str(begin.get("mailbox", begin["command"]))],
                bytes.fromhex(str(begin.get("data", ""))),
                bytes.fromhex(str(begin.get("more", ""))),
            )
        return task

    # --- while steps are taken --------------------------------------------------------------------

    def fails(self, what: str) -> bool:
        """Whether what the specification asks about fails: because somebody wanted it, or because
        the firmware's data has something against the command.
        """
        task = self.plane.live.current
        kept = task.kept if task is not None else {}
        request: Request | None = kept.get("request") if self._is_own(task, what) else None
        injected = self.faults.take(request.command.name if request is not None else what)
        if injected is not None:
            kept["late" if what == NO_ANSWER else "status"] = injected.status
            return True
        if request is None:
            return False
        status = self.firmware.consider(request, self.platform())
        if status is Status.SUCCESS:
            return False
        kept["status"] = status.value
        if status is Status.INVALID_LEN:
            kept["answer"] = self.firmware.execute(request, self.platform())
        return True

    def _is_own(self, task: Task | None, command: str) -> bool:
        return task is not None and task.begin.get("command") == command

    def answered(self, task: Task, command: Command, status: Status) -> str:
        """The firmware has answered a command of this task; the remark, with its real status."""
        kept = task.kept
        own = self._is_own(task, command.name)
        if own:
            kept["asked"] = True
        value = kept.pop("status", status.value) if status is not Status.SUCCESS else 0
        late = "late" in kept
        if own or task.begin.get("operation") in HEARD.get(command, ()):
            kept["error"] = 0 if late else value
        if status is Status.SUCCESS:
            if command is Command.SNP_SHUTDOWN_EX:
                self.firmware.snp_shut_down()
            elif own and "request" in kept:
                kept["answer"] = self.firmware.execute(kept["request"], self.platform())
        if late:
            kept.pop("answer", None)
        return f"{command.name} → {STATUS_NAMES.get(value, status.name)}"

    def page_refused(self, task: Task) -> None:
        """The firmware has answered, and then not written to a page that is not its own."""
        task.kept["error"] = Status.INVALID_PAGE_STATE.value
        task.kept.pop("answer", None)
