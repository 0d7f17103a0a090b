"""Whether a property is violated, as far as that can be seen of a kernel and its hardware."""

from __future__ import annotations

from collections.abc import Callable

from softsnp.lang import Always, AlwaysPossible, Never, Property

from .host import KernelHost

RMP_CLEARED = "the RMP is cleared under a CPU with SNP_EN"
MASKS_CHANGE = "the online set changes during SNP init"
OF_THE_FIRMWARE = (
    "SNP_INIT_EX finds a core unprepared",
    "a full shutdown leaves SNP_EN set on a core",
)
"""Events of the specification's firmware, which is the kernel's here."""
SEEN = (*OF_THE_FIRMWARE, RMP_CLEARED, MASKS_CHANGE)
WATCHED = 128 << 10
"""Where in the table a byte stands that nobody writes but who clears it."""


class Witness:
    """Sees what a kernel does that a property forbids. ``resting``: whether an activity rests."""

    def __init__(self, host: KernelHost, resting: Callable[[str], bool]) -> None:
        self.host = host
        self.resting = resting
        self.happened: set[str] = set()
        self.cleared = False
        """Whether the thread that went on last has cleared the RMP."""
        self.relying: set[int] = set()
        """Whose SNP init sets CPUs' registers, and has no answer to SNP_INIT_EX yet."""
        self.relied_on_from = "after wrmsr" if "snp_prepare" in host.kernel else "broadcast"
        """Before that nobody has compared the masks; v6.12 compares nothing, and broadcasts."""
        host.hardware.guide.events.clear()

    def sees(self, prop: Property) -> bool:
        """Whether anybody here could tell that it is violated, or comes as far as it gets."""
        if isinstance(prop, Never):
            return _warns(prop) or prop.never in SEEN
        return isinstance(prop, Always | AlwaysPossible)

    # --- while threads run -----------------------------------------------------------------------

    def before(self) -> None:
        """A thread goes on, up to the next thing that can be seen."""
        hardware = self.host.hardware
        hardware.memory.put8(hardware.rmp + WATCHED, 1)

    def after(self, who: object, initializes: bool, paused_at: str, did: list[str]) -> None:
        hardware = self.host.hardware
        self.cleared = not hardware.memory.u8(hardware.rmp + WATCHED)
        if self.cleared:
            hardware.look()
            cpus = range(self.host.machine.cpus)
            if any(hardware.has(cpu, "online") and hardware.has(cpu, "snp_en") for cpu in cpus):
                self.happened.add(RMP_CLEARED)
        if self.relying and any(": online " in event for event in did):
            self.happened.add(MASKS_CHANGE)
        if any(event.startswith("SNP_INIT_EX ") for event in did) or not initializes:
            self.relying.discard(id(who))
        elif paused_at == self.relied_on_from:
            self.relying.add(id(who))

    # --- at the end ------------------------------------------------------------------------------

    def violated(self, prop: Property) -> bool:
        """By what the kernel and its hardware have done, or come to."""
        if isinstance(prop, Never):
            if _warns(prop):
                return bool(self.host.machine.warnings)
            return prop.never in self.happened or prop.never in self.host.hardware.guide.events
        spec, guide = self.host.spec, self.host.hardware.guide
        happened = list(guide.events)
        guide.begin(self.host.observe(), 0, ())
        guide.events = happened
        guide.target, guide.asked = None, 0
        guide.resting = lambda activity: self.resting(spec.activity_names[activity])
        spec.driver = guide
        spec.begin_step(-1, atomic="a property is not a step")
        if isinstance(prop, AlwaysPossible):
            return prop.situation().judge(spec)[0] and not prop.arrival().judge(spec)[0]
        assert isinstance(prop, Always)
        return prop.judge(spec)[1]


def _warns(prop: Never) -> bool:
    return prop.never.startswith("WARN")
