"""Operations: the same deed as a call into the kernel and as a function of the specification."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from softsnp.abi.errno import ENODEV
from softsnp.abi.sev import Command
from softsnp.spec.activities import Host
from softsnp.spec.linux.kernel.cpu_smt import SmtControl


@dataclass(frozen=True, order=True)
class Operation:
    """One deed. ``cpu``: the CPU that it is about, or on which its task runs."""

    kind: str
    cpu: int = 0
    failing: str = ""
    """The firmware command or allocation that fails meanwhile, if one does."""

    def __str__(self) -> str:
        about = f" CPU {self.cpu}" if KINDS[self.kind].about_a_cpu else f" on CPU {self.cpu}"
        if not KINDS[self.kind].function and self.kind != ADD:
            about = ""
        return f"{self.kind}{about}" + (f", {self.failing} fails" if self.failing else "")


Deed = Callable[[Any], Coroutine[Any, Any, int | None]]


@dataclass(frozen=True)
class Kind:
    """``function``: the kernel's entry point; empty for what the environment does to both sides."""

    name: str
    function: str
    specified: Deed
    about_a_cpu: bool = False
    anywhere: bool = True
    """Whether it may matter on which CPU its task runs."""
    failures: tuple[str, ...] = ()
    returns: bool = True
    needs: tuple[str, ...] = ()
    """The assumptions and details without which there is no such deed, as attributes."""
    panics: bool = False
    """Whether no kernel is left to go on with: what comes next begins at power-on."""


RANGE_LIST = "the allocation of the range list"
NO_ANSWER = "the answer in time"
HALFWAY = "SNP_SHUTDOWN_EX, halfway"
IOMMU = "amd_iommu_snp_disable()"
NEEDS = {NO_ANSWER: "commands_may_time_out", HALFWAY: "firmware_steps", IOMMU: "firmware_steps"}
"""What fails only where that is assumed."""
LEGACY = ("INIT_EX", "DF_FLUSH")
INIT = ("SNP_INIT_EX", "SNP_DF_FLUSH", RANGE_LIST, *LEGACY, NO_ANSWER)
IN_PANIC = ("SHUTDOWN", "SNP_SHUTDOWN_EX", "SNP_DF_FLUSH", HALFWAY, IOMMU)
"""There no answer in time is ten million looks at a register, which take too long here."""
SHUTDOWN = (*IN_PANIC, NO_ANSWER)
AGAIN = ("SHUTDOWN", "SNP_SHUTDOWN_EX", "PLATFORM_STATUS", NO_ANSWER)
"""Of a shutdown with another driver after it, which asks the firmware for its state."""
RESET = ("PLATFORM_STATUS", "SHUTDOWN", "FACTORY_RESET", NO_ANSWER)
PEK_GEN = ("PEK_GEN", *LEGACY, "SHUTDOWN", "SNP_SHUTDOWN_EX", NO_ANSWER)


ADD = "add"
"""A CPU that was not there: only where cpu-hot-add is assumed, and for the last CPU."""


async def reload_ccp(spec: Host) -> None:
    """A module that has found no device goes as well."""
    if spec.ccp_loaded:
        await spec.rmmod_ccp()
    await spec.modprobe_ccp()


def ioctl(command: Command) -> Deed:
    return lambda spec: spec.sev_ioctl(command)


def platform_init(probe: bool) -> Deed:
    async def specified(spec: Host) -> int:
        """Who asks for this has ccp's symbols; without a device the driver says no."""
        return await spec.sev_platform_init(probe) if spec.ccp_loaded else ENODEV

    return specified


async def start_guest(spec: Host) -> int:
    return await spec.start_snp_guest() if spec.ccp_loaded else ENODEV


async def platform_shutdown(spec: Host) -> None:
    if spec.ccp_loaded:
        await spec.sev_firmware_shutdown()


async def kernel_kexec(spec: Host) -> None:
    await spec.kernel_kexec()


async def panic_in_a_command(spec: Host) -> None:
    """A task that has sev_cmd_mutex is stopped in the middle of a command."""
    await spec.mutex_lock(type(spec).sev_cmd_mutex)
    await spec.snp_shutdown_on_panic()
    spec.mutex_unlock(type(spec).sev_cmd_mutex)


def smt(wanted: SmtControl) -> Deed:
    return lambda spec: spec.store_smt_control(wanted)


def sev(
    name: str, command: Command, failures: tuple[str, ...] = (), anywhere: bool = False
) -> Kind:
    """An ioctl of /dev/sev."""
    return Kind(name, "sev_ioctl", ioctl(command), anywhere=anywhere, failures=failures)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("offline", "device_offline", lambda s: s.device_offline(), about_a_cpu=True),
        Kind("online", "device_online", lambda s: s.device_online(), about_a_cpu=True),
        Kind("disable", "cpu_hotplug_disable", lambda s: s.cpu_hotplug_disable(), returns=False),
        Kind("enable", "cpu_hotplug_enable", lambda s: s.cpu_hotplug_enable(), returns=False),
        Kind(
            "disable offlining",
            "cpu_hotplug_disable_offlining",
            lambda s: s.cpu_hotplug_disable_offlining(),
            anywhere=False,
            returns=False,
        ),
        Kind("prepare", "snp_prepare", lambda s: s.snp_prepare()),
        Kind("unprepare", "snp_shutdown", lambda s: s.snp_shutdown(), returns=False),
        Kind("platform init", "sev_platform_init", platform_init(True), failures=INIT),
        Kind(
            "platform init for a VM",
            "sev_platform_init",
            platform_init(False),
            anywhere=False,
            failures=LEGACY,
        ),
        Kind(
            "platform shutdown",
            "sev_platform_shutdown",
            platform_shutdown,
            failures=SHUTDOWN,
            returns=False,
        ),
        Kind("reload ccp", "sev_pci_exit", reload_ccp, failures=AGAIN, returns=False),
        Kind("kexec", "sev_dev_destroy", kernel_kexec, failures=AGAIN, returns=False),
        Kind(
            "panic",
            "snp_shutdown_on_panic",
            lambda s: s.snp_shutdown_on_panic(),
            anywhere=False,
            failures=IN_PANIC,
            returns=False,
            panics=True,
        ),
        Kind(
            "panic in a command",
            "snp_shutdown_on_panic",
            panic_in_a_command,
            anywhere=False,
            returns=False,
            panics=True,
        ),
        Kind("suspend", "freeze_secondary_cpus", lambda s: s.pm_suspend(), anywhere=False),
        Kind(
            "test suspend",
            "freeze_secondary_cpus",
            lambda s: s.pm_suspend(test_processors=True),
            anywhere=False,
        ),
        Kind("hibernate", "freeze_secondary_cpus", lambda s: s.hibernate(), anywhere=False),
        *(
            Kind(f"smt {name}", "control_store", smt(wanted), anywhere=False, needs=("smt",))
            for name, wanted in (
                ("on", SmtControl.ENABLED),
                ("off", SmtControl.DISABLED),
                ("forceoff", SmtControl.FORCE_DISABLED),
            )
        ),
        Kind("load kvm", "", lambda s: s.kvm_enable_virtualization(), returns=False),
        Kind("unload kvm", "", lambda s: s.kvm_disable_virtualization(), returns=False),
        Kind(
            "start guest",
            "sev_platform_init",
            start_guest,
            anywhere=False,
            failures=INIT,
        ),
        Kind("stop guest", "", lambda s: s.stop_snp_guest(), returns=False),
        Kind(
            ADD,
            "",
            lambda s: s.acpi_processor_hotadd_init(),
            about_a_cpu=True,
            returns=False,
            needs=("cpu_hot_add",),
        ),
        sev("commit", Command.SNP_COMMIT, ("SNP_COMMIT",), anywhere=True),
        sev("config", Command.SNP_CONFIG, ("SNP_CONFIG",), anywhere=True),
        sev("vlek-load", Command.SNP_VLEK_LOAD, ("SNP_VLEK_LOAD",), anywhere=True),
        sev("factory-reset", Command.FACTORY_RESET, RESET),
        sev("pek-gen", Command.PEK_GEN, PEK_GEN, anywhere=True),
        sev("snp-status", Command.SNP_PLATFORM_STATUS, ("SNP_PLATFORM_STATUS", NO_ANSWER)),
    )
}


def failures(kind: Kind, spec: Host) -> list[str]:
    """What can fail in it under what is assumed."""
    return [f for f in kind.failures if f not in NEEDS or getattr(spec, NEEDS[f])]


def there_is(kind: Kind, spec: Host) -> bool:
    return all(getattr(spec, need) for need in kind.needs)
