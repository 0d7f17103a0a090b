"""Operations: the same deed as a call into the kernel and as a function of the specification."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from softsnp.abi.sev import Command
from softsnp.spec.activities import Host


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


@dataclass(frozen=True)
class Kind:
    """``function``: the kernel's entry point; empty for what the environment does to both sides."""

    name: str
    function: str
    specified: Callable[[Any], Coroutine[Any, Any, int | None]]
    about_a_cpu: bool = False
    failures: tuple[str, ...] = ()
    returns: bool = True


RANGE_LIST = "the allocation of the range list"
INIT = ("SNP_INIT_EX", "SNP_DF_FLUSH", RANGE_LIST)
SHUTDOWN = ("SNP_SHUTDOWN_EX", "SNP_DF_FLUSH")
LEGACY = ("INIT_EX", "DF_FLUSH")


ADD = "add"
"""A CPU that was not there: only where cpu-hot-add is assumed, and for the last CPU."""


async def reload_ccp(spec: Host) -> None:
    await spec.rmmod_ccp()
    await spec.modprobe_ccp()


def ioctl(command: Command) -> Callable[[Host], Coroutine[Any, Any, int]]:
    return lambda spec: spec.sev_ioctl(command)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("offline", "device_offline", lambda s: s.device_offline(), about_a_cpu=True),
        Kind("online", "device_online", lambda s: s.device_online(), about_a_cpu=True),
        Kind("disable", "cpu_hotplug_disable", lambda s: s.cpu_hotplug_disable(), returns=False),
        Kind("enable", "cpu_hotplug_enable", lambda s: s.cpu_hotplug_enable(), returns=False),
        Kind("prepare", "snp_prepare", lambda s: s.snp_prepare()),
        Kind("unprepare", "snp_shutdown", lambda s: s.snp_shutdown(), returns=False),
        Kind(
            "platform init",
            "sev_platform_init",
            lambda s: s.sev_platform_init(),
            failures=INIT + LEGACY,
        ),
        Kind(
            "platform shutdown",
            "sev_platform_shutdown",
            lambda s: s.sev_firmware_shutdown(),
            failures=("SHUTDOWN", *SHUTDOWN),
            returns=False,
        ),
        Kind("reload ccp", "sev_pci_exit", reload_ccp, returns=False),
        Kind("kexec", "sev_dev_destroy", lambda s: s.kernel_kexec(), returns=False),
        Kind("load kvm", "", lambda s: s.kvm_enable_virtualization(), returns=False),
        Kind("unload kvm", "", lambda s: s.kvm_disable_virtualization(), returns=False),
        Kind("start guest", "", lambda s: s.start_snp_guest(), returns=False),
        Kind("stop guest", "", lambda s: s.stop_snp_guest(), returns=False),
        Kind(ADD, "", lambda s: s.acpi_processor_hotadd_init(), about_a_cpu=True, returns=False),
        Kind("commit", "sev_ioctl", ioctl(Command.SNP_COMMIT), failures=("SNP_COMMIT",)),
        Kind("config", "sev_ioctl", ioctl(Command.SNP_CONFIG), failures=("SNP_CONFIG",)),
        Kind("vlek-load", "sev_ioctl", ioctl(Command.SNP_VLEK_LOAD), failures=("SNP_VLEK_LOAD",)),
    )
}
