"""What a kernel says in its log about what changes in the specification."""

from __future__ import annotations

from collections.abc import Callable

from softsnp.abi.sev import Command, Status

from .control_plane import answered
from .tree.kernel_log import EMERGENCY, ERROR, INFO, NOTICE, WARNING, KernelLog
from .tree.node import MEMORY
from .tree.places import Places
from .tree.snp_registers import RMP_BASE, rmp_end
from .view import HostView

PSP = "ccp 0000:42:00.1"
"""The driver, and where its device is on the PCI bus."""
FIRMWARE = (1, 55, 40)
"""API major and minor, and build, of a host that does not say."""
OPERATIONS = {
    "suspend": ("PM: suspend entry (deep)", "PM: suspend exit"),
    "test suspend": ("PM: suspend entry (deep)", "PM: suspend exit"),
    "hibernate": ("PM: hibernation: hibernation entry", "PM: hibernation: hibernation exit"),
}
EVENTS = {
    "the host sleeps": (INFO, "ACPI: PM: Waking up from system sleep state S3"),
    "suspending is tested": (INFO, "PM: suspend debug: Waiting for 5 second(s)."),
    "the host comes out of hibernation": (INFO, "PM: hibernation: Image restored successfully."),
    "a panic shuts SNP down": (INFO, f"{PSP}: SEV-SNP: shut down for the crash kernel"),
    "a crash kernel starts": (INFO, "kexec_core: Starting crash kernel"),
    "kexec": (EMERGENCY, "kexec_core: Starting new kernel"),
    "reboot": (EMERGENCY, "reboot: Restarting system"),
    "panic": (EMERGENCY, "Kernel panic - not syncing: sysrq triggered crash"),
    "factory reset": (INFO, f"{PSP}: SEV: the platform is as it left the factory"),
    "an ASID leaks": (WARNING, "kvm_amd: SEV-SNP: an ASID could not be freed"),
    "SNP_ACTIVATE fails": (ERROR, "kvm_amd: SEV-SNP: a guest could not be activated"),
    "SNP init fails": (ERROR, f"{PSP}: SEV-SNP: initialization failed"),
    "CPU hotplug is rolled back": (WARNING, "cpuhp: a callback failed; what was done is undone"),
    "nr_cpus= keeps a CPU out of the present mask": (
        WARNING,
        "APIC: the limit of CPUs is reached: not all processors are there",
    ),
}
NOTES = {
    "online ≠ present: -EOPNOTSUPP": (
        ERROR,
        "SEV-SNP: not all present CPUs are online: nothing is prepared",
    ),
    "nr_cpus= has kept CPUs out: -EOPNOTSUPP": (
        ERROR,
        "SEV-SNP: nr_cpus= has kept CPUs out: nothing is prepared",
    ),
    "SNP_EN is set: the host does not sleep": (
        ERROR,
        "PM: SEV-SNP is enabled: the host cannot sleep",
    ),
}
"""Those that are more than an explanation."""


class KernelMessages:
    """Told what happens, it writes the lines. What no kernel would say is passed over."""

    def __init__(
        self,
        host: HostView,
        log: KernelLog,
        command_line: str,
        release: str = "softsnp",
        firmware: Callable[[], tuple[int, int, int]] = lambda: FIRMWARE,
    ) -> None:
        self.host = host
        self.log = log
        self.command_line = command_line
        self.release = release
        self.firmware = firmware
        self.places = Places(host)
        self.asked: Command | None = None
        """The command that the firmware answered last."""

    def booted(self) -> None:
        """A kernel begins. CPUs that come up after it say so themselves."""
        say, host, places = self.log.say, self.host, self.places
        say(f"Linux version {self.release} (softsnp) #1 SMP PREEMPT_DYNAMIC", NOTICE)
        say(f"Command line: {self.command_line}")
        family, model = host.generation.family, host.generation.model
        stepping = host.generation.stepping
        last = rmp_end(places.sockets * MEMORY * 1024)
        say(f"SEV-SNP: RMP table physical range [0x{RMP_BASE:016x} - 0x{last:016x}]")
        say(
            f"smpboot: CPU0: {host.generation.brand} "
            f"(family: 0x{family:x}, model: 0x{model:x}, stepping: 0x{stepping:x})"
        )
        possible, present = places.cpus, places.present(places.all).bit_count()
        say(f"smpboot: Allowing {possible} CPUs, {possible - present} hotplug CPUs")
        say("Memory Encryption Features active: AMD SME")

    # --- from the specification ------------------------------------------------------------------

    def cpu_changed(self, cpu: int, bit: str, value: bool) -> None:
        if bit == "online" and value:
            place = f"Node {self.places.socket(cpu)} Processor {cpu}"
            self.log.say(f"smpboot: Booting {place} APIC 0x{self.places.apic(cpu):x}")
        elif bit == "online":
            self.log.say(f"smpboot: CPU {cpu} is now offline")
        elif bit == "present" and value:
            self.log.say(f"ACPI: CPU{cpu} has been hot-added")
        elif bit == "present":
            self.log.say(f"ACPI: CPU{cpu} has been removed")

    def note(self, text: str) -> None:
        if told := answered(text):
            self._answered(*told)
        elif text.startswith("WARN: "):
            self.warning(text.removeprefix("WARN: "))
        elif text in NOTES:
            level, said = NOTES[text]
            self.log.say(said, level)

    def event(self, name: str) -> None:
        if name == "a command times out":
            number = self.asked.value if self.asked else 0
            self.log.say(f"{PSP}: sev command 0x{number:x} timed out, disabling PSP", ERROR)
        elif name in EVENTS:
            level, text = EVENTS[name]
            self.log.say(text, level)

    def _answered(self, command: Command, status: Status) -> None:
        self.asked = command
        if status is not Status.SUCCESS:
            self.log.say(
                f"{PSP}: sev command 0x{command.value:x} failed (0x{status.value:08x})", ERROR
            )
            return
        major, minor, build = self.firmware()
        kind = {Command.SNP_INIT_EX: "SEV-SNP", Command.INIT_EX: "SEV"}.get(command)
        if kind:
            self.log.say(f"{PSP}: {kind} API:{major}.{minor} build:{build}")

    def warning(self, text: str) -> None:
        """A WARN, with the lines around it that tools look for."""
        self.log.say("------------[ cut here ]------------", WARNING)
        self.log.say(text, WARNING)
        self.log.say(f"WARNING: CPU: 0 PID: 0 at {self.release}: {text}", WARNING)
        self.log.say("---[ end trace 0000000000000000 ]---", WARNING)

    # --- from the host ---------------------------------------------------------------------------

    def began(self, operation: str) -> None:
        """An operation that a client asked for begins; the names are those of HostView.ask()."""
        if operation in OPERATIONS:
            self.log.say(OPERATIONS[operation][0])
            self.log.say("Freezing user space processes")

    def ended(self, operation: str, error: int = 0) -> None:
        """``error`` is an errno, positive."""
        if operation in OPERATIONS:
            if error:
                self.log.say(f"PM: the host does not sleep: error -{error}", ERROR)
            self.log.say(OPERATIONS[operation][1])

    def module_loaded(self, name: str) -> None:
        say, generation = self.log.say, self.host.generation
        if name == "ccp":
            say(f"{PSP}: sev enabled")
            say(f"{PSP}: psp enabled")
        elif name == "kvm_amd":
            parameters = self.host.parameters("kvm_amd")
            on = {key for key, value in parameters.items() if value in ("Y", "1")}
            first, most = generation.min_sev_asid, generation.asids
            say("kvm_amd: TSC scaling supported")
            say("kvm_amd: Nested Virtualization enabled")
            for parameter, kind, low, high in (
                ("sev", "SEV", first, most),
                ("sev_es", "SEV-ES", 1, first - 1),
                ("sev_snp", "SEV-SNP", 1, first - 1),
            ):
                if parameter in on:
                    say(f"kvm_amd: {kind} enabled (ASIDs {low} - {high})")
                else:
                    say(f"kvm_amd: {kind} disabled (ASIDs {low} - {high})")

    def module_unloaded(self, name: str) -> None:
        """The kernel has nothing to say about that, but for what ccp's device leaves."""
        if name == "ccp":
            self.log.say(f"{PSP}: sev disabled")
