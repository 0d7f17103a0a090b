"""Where a kernel has each fact: variables and members by name, for kernels from 6.11 on.

drgn is not loaded by this file; whoever has a drgn.Program has loaded it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import cpuset

if TYPE_CHECKING:
    import drgn

Value = int | bool | str
OPTION = "--debug-file"
"""Of the command line: names a file with debug information."""
MUTEX_FLAGS = 7
"""The low bits of a mutex's owner, which is a pointer to a task."""
X86_SNP_SHUTDOWN = 1 << 1
"""Of ECX of leaf 0 of the firmware's feature information."""
CPU_C, SEV_DEV_C, PSP_DEV_C = "kernel/cpu.c", "ccp/sev-dev.c", "ccp/psp-dev.c"
MODULE_C = "kernel/module/main.c"
MOST_MODULES = 1 << 14
"""Kernels come with some 5000."""


class NotKnown(Exception):
    """One fact cannot be read, because."""


class NoSuchThing(NotKnown):
    """The kernel has no such variable, for ccp is not in it."""


def _variable(program: drgn.Program, name: str, file: str) -> drgn.Object:
    """By file, since names like psp_dead are static, and in several."""
    try:
        return program.variable(name, file)
    except LookupError:
        raise NotKnown(f"the debug information has no {name} in {file}") from None


def _mask(name: str) -> Callable[[drgn.Program], str]:
    def read(program: drgn.Program) -> str:
        bits = _variable(program, f"__cpu_{name}_mask", CPU_C).to_bytes_()
        return cpuset.show(int.from_bytes(bits, "little"))

    return read


def _number(name: str, file: str = CPU_C) -> Callable[[drgn.Program], int]:
    return lambda program: int(_variable(program, name, file))


def _offline_disabled(program: drgn.Program) -> bool:
    """Kernels that have no such variable let CPUs go, so that False is what it would be."""
    _variable(program, "cpu_hotplug_disabled", CPU_C)  # there is debug information of this file
    try:
        return bool(_variable(program, "cpu_hotplug_offline_disabled", CPU_C))
    except NotKnown:
        return False


def _smt_control(program: drgn.Program) -> str:
    control = _variable(program, "cpu_smt_control", CPU_C)
    value = int(control)
    for name, number in control.type_.enumerators or ():
        if number == value:
            return str(name)
    raise NotKnown(f"cpu_smt_control is {value}, which has no name")


def _held(mutex: drgn.Object) -> bool:
    return int(mutex.owner.counter) & ~MUTEX_FLAGS != 0


def _modules(program: drgn.Program) -> list[str]:
    """As /proc/modules has them: without those that have only a name yet."""
    import drgn

    head = _variable(program, "modules", MODULE_C).address_of_()
    kind = program.type("struct module")
    unformed = program.constant("MODULE_STATE_UNFORMED")
    found: list[str] = []
    # Not by drgn.helpers: they need readline, and go on for ever where memory is wrong.
    entry = head.next.read_()
    for _ in range(MOST_MODULES):
        if entry == head:
            return sorted(found)
        module = drgn.container_of(entry, kind, "list")
        if module.state != unformed:
            found.append(module.name.string_().decode(errors="replace"))
        entry = entry.next.read_()
    raise NotKnown(f"the list of modules does not end after {MOST_MODULES}")


def _ccp(program: drgn.Program, name: str, file: str) -> drgn.Object:
    """A variable of ccp, which is in the kernel, or a module, or not there."""
    try:
        return _variable(program, name, file)
    except NotKnown:
        if "ccp" not in _modules(program):
            raise NoSuchThing("ccp is not loaded") from None
    raise NotKnown(f"no debug information of ccp: {OPTION} names the ccp.ko of this kernel")


def _sev_device(program: drgn.Program) -> drgn.Object:
    master = _ccp(program, "psp_master", PSP_DEV_C)
    if not master:
        raise NoSuchThing("ccp has found no PSP")
    if not master.sev_data:
        raise NoSuchThing("ccp drives no SEV firmware")
    return _as_sev_device(program, master.sev_data)


def _as_sev_device(program: drgn.Program, pointer: drgn.Object) -> drgn.Object:
    """What struct psp_device keeps as ``void *``."""
    import drgn

    return drgn.cast(program.type("struct sev_device *"), pointer)


def _snp_initialized(program: drgn.Program) -> bool:
    """Without the driver's device nobody has said so."""
    try:
        return bool(_sev_device(program).snp_initialized)
    except NoSuchThing:
        return False


def _sev_plat_state(program: drgn.Program) -> int:
    """Up to 6.18 or so it has a member of its own, and then the firmware's whole answer."""
    device = _sev_device(program)
    if device.type_.type.has_member("sev_plat_status"):
        return int(device.sev_plat_status.state)
    return int(device.state)


def _x86_snp_shutdown(program: drgn.Program) -> bool:
    """As far as the driver has asked: where it has not, it takes it for no, and so is it here."""
    device = _sev_device(program)
    if not device.type_.type.has_member("snp_feat_info_0"):
        raise NotKnown("this kernel's driver does not ask the firmware")
    return bool(int(device.snp_feat_info_0.ecx) & X86_SNP_SHUTDOWN)


def _sev_cmd_mutex_held(program: drgn.Program) -> bool:
    """Nobody holds what is not there."""
    try:
        return _held(_ccp(program, "sev_cmd_mutex", SEV_DEV_C))
    except NoSuchThing:
        return False


READERS: dict[str, Callable[[drgn.Program], Value]] = {
    "cpu_hotplug_disabled": _number("cpu_hotplug_disabled"),
    "cpu_hotplug_offline_disabled": _offline_disabled,
    "possible": _mask("possible"),
    "present": _mask("present"),
    "online": _mask("online"),
    "cpu_smt_num_threads": _number("cpu_smt_num_threads"),
    "cpu_smt_control": _smt_control,
    "snp_initialized": _snp_initialized,
    "sev_plat_state": _sev_plat_state,
    "psp_dead": lambda program: bool(_ccp(program, "psp_dead", SEV_DEV_C)),
    "x86_snp_shutdown": _x86_snp_shutdown,
    "sev_cmd_mutex_held": _sev_cmd_mutex_held,
    "cpu_add_remove_lock_held": lambda program: _held(
        _variable(program, "cpu_add_remove_lock", CPU_C)
    ),
    "cpu_hotplug_writer": lambda program: (
        int(_variable(program, "cpu_hotplug_lock", CPU_C).block.counter) != 0
    ),
    "modules": lambda program: ",".join(_modules(program)),
}
