"""What can be asked of a host, one operation at a time, by name."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from softsnp.lang import Step
from softsnp.spec.activities import Host
from softsnp.spec.linux.kernel.cpu_smt import SmtControl

Work = Coroutine[Step, None, int | None]


@dataclass(frozen=True)
class Operation:
    """One operation: who does it, and how it begins."""

    role: str
    """The activity of the specification that does such things."""
    start: Callable[[Host], Work]
    about_a_cpu: bool = False


OPERATIONS: dict[str, Operation] = {
    "offline": Operation("hotplugger", lambda spec: spec.device_offline(), True),
    "online": Operation("hotplugger", lambda spec: spec.device_online(), True),
    "hot-add": Operation("hotplugger", lambda spec: spec.acpi_processor_hotadd_init(), True),
    "eject": Operation("hotplugger", lambda spec: spec.acpi_processor_post_eject(), True),
    "smt on": Operation("smt-user", lambda spec: spec.store_smt_control(SmtControl.ENABLED)),
    "smt off": Operation("smt-user", lambda spec: spec.store_smt_control(SmtControl.DISABLED)),
    "smt forceoff": Operation(
        "smt-user", lambda spec: spec.store_smt_control(SmtControl.FORCE_DISABLED)
    ),
    "suspend": Operation("suspender", lambda spec: spec.pm_suspend()),
    "test suspend": Operation("suspender", lambda spec: spec.pm_suspend(test_processors=True)),
    "hibernate": Operation("suspender", lambda spec: spec.hibernate()),
    "kexec": Operation("administrator", lambda spec: spec.kernel_kexec()),
    "reboot": Operation("administrator", lambda spec: spec.kernel_restart()),
    "panic": Operation("administrator", lambda spec: spec.panic()),
    "modprobe ccp": Operation("administrator", lambda spec: spec.modprobe_ccp()),
    "rmmod ccp": Operation("administrator", lambda spec: spec.rmmod_ccp()),
    "modprobe kvm-amd": Operation("administrator", lambda spec: spec.modprobe_kvm_amd()),
    "rmmod kvm-amd": Operation("administrator", lambda spec: spec.rmmod_kvm_amd()),
    "start an SNP guest": Operation("administrator", lambda spec: spec.start_snp_guest()),
    "stop the SNP guest": Operation("administrator", lambda spec: spec.stop_snp_guest()),
}
"""By the names that counterexamples use as well."""
