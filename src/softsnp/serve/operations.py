"""What can be asked of a virtual host, as coroutines of the specification."""

from __future__ import annotations

from typing import Any

from softsnp.abi.sev import Command
from softsnp.operate.operations import OPERATIONS, Work
from softsnp.spec.activities import SNP_IOCTLS, SYSTEM_CALL, Host

MOST_IOCTLS = 2
"""Of the three users that ccp_users counts, one is KVM, now or soon. Who comes later waits before
the ioctl, as it would for its mutex.
"""


BOOT = "boot"
SEV_IOCTL = "sev_ioctl"
RMPOPT_WORKER = "rmpopt-worker"


async def system_call(spec: Host, call: str) -> int | None:
    """An operation as its activity does it: begun when user space may begin something."""
    await spec.rest(spec.user_space_runs, atomic=SYSTEM_CALL)
    return await OPERATIONS[call].start(spec)


async def sev_ioctl(spec: Host, command: Command) -> int:
    """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl(), as many at once as the count of files has room
    for
    """
    await spec.rest(lambda: _may_begin(spec), atomic=SYSTEM_CALL)
    return await spec.sev_ioctl(command)


def _may_begin(spec: Host) -> bool:
    most = MOST_IOCTLS + bool(spec.kvm_amd)
    return spec.user_space_runs() and spec.ccp_users < most


def role_of(command: Command) -> str:
    snp = command in SNP_IOCTLS or command is Command.SNP_PLATFORM_STATUS
    return "ioctl-user" if snp else "sev-user"


def described(call: str, cpu: int | None, **more: Any) -> dict[str, Any]:
    """How a task began, for a recording; ``operation`` is for who reads the chart."""
    told: dict[str, Any] = {"call": call}
    if cpu is not None:
        told["cpu"] = cpu
    operation = f"{call} CPU {cpu}" if cpu is not None else call
    return {"operation": more.pop("operation", operation), **told, **more}


def coroutine_of(spec: Host, begin: dict[str, Any]) -> tuple[str, Work, int | None]:
    """(role, coroutine, CPU that it is about) of a task, from how it began.

    Raises KeyError for a call or a command that is not known.
    """
    if "activity" in begin:
        activity = str(begin["activity"])
        return activity, spec.coroutine(spec.activity_names.index(activity)), None
    call = begin["call"]
    if call == BOOT:
        return "administrator", spec.start_kernel(), None
    if call == SEV_IOCTL:
        command = Command[begin["command"]]
        return role_of(command), sev_ioctl(spec, command), None
    operation = OPERATIONS[call]
    cpu = begin.get("cpu") if operation.about_a_cpu else None
    return operation.role, system_call(spec, call), cpu
