"""/sys/devices/system/cpu: which CPUs there are, and what they suffer from."""

from __future__ import annotations

from softsnp.serve.vfs import Directory, Fixed, Node
from softsnp.serve.view import HostView

from .attributes import Attribute, Numbered, Show, attributes, runtime_power, uevent
from .cpu_device import OFFLINE_STATE, ONLINE_STATE, CpuDevice, modalias
from .places import Places, cpu_list
from .smt import Smt

KERNEL_MAX = 8191
NOT_AFFECTED = "Not affected"
VULNERABILITIES = {
    **dict.fromkeys(
        (
            "gather_data_sampling",
            "ghostwrite",
            "indirect_target_selection",
            "itlb_multihit",
            "l1tf",
            "mds",
            "meltdown",
            "mmio_stale_data",
            "old_microcode",
            "reg_file_data_sampling",
            "retbleed",
            "srbds",
            "tsa",
            "tsx_async_abort",
        ),
        NOT_AFFECTED,
    ),
    "spec_rstack_overflow": "Mitigation: Safe RET",
    "spec_store_bypass": "Mitigation: Speculative Store Bypass disabled via prctl",
    "spectre_v1": "Mitigation: usercopy/swapgs barriers and __user pointer sanitization",
    "spectre_v2": "Mitigation: Enhanced / Automatic IBRS; IBPB: conditional; STIBP: always-on; "
    "RSB filling; PBRSB-eIBRS: Not affected; BHI: Not affected",
    "vmscape": "Mitigation: IBPB before exit to userspace",
}
HOTPLUG_STATES = {
    OFFLINE_STATE: "offline",
    ONLINE_STATE - 1: "sched:active",
    ONLINE_STATE: "online",
}


def cpu_tree(host: HostView, places: Places) -> Directory:
    """The directory; cpuN is there for the CPUs that are present."""

    def offline() -> str:
        return cpu_list(places.all & ~places.online(places.all))

    texts: dict[str, Show] = {
        "online": lambda: cpu_list(places.online(places.all)),
        "offline": offline,
        "enabled": lambda: cpu_list(places.present(places.all)),
        "present": lambda: cpu_list(places.present(places.all)),
        "possible": cpu_list(places.all),
        "kernel_max": str(KERNEL_MAX),
        "isolated": "",
        "nohz_full": "(null)",
        "modalias": modalias(host),
        "crash_hotplug": "1",
    }
    states = "\n".join(f"{number:3}: {name}" for number, name in HOTPLUG_STATES.items())
    fixed: dict[str, Node] = {
        **attributes(texts),
        "smt": Smt(host, places).directory(),
        "vulnerabilities": Fixed(attributes(VULNERABILITIES)),
        "hotplug": Fixed({"states": Attribute(states)}),
        "power": runtime_power(),
        "uevent": uevent(),
    }
    return Numbered(
        "cpu",
        range(places.cpus),
        lambda cpu: host.cpu(cpu, "present"),
        lambda cpu: CpuDevice(host, places, cpu),
        fixed,
    )
