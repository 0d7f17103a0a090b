"""The files of a virtual host, as one tree; each part is bound over its place."""

from __future__ import annotations

from collections.abc import Callable

from softsnp.serve.vfs import Fixed, Node, Text
from softsnp.serve.view import HostView

from .cpu import cpu_tree
from .cpuinfo import cpuinfo
from .kernel_log import KernelLog
from .kmsg import Kmsg
from .kvm import Kvm
from .module import Modules, proc_modules
from .msr import Registers
from .msr_device import msr_tree
from .node import node_tree
from .places import Places
from .power import Power
from .sysrq import SysrqTrigger

__all__ = ["PLACES", "HostTree", "KernelLog", "tree"]

PLACES = {
    "cpu": "/sys/devices/system/cpu",
    "node": "/sys/devices/system/node",
    "module": "/sys/module",
    "power": "/sys/power",
    "devcpu": "/dev/cpu",
    "cpuinfo": "/proc/cpuinfo",
    "modules": "/proc/modules",
    "cmdline": "/proc/cmdline",
    "osrelease": "/proc/sys/kernel/osrelease",
    "sysrq-trigger": "/proc/sysrq-trigger",
    "kmsg": "/dev/kmsg",
    "kvm": "/dev/kvm",
}
"""Where each name of the tree belongs."""


class HostTree(Fixed):
    """The root. It keeps what files alone have: registers that were written, and settings."""

    def __init__(
        self, host: HostView, log: KernelLog, command_line: Callable[[], str], release: str
    ) -> None:
        places = Places(host)
        self._registers = Registers(host, places, log.clock)
        self._power = Power(host)
        nodes: dict[str, Node] = {
            "cpu": cpu_tree(host, places),
            "node": node_tree(host, places),
            "module": Modules(host),
            "power": self._power.directory(),
            "devcpu": msr_tree(host, log, self._registers),
            "cpuinfo": cpuinfo(host, places),
            "modules": proc_modules(host),
            "cmdline": Text(command_line),
            "osrelease": Text(lambda: f"{release}\n"),
            "sysrq-trigger": SysrqTrigger(host, log),
            "kmsg": Kmsg(log),
            "kvm": Kvm(host),
        }
        super().__init__(nodes)

    def booted(self, reset: bool) -> None:
        """A kernel begins; the CPUs were reset unless it came by kexec."""
        self._power.new_kernel()
        if reset:
            self._registers.reset()


def tree(
    host: HostView,
    log: KernelLog,
    command_line: str = "BOOT_IMAGE=/boot/vmlinuz root=/dev/vda1 ro mem_encrypt=on",
    release: str = "softsnp",
) -> HostTree:
    """The root of a file system for this host; ``command_line`` is the kernel's."""
    return HostTree(host, log, lambda: f"{command_line}\n", release)
