"""A virtual host: the control plane from the specification, the firmware's data beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from errno import EBUSY, EINTR, ESHUTDOWN
from pathlib import Path
from random import Random
from typing import Any

from softsnp.lang.world import World
from softsnp.operate.operations import OPERATIONS
from softsnp.run.driver import LiveDriver
from softsnp.run.recording import Recorded, Recorder, Start
from softsnp.run.task import ENDED, Task

from .circumstances import Circumstances
from .command_line import BootLine, parse
from .control_plane import ControlPlane, HostDecider, answered
from .faults import Faults
from .firmware import Firmware
from .kernel_messages import KernelMessages
from .mailbox import NOT_ITS_PAGE, Mailbox
from .operations import BOOT, RMPOPT_WORKER, described
from .tree import HostTree, KernelLog
from .vfs import LATER, Call, Later
from .view import Topology

SLICE = 32
"""Steps between two looks at who else wants something."""
MOST_RECORDED = 100_000
"""Steps to remember for who asks what happened; then it begins anew, where nobody does anything."""
MODULE_OPERATIONS = ("modprobe ccp", "rmmod ccp", "modprobe kvm-amd", "rmmod kvm-amd")
POWER_OPERATIONS = ("suspend", "test suspend", "hibernate", "kexec", "reboot")
ONE_SOCKET = 256
"""CPUs: of more there are two sockets."""

Done = Callable[[Any], None]


class VirtualHost:
    """One machine with one Linux on it. Everything happens in the thread that calls it."""

    def __init__(
        self,
        circumstances: Circumstances,
        firmware: Firmware,
        *,
        autoload: bool = True,
        append: str = "",
    ) -> None:
        self.circumstances = circumstances
        self.generation = circumstances.generation
        self.firmware = firmware
        self.log = KernelLog(self.microseconds)
        self.autoload = autoload
        """Whether user space loads kvm-amd when a kernel has booted, as udev does."""
        self.faults = Faults()
        self.boot_line = parse(append, circumstances.cpus)
        """What the boot loader says; ``append`` comes after what it always says."""
        self.kexec_line: BootLine | None = None
        """What kexec will say, if a kernel is loaded."""
        self.running_line = self.boot_line
        self.cpuid_table: Path | None = None
        """What programs map for CPUID's answers, if CPUID is answered."""
        self.steps = 0
        self.idle: list[Callable[[], None]] = []
        """Called when nobody can go on for now."""
        seed = circumstances.seed
        self.decider = HostDecider(
            Random(f"{seed} decisions"), lambda what: self.mailbox.fails(what)
        )
        self.decider.line = self.boot_line
        self.plane = ControlPlane(
            circumstances.specification(),
            circumstances.possible,
            self.decider,
            Random(f"{seed} order"),
        )
        self.mailbox = Mailbox(self.plane, firmware, self.faults)
        threads = 2 if circumstances.assume.get("smt") else 1
        sockets = 2 if circumstances.possible > ONE_SOCKET else 1
        self.topology = Topology(circumstances.possible, threads, sockets)
        self.messages = KernelMessages(
            self, self.log, str(self.boot_line), circumstances.release, self._firmware_version
        )
        self.tree = HostTree(
            self, self.log, lambda: f"{self.running_line}\n", circumstances.release
        )
        self.start = self._start()
        self.recorded: list[Recorded] = []
        """What has happened since ``start``."""
        self.recorders: list[Callable[[Recorded], None]] = [self.recorded.append]
        self.recorder = Recorder(self._record)
        self._busy: dict[str, list[Callable[[], None]]] = {}
        self._new_kernel = True
        """The next step is a kernel's first."""
        self._reset = True
        """The CPUs were reset before it."""
        self._booted_at = 0
        live = self.plane.live
        live.observers += [self.recorder, self._observe]
        live.failures.append(self._failed)

    # --- what others may look at ------------------------------------------------------------------

    def cpu(self, number: int, bit: str) -> bool:
        return self.plane.cpu(number, bit)

    def set_cpu(self, number: int, **bits: bool) -> None:
        self.plane.set_cpu(number, **bits)
        self.recorder.outside(cpu=number, bits=bits)

    def scalar(self, name: str) -> Any:
        return self.plane.scalar(name)

    def parameters(self, module: str) -> dict[str, str]:
        if module != "kvm_amd":
            return {}
        sev = "Y" if self.scalar("sev_enabled") else "N"
        snp = "Y" if self.scalar("sev_snp_enabled") else "N"
        return {"sev": sev, "sev_es": sev, "sev_snp": snp}

    def loaded(self) -> Sequence[tuple[str, int, tuple[str, ...]]]:
        found: list[tuple[str, int, tuple[str, ...]]] = []
        kvm = bool(self.scalar("kvm_amd"))
        if kvm:
            found.append(("kvm_amd", int(self.scalar("guest_pages_assigned")), ()))
            found.append(("kvm", 1, ("kvm_amd",)))
        if self.scalar("ccp_loaded"):
            found.append(("ccp", kvm + self.mailbox.open_files, ("kvm_amd",) if kvm else ()))
        return found

    def unknown_msr(self, cpu: int, register: int) -> None:
        """A #GP, which the driver of the device catches."""

    def _firmware_version(self) -> tuple[int, int, int]:
        """Of the image that runs, committed or not."""
        version = self.firmware.tcbs.image.version
        return version.major, version.minor, version.build

    def microseconds(self) -> int:
        """Since the kernel began. A millisecond a step: the same steps take the same time."""
        return (self.steps - self._booted_at + 1) * 1000

    # --- operations -------------------------------------------------------------------------------

    def boot(self) -> None:
        """Power on, up to where user space has done what it does at boot."""
        self.plane.begin(described(BOOT, None))
        self.settle()

    def settle(self) -> None:
        """Go on until nobody can."""
        while self.plane.live.work(1000) == 0.0:
            pass

    def work(self) -> float | None:
        """A slice of what is under way. Seconds until there is more; None if that is nothing."""
        more = self.plane.live.work(SLICE)
        if more != 0.0:
            for told in self.idle:
                told()
            if len(self.recorded) > MOST_RECORDED and self.plane.spec.at_rest():
                self._forget()
        if self.scalar("powered_off"):
            self.power_cycle()
            return 0.0
        return more

    def _forget(self) -> None:
        """What was recorded; who is there begins anew with the next step."""
        self.start = self._start()
        self.recorded.clear()
        for task in self.plane.live.tasks:
            task.steps = 0

    def ask(self, call: Call, operation: str, taken: int, cpu: int | None = None) -> Later:
        def done(result: Any) -> None:
            if result is ENDED:
                call.fail(ESHUTDOWN)
            elif result is not None and result < 0:
                call.fail(-result)
            else:
                call.done(taken)

        call.when_interrupted = lambda: call.fail(EINTR)
        self.perform(operation, done, cpu)
        return LATER

    def perform(self, operation: str, done: Done = lambda _: None, cpu: int | None = None) -> None:
        """Begin an operation; ``done`` hears its result: None or 0, a negative errno, or ENDED.

        Raises OSError(EBUSY) for a second sleep or end of the system at the same time, and for
        removing ccp while a file of it is open. Modules are loaded one at a time.
        """
        if operation == "rmmod ccp" and self.mailbox.open_files:
            raise OSError(EBUSY, "")
        kind = ""
        if operation in POWER_OPERATIONS:
            kind = "power"
            if kind in self._busy:
                raise OSError(EBUSY, "")
        elif operation in MODULE_OPERATIONS:
            kind = "modules"
            if kind in self._busy:
                self._busy[kind].append(lambda: self.perform(operation, done, cpu))
                return
        target = cpu if OPERATIONS[operation].about_a_cpu else None
        if not kind:
            self.plane.begin(described(operation, target), done)
            return
        self._busy[kind] = []
        self.messages.began(operation)

        def ended(result: Any) -> None:
            waiting = self._busy.pop(kind, [])
            self.messages.ended(operation, 0 if result in (None, ENDED) else -result)
            if operation == "modprobe kvm-amd" and result == 0:
                self.messages.module_loaded("kvm_amd")
            done(result)
            for begin in waiting:
                begin()

        self.plane.begin(described(operation, target), ended)

    def power_cycle(self) -> None:
        """Power off and on: what hardware keeps is kept, and nothing else."""
        plane = self.plane
        plane.live.power_off(plane.power_on())
        self.firmware.power_cycle()
        self._busy.clear()
        self.start = self._start()
        self.recorded.clear()
        self.recorder.outside(power="cycle")
        self._new_kernel = self._reset = True
        self.decider.line = self.boot_line
        self.boot()

    # --- while steps are taken --------------------------------------------------------------------

    def _start(self) -> Start:
        return Start.of(self.plane.spec, self.plane.world)

    def _record(self, step: Recorded) -> None:
        for add in self.recorders:
            add(step)

    def _observe(self, task: Task, driver: LiveDriver, before: World) -> None:
        self.steps += 1
        if self._new_kernel:
            self._kernel_begins()
        for note in driver.notes:
            told = answered(note)
            if told is not None:
                note = self.mailbox.answered(task, *told)
            elif note == NOT_ITS_PAGE:
                self.mailbox.page_refused(task)
            self.messages.note(note)
        for event in driver.events:
            self.messages.event(event)
            if event == "kexec":
                self._new_kernel, self._reset = True, False
        after = driver.world
        if before.members != after.members:
            self._cpus_changed(before.members, after.members)
        if before.scalars != after.scalars:
            self._scalars_changed(before.scalars, after.scalars)

    def _kernel_begins(self) -> None:
        self._booted_at = self.steps
        self._new_kernel = False
        self.running_line = self.decider.line
        self.kexec_line = None
        self.messages.command_line = str(self.running_line)
        self.log.clear()
        self.tree.booted(self._reset)
        self.messages.booted()

    def _cpus_changed(self, before: Sequence[int], after: Sequence[int]) -> None:
        for cpu, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                for bit in ("present", "online"):
                    if (old ^ new) & self.plane.bits[bit]:
                        self.messages.cpu_changed(cpu, bit, bool(new & self.plane.bits[bit]))

    def _scalars_changed(self, before: dict[str, int], after: dict[str, int]) -> None:
        if before["ccp_loaded"] != after["ccp_loaded"] and not self._new_kernel:
            messages = self.messages
            (messages.module_loaded if after["ccp_loaded"] else messages.module_unloaded)("ccp")
        if after["system_running"] and not before["system_running"]:
            self._user_space_begins()

    def _user_space_begins(self) -> None:
        self._busy.clear()
        self.decider.line = self.boot_line
        self.begin_workers()
        if self.autoload:
            self.perform("modprobe kvm-amd")

    def begin_workers(self) -> None:
        """The kernel's own tasks, which begin what they do by themselves."""
        there = {task.role for task in self.plane.live.tasks}
        if self.plane.spec.assumptions["rmpopt"] and RMPOPT_WORKER not in there:
            self.plane.begin({"activity": RMPOPT_WORKER})

    def _failed(self, task: Task) -> None:
        """The specification cannot go on: the task stands there for ever, as after an oops."""
        self.messages.warning(task.failed)
