"""What somebody has asked to fail: a command, or another thing that may."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.abi.sev import Command, Status

ANY_COMMAND = "any command"
NO_ANSWER = "the answer in time"
FAULTS: dict[str, str] = {
    **{name: f"the firmware command {name} answers with a status" for name in Command.__members__},
    ANY_COMMAND: "the next firmware command, whichever it is, answers with a status",
    NO_ANSWER: "the next firmware command gets no answer, and the driver gives the PSP up",
    "SNP_SHUTDOWN_EX, halfway": "SNP_SHUTDOWN_EX fails when it has done a part",
    "amd_iommu_snp_disable()": "after a legacy shutdown, the IOMMU's pages are not given back",
    "the allocation of the range list": "SNP init has no memory for its range list",
    "a callback of CPU hotplug": "a CPU does not come online, or does not go offline",
}  # fmt: skip
"""Everything that can be made to fail, and what that means."""


@dataclass
class Injected:
    """A fault that waits for its occasion."""

    what: str
    """A key of FAULTS."""
    status: int = Status.HWERROR_PLATFORM.value
    times: int = 1


class Faults:
    """The faults that wait, in the order in which they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Injected] = []

    def add(self, fault: Injected) -> None:
        self.waiting.append(fault)

    def take(self, what: str) -> Injected | None:
        """The first that means this, which is then one time less."""
        command = what in Command.__members__
        for fault in self.waiting:
            if fault.what == what or (command and fault.what == ANY_COMMAND):
                fault.times -= 1
                if fault.times <= 0:
                    self.waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self.waiting.clear()
