"""A kernel as a host: booted, with its driver bound, ready for operations, and what can be seen."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from softsnp.abi.errno import ENODEV, ENOENT
from softsnp.abi.sev import Command
from softsnp.lang.world import World
from softsnp.spec.activities import Host
from softsnp.spec.linux.kernel.cpu import MANY_HOLDS

from . import stubs_core
from .ccp import READ_WRITE, SEV_ISSUE_CMD, Ccp
from .environment import Environment
from .hardware import RMP_SIZE, SpecifiedHardware
from .hotplug import CpuHotplug
from .kernel import Kernel
from .machine import Image, Machine, Stub
from .memory import PAGE, RAM_AT, RAM_SIZE, virtual
from .operations import ADD, KINDS, RANGE_LIST, Operation, there_is
from .power import Power
from .specified import described

IOCTLS = {
    "commit": Command.SNP_COMMIT,
    "config": Command.SNP_CONFIG,
    "vlek-load": Command.SNP_VLEK_LOAD,
    "factory-reset": Command.FACTORY_RESET,
    "pek-gen": Command.PEK_GEN,
    "snp-status": Command.SNP_PLATFORM_STATUS,
}
IOCTL_NUMBER = {
    Command.FACTORY_RESET: 0,
    Command.PEK_GEN: 2,
    Command.SNP_PLATFORM_STATUS: 9,
    Command.SNP_COMMIT: 10,
    Command.SNP_CONFIG: 11,
    Command.SNP_VLEK_LOAD: 12,
}
"""Of struct sev_issue_cmd's cmd."""
CORE_IS_THERE = "after a core is put in"
SEV_INIT = 1  # SEV_STATE_INIT


class KernelHost:
    """One kernel with its ccp module, over the specification's hardware, with all CPUs online."""

    mailbox: ClassVar[type[Ccp]] = Ccp
    """What answers the driver's commands."""

    def __init__(self, kernel: Kernel, cpus: int, spec: Host, world: World) -> None:
        self.kernel = kernel
        self.memory = memory = kernel.memory
        self.spec = spec
        self.hardware = SpecifiedHardware(spec, world, memory, memory.allocate(RMP_SIZE, 2 << 20))
        self.machine = Machine(kernel, cpus, self.hardware)
        self.machine.install(stubs_core.STUBS)
        self.machine.install(
            (
                Stub("memremap", "the RMP can be mapped", lambda _, a: virtual(a[0])),
                Stub("memunmap", "the RMP can be unmapped", 0),
            )
        )
        self.environment = Environment(self.hardware)
        self.hotplug = CpuHotplug(self.machine, self.hardware, self.environment)
        self.power = Power(self.machine, self.environment)
        memory.put64(kernel.address("max_pfn"), (RAM_AT + RAM_SIZE) // PAGE)
        memory.put32(kernel.address("cc_vendor"), kernel.constant("CC_VENDOR_AMD"))
        self.machine.call("cc_platform_set", kernel.constant("CC_ATTR_HOST_SEV_SNP"))
        memory.put8(kernel.address("amd_iommu_snp_en"), 1)
        self.ccp = self.mailbox(self.machine, self.hardware)
        self.machine.forbid(stubs_core.NOT_HERE)
        self.special = self._special()
        self.arguments = memory.allocate(64)
        self.buffer = memory.allocate(PAGE, PAGE)
        self.file = memory.allocate(kernel.size("struct file"))
        memory.put32(self.file + kernel.offset("struct file", "f_mode"), READ_WRITE)
        for cpu in range(cpus):
            if not self.hardware.has(cpu, "present"):
                self.hotplug.take_away(cpu)
        self.hardware.masks = self.masks
        if self.ccp.psp and not spec.psp_init_on_probe:
            memory.put8(kernel.address("psp_init_on_probe"), 0)
        self.unbooted = self.machine.save()

    def boot(self) -> None:
        """From smp_init() to a bound driver."""
        self.machine.call("snp_probe_rmptable_info")
        self.machine.rc("snp_rmptable_init")
        self.bind()
        self.hardware.look()

    def bind(self) -> None:
        """The driver finds its device."""
        if not self.ccp.psp:
            return
        self.machine.rc("sev_dev_init", self.ccp.psp)
        self.machine.call("sev_pci_init")

    def perform(self, operation: Operation) -> int | None:
        """What the kernel's function returns; a success is 0."""
        kind, cpu = KINDS[operation.kind], self.task_cpu(operation)
        machine = self.machine
        machine.warnings.clear()
        machine.warn_again()
        machine.log.clear()
        self.hardware.events.clear()
        self.ccp.failing = (operation.failing,) if operation.failing else ()
        machine.no_range_list = operation.failing == RANGE_LIST
        if operation.kind in self.special:
            return self.special[operation.kind](operation)
        if kind.about_a_cpu and not self.mask("present") >> operation.cpu & 1:
            return ENOENT  # its directory in sysfs comes with it
        if kind.about_a_cpu:
            rc = machine.rc(kind.function, self.hotplug.devices[operation.cpu], cpu=0)
            return min(rc, 0)
        if operation.kind in IOCTLS:
            return self.ioctl(IOCTLS[operation.kind], cpu)
        rc = machine.rc(kind.function, cpu=cpu)
        return rc if kind.returns else None

    def _special(self) -> dict[str, Callable[[Operation], int | None]]:
        """What is more than one call, or none."""
        environment, power = self.environment, self.power
        return {
            "platform init": lambda operation: self.platform_init(self.task_cpu(operation)),
            "platform init for a VM": lambda operation: self.platform_init(0, probe=False),
            "suspend": lambda _: power.suspend(),
            "test suspend": lambda _: power.suspend(test_processors=True),
            "hibernate": lambda _: power.hibernate(),
            "panic": lambda _: power.panic(),
            "panic in a command": lambda _: power.panic_in_a_command(),
            "smt on": lambda _: self.smt(b"on"),
            "smt off": lambda _: self.smt(b"off"),
            "smt forceoff": lambda _: self.smt(b"forceoff"),
            "kexec": lambda operation: self.kexec(self.task_cpu(operation)),
            "reload ccp": self.reload_ccp,
            "load kvm": lambda _: environment.load_kvm(self.mask("online")),
            "unload kvm": lambda _: environment.unload_kvm(self.mask("online")),
            "start guest": lambda operation: self.start_guest(self.task_cpu(operation)),
            "stop guest": lambda _: environment.stop_guest(),
            ADD: lambda operation: self.add(operation.cpu),
        }

    def add(self, cpu: int) -> None:
        """Hands put a core in; then the kernel is told."""
        self.hardware.world.members[cpu] |= self.hardware.bits["fused"]
        self.machine.pause(CORE_IS_THERE)
        self.hotplug.set_present(cpu, True)
        self.environment.mask(cpu, "present", True)

    def kinds(self) -> list[str]:
        """The operations that this kernel has the functions for."""
        return [
            name
            for name, kind in KINDS.items()
            if (kind.function in self.kernel or not kind.function) and there_is(kind, self.spec)
        ]

    def kexec(self, cpu: int) -> None:
        """device_shutdown() of the PSP; then another kernel, on the hardware as it is."""
        self.machine.call("sev_dev_destroy", self.ccp.psp, cpu=cpu)
        self.environment.kexec(self.mask("online"))
        present = self.mask("present")
        for cpu in range(1, self.machine.cpus):
            self.environment.mask(cpu, "online", False)
        self.machine.pause("machine_kexec()")
        table = self.memory.read(self.hardware.rmp, RMP_SIZE)
        self.machine.restore(self.unbooted)
        self.memory.write(self.hardware.rmp, table)
        for cpu in range(1, self.machine.cpus):
            self.hotplug.set_present(cpu, bool(present >> cpu & 1))
            if self.mask("online") >> cpu & 1:
                self.hardware.start(cpu)
        for cpu in range(1, self.machine.cpus):
            self.environment.mask(cpu, "online", bool(self.mask("online") >> cpu & 1))
        self.machine.pause("after smp_init()")
        self.boot()

    def reload_ccp(self, operation: Operation) -> None:
        """modprobe -r, and modprobe."""
        self.unbind(self.task_cpu(operation))
        self.bind()

    def unbind(self, cpu: int) -> None:
        """A module goes, and its data with it: what comes next begins anew."""
        self.machine.call("sev_pci_exit", cpu=cpu)
        self.machine.call("sev_dev_destroy", self.ccp.psp, cpu=cpu)
        self.power.forget_notifiers()
        self.machine.restore_modules(self.unbooted)

    def platform_init(self, cpu: int, probe: bool = True) -> int:
        """As kvm-amd asks for it when it is loaded, or for a VM."""
        where = self.kernel.offset("struct sev_platform_init_args", "probe")
        self.memory.write(self.arguments, bytes(64))
        self.memory.put8(self.arguments + where, int(probe))
        return self.machine.rc("sev_platform_init", self.arguments, cpu=cpu)

    def start_guest(self, cpu: int) -> int:
        """KVM_SEV_INIT2, and then the environment's part."""
        if not self.environment.kvm:
            return ENODEV
        rc = self.platform_init(cpu, probe=False)
        return rc or self.environment.start_guest(bool(self.observed("snp_initialized")))

    def observed(self, name: str) -> int:
        return self.observe().scalars[name]

    def ioctl(self, command: Command, cpu: int) -> int:
        """Through /dev/sev's own file operations; the user's memory is in the direct map."""
        operations = self.kernel.address("sev_fops")
        entry = operations + self.kernel.offset("struct file_operations", "unlocked_ioctl")
        self.memory.write(
            self.arguments, struct.pack("<IQI", IOCTL_NUMBER[command], self.buffer, 0)
        )
        if command is Command.SNP_VLEK_LOAD:
            self._wrapped_vlek()
        function = self.memory.u64(entry)
        return self.machine.rc(function, self.file, SEV_ISSUE_CMD, self.arguments, cpu=cpu)

    def smt(self, text: bytes) -> int:
        """A write to smt/control; its length is success."""
        self.memory.write(self.buffer, text + b"\n\0")
        return min(self.machine.rc("control_store", 0, 0, self.buffer, len(text) + 1), 0)

    def _wrapped_vlek(self) -> None:
        """Some bytes where a wrapped key is to be: the driver looks at the length alone."""
        kind = "struct sev_user_data_snp_vlek_load"
        kernel, memory = self.kernel, self.memory
        memory.put32(self.buffer + kernel.offset(kind, "len"), kernel.size(kind))
        wrapped = self.buffer + kernel.offset(kind, "vlek_wrapped_address")
        memory.put64(wrapped, self.buffer + 512)

    # --- what can be seen ------------------------------------------------------------------------

    def mask(self, name: str) -> int:
        return self.memory.u64(self.kernel.address(f"__cpu_{name}_mask"))

    def masks(self) -> dict[str, int]:
        return {name: self.mask(name) for name in ("present", "online")}

    def task_cpu(self, operation: Operation) -> int:
        """Where the operation's task runs: an offline CPU runs nothing."""
        return operation.cpu if self.mask("online") >> operation.cpu & 1 else 0

    def observe(self) -> World:
        """The hardware's world with what the kernel's memory says."""
        self.hardware.look()
        world = self.hardware.world.copy()
        scalars = world.scalars
        scalars["system_running"] = 1
        scalars["cpu_hotplug_disabled"] = min(self.hotplug_count(), MANY_HOLDS)
        scalars["cpu_hotplug_disabled_otherwise"] = 0  # the kernel has one number
        for name in ("cpu_hotplug_offline_disabled", "psp_dead"):
            if name in self.kernel:
                scalars[name] = self.memory.u8(self.kernel.address(name))
        for name in ("cpu_smt_control", "cpu_smt_num_threads"):
            scalars[name] = self.memory.u32(self.kernel.address(name))
        scalars["panic_notifier"] = int(self.power.notified())
        sev = self.sev_device()
        scalars["ccp_loaded"] = int(sev != 0)
        if not sev:  # the driver is not bound
            scalars["snp_initialized"] = scalars["sev_plat_state"] = 0
            return world
        where = self.kernel.offset("struct sev_device", "snp_initialized")
        scalars["snp_initialized"] = self.memory.u8(sev + where)
        scalars["sev_plat_state"] = int(self.memory.u8(sev + self._state()) == SEV_INIT)
        return world

    def hotplug_count(self) -> int:
        return self.memory.u32(self.kernel.address("cpu_hotplug_disabled"))

    def sev_device(self) -> int:
        if not self.ccp.psp:
            return 0
        data = self.kernel.offset("struct psp_device", "sev_data")
        return self.memory.u64(self.ccp.psp + data)

    def _state(self) -> int:
        """Where struct sev_device keeps the state of legacy SEV."""
        try:
            status = self.kernel.offset("struct sev_device", "sev_plat_status")
        except LookupError:
            return self.kernel.offset("struct sev_device", "state")
        return status + self.kernel.offset("struct sev_user_data_status", "state")

    def state(self) -> dict[str, str]:
        return described(self.spec, self.observe())

    # --- moments ---------------------------------------------------------------------------------

    def save(self) -> Moment:
        return Moment(
            self.machine.save(),
            self.hardware.world.copy(),
            dict(self.ccp.registers),
            self.environment.kvm,
            frozenset(self.hardware.firmware_pages),
        )

    def restore(self, moment: Moment) -> None:
        self.machine.restore(moment.image)
        self.hardware.reset(moment.world.copy())
        self.ccp.registers = dict(moment.registers)
        self.environment.kvm = moment.kvm
        self.hardware.firmware_pages = set(moment.firmware_pages)


@dataclass(frozen=True)
class Moment:
    """A kernel and its hardware at one time."""

    image: Image
    world: World
    registers: dict[int, int]
    kvm: bool
    firmware_pages: frozenset[int]
