"""The system calls of a trace, as calls into the kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from softsnp.abi.sev import Command
from softsnp.lang.trace import Trace, TraceStep

from .host import KernelHost

COMES_OR_GOES = ("online", "present", "fused")


class Unreachable(Exception):
    """What the trace asks for is not among the functions that run here."""


class SystemCalls:
    """Of every activity, by the steps of the trace, which count from 1."""

    def __init__(self, host: KernelHost, trace: Trace) -> None:
        self.host = host
        self.trace = trace

    def segment(self, activity: str, number: int) -> Iterator[TraceStep]:
        """The steps of an activity's operation from a step on."""
        for at, step in enumerate(self.trace.steps[number - 1 :]):
            if step.activity == activity:
                if at and any(c.startswith("operation: ") for c in step.choices):
                    return
                yield step

    def failures(self, activity: str, number: int, *, this: bool = False) -> tuple[str, ...]:
        """What fails in an operation, or in this step of it."""
        steps = list(self.segment(activity, number))[: 1 if this else None]
        faults = [c for step in steps for c in step.choices if c.startswith("fault: ")]
        return tuple(f.removeprefix("fault: ").removesuffix(" fails") for f in faults)

    def _cpu(self, activity: str, number: int) -> int:
        """The CPU that a hotplug operation is about."""
        for step in self.segment(activity, number):
            for name, change in step.changes.items():
                if name.startswith("CPU ") and any(bit in change for bit in COMES_OR_GOES):
                    return int(name.removeprefix("CPU "))
        raise Unreachable(f"step {number} does not come as far as choosing a CPU")

    def work(self, operation: str, activity: str, number: int) -> Callable[[], object]:
        host, environment = self.host, self.host.environment
        machine, devices = host.machine, host.hotplug.devices

        def modprobe_kvm() -> None:
            if host.platform_init(machine.cpu) == 0:
                environment.load_kvm(host.mask("online"))
                machine.pause("after KVM has enabled virtualization")

        def rmmod_kvm() -> None:
            if environment.kvm:
                environment.unload_kvm(host.mask("online"))
                machine.pause("after KVM has disabled virtualization")
                machine.rc("sev_platform_shutdown")

        def rmmod_ccp() -> None:
            if not environment.kvm:  # which pins it
                host.unbind(machine.cpu)

        if operation in ("offline a CPU", "online a CPU", "add a CPU"):
            cpu = self._cpu(activity, number)
            function = "device_offline" if operation.startswith("off") else "device_online"
            if operation == "add a CPU":
                return lambda: host.add(cpu)
            return lambda: machine.rc(function, devices[cpu])
        calls: dict[str, Callable[[], object]] = {
            "snphost commit": lambda: host.ioctl(Command.SNP_COMMIT, machine.cpu),
            "snphost config": lambda: host.ioctl(Command.SNP_CONFIG, machine.cpu),
            "snphost vlek-load": lambda: host.ioctl(Command.SNP_VLEK_LOAD, machine.cpu),
            "modprobe kvm-amd": modprobe_kvm,
            "rmmod kvm-amd": rmmod_kvm,
            "modprobe ccp": host.bind,
            "rmmod ccp": rmmod_ccp,
            "start an SNP guest": lambda: host.start_guest(machine.cpu),
            "stop the SNP guest": environment.stop_guest,
            "kexec": lambda: host.kexec(0),
        }
        if operation not in calls:
            raise Unreachable(f"{operation!r} is not driven here")
        return calls[operation]
