"""What must be able to happen, so that a verdict is about something."""

from __future__ import annotations

from dataclasses import dataclass

from softsnp.lang import Sometimes, Specification
from softsnp.spec.fw.psp import State


@dataclass(frozen=True)
class Check(Sometimes):
    """A reachability check. Without any of what it ``needs``, it cannot be: activities, details
    and assumptions, or several of them with ``|`` between when one is enough.
    """

    needs: tuple[str, ...] = ()

    def concerns(self, spec: Specification) -> bool:
        there = {*spec.activity_names, *(name for name, on in spec.assumptions.items() if on)}
        return all(there.intersection(need.split("|")) for need in self.needs)


def checks(spec: Specification) -> list[Sometimes]:
    """The checks that concern a run."""
    return [check for check in REACHABLE if check.concerns(spec)]


HOTPLUG = ("hotplugger|smt-user",)
GUESTS = ("administrator|virtualizer",)
KEXEC = ("administrator|rebooter",)
ASIDS = ("virtualizer", "firmware-caches")
SEV = ("sev-user",)
RMPOPT = ("rmpopt", "rmpopt-worker")

REACHABLE: list[Check] = [
    Check("snp-comes-up", "SNP_INIT_EX succeeds", "SNP comes up"),
    Check("guest-runs", "an SNP guest's pages are assigned", "a guest runs", needs=GUESTS),
    Check("cpu-goes-offline", "a CPU is taken offline", "a CPU goes offline", needs=HOTPLUG),
    Check("cpu-comes-online", "a CPU is brought online", "a CPU comes online", needs=HOTPLUG),
    Check("full-shutdown", "a full x86 shutdown succeeds", "full shutdown"),
    Check("kexec", "another kernel is started", "kexec", needs=KEXEC),
    Check("hotplug-refused", "CPU hotplug is refused", "CPU hotplug is refused", needs=HOTPLUG),
    Check(
        "unguarded-cpu-while-off",
        "with SNP down, one CPU that is online has SNP_EN and another has not",
        state=lambda h: (
            h.snp_state is State.UNINIT
            and h.cpus.where(online=True).any(snp_en=True)
            and h.cpus.where(online=True).any(snp_en=False)
        ),
        needs=HOTPLUG,
    ),
    Check(
        "hotplug-rolled-back",
        "a callback of CPU hotplug fails",
        "CPU hotplug is rolled back",
        needs=("hotplug-callbacks-may-fail",),
    ),
    Check("cpu-added", "a CPU is added", "a CPU is added", needs=("hotplugger", "cpu-hot-add")),
    Check("cpu-ejected", "a CPU is ejected", "a CPU is ejected", needs=("hotplugger", "cpu-eject")),
    Check(
        "online-retried",
        "onlining a CPU is tried again after -EBUSY",
        "onlining a CPU is tried again",
        needs=("hotplugger", "device-locks"),
    ),
    Check(
        "pci-probe", "a driver looks at a device", "a PCI device is probed", needs=("pci-prober",)
    ),
    # --- SMT, suspend, the ends and beginnings of kernels ----------------------------------------
    Check(
        "smt-refused",
        "a write to smt/control fails",
        "a write to smt/control fails",
        needs=("smt-user",),
    ),
    Check(
        "smt-bypass",
        "smt/control brings a CPU online while CPU hotplug is disabled",
        "smt/control brings a CPU online while CPU hotplug is disabled",
        needs=("smt-user",),
    ),
    Check(
        "suspend-test",
        "CPUs are frozen and thawed to test suspending",
        "suspending is tested",
        needs=("suspender",),
    ),
    Check("suspend", "the host suspends to RAM", "the host sleeps", needs=("suspender",)),
    Check("resume", "the host resumes", "the host resumes", needs=("suspender",)),
    Check(
        "hibernation",
        "the host comes out of hibernation",
        "the host comes out of hibernation",
        needs=("suspender",),
    ),
    Check(
        "smt-rescan-fails",
        "second threads stay online that are to be offline",
        "second threads stay online that are to be offline",
        needs=("smt", "command-lines", "rebooter", "acpi-idle-driver"),
    ),
    Check("reboot", "the host is rebooted", "reboot", needs=("rebooter",)),
    Check("panic", "the kernel panics", "panic", needs=("rebooter",)),
    Check(
        "panic-shutdown",
        "the panic notifier shuts SNP down",
        "a panic shuts SNP down",
        needs=("rebooter",),
    ),
    Check("crash-kernel", "a crash kernel starts", "a crash kernel starts", needs=("rebooter",)),
    Check(
        "crash-kernel-with-snp",
        "a crash kernel starts with SNP live",
        "a crash kernel starts with SNP live",
        needs=("rebooter",),
    ),
    Check(
        "maxcpus",
        "maxcpus= leaves CPUs offline",
        "maxcpus= leaves CPUs offline",
        needs=("command-lines",),
    ),
    Check(
        "nr-cpus",
        "nr_cpus= keeps a CPU out of the present mask",
        "nr_cpus= keeps a CPU out of the present mask",
        needs=("command-lines",),
    ),
    Check(
        "nosmt",
        "nosmt keeps second threads offline",
        "nosmt keeps second threads offline",
        needs=("command-lines", "smt"),
    ),
    # --- firmware ---------------------------------------------------------------------------------
    Check(
        "init-refused",
        "SNP_INIT_EX finds a core that was not prepared",
        "SNP_INIT_EX finds a core unprepared",
        needs=("command-lines",),
    ),
    Check(
        "init-in-init",
        "SNP_INIT_EX finds the firmware in INIT already",
        "SNP_INIT_EX is refused in INIT",
    ),
    Check(
        "shutdown-fails-halfway",
        "SNP_SHUTDOWN_EX fails in the middle",
        "SNP_SHUTDOWN_EX fails halfway",
        needs=("firmware-steps",),
    ),
    Check(
        "firmware-replaced",
        "DOWNLOAD_FIRMWARE succeeds",
        "the firmware is replaced",
        needs=("firmware-steps",),
    ),
    Check(
        "firmware-kept",
        "DOWNLOAD_FIRMWARE is refused in INIT",
        "the firmware is not replaced in INIT",
        needs=("firmware-steps", "module-loader"),
    ),
    Check(
        "command-times-out",
        "a command gets no answer in time",
        "a command times out",
        needs=("commands-may-time-out",),
    ),
    Check(
        "init-ex-refused",
        "legacy SEV's INIT_EX is refused, since SNP_EN is set and the RMP not initialized",
        "INIT_EX is refused for want of an RMP",
        needs=SEV,
    ),
    Check(
        "no-device",
        "ccp finds a firmware that does not answer, or SNP up already, and makes no /dev/sev",
        "there is no /dev/sev",
    ),
    Check("factory-reset", "a factory reset succeeds", "factory reset", needs=SEV),
    Check(
        "sev-ioctl-drops-snp",
        "an ioctl for legacy SEV shuts SNP down",
        "an ioctl for legacy SEV shuts SNP down",
        needs=SEV,
    ),
    Check(
        "status-page-refused",
        "SNP_PLATFORM_STATUS is given a page that is not the firmware's",
        "the firmware refuses a page that the driver left to the hypervisor",
        needs=SEV,
    ),
    Check(
        "vm-initializes-snp",
        "KVM_SEV_INIT2 initializes SNP, which went away under kvm-amd",
        "a VM initializes SNP",
        needs=("kvm-without-sev", "sev-user"),
    ),
    Check(
        "kvm-goes-without-shutdown",
        "kvm-amd is unloaded and shuts nothing down",
        "kvm-amd goes without a shutdown",
        needs=("kvm-without-sev",),
    ),
    # --- guests and RMPOPT ----------------------------------------------------------------------
    Check("df-flush-refused", "DF_FLUSH wants a WBINVD", "DF_FLUSH wants a WBINVD", needs=ASIDS),
    Check("activate-refused", "SNP_ACTIVATE fails", "SNP_ACTIVATE fails", needs=ASIDS),
    Check(
        "asid-recycled",
        "an ASID is given away again",
        "an ASID is given away again",
        needs=ASIDS,
    ),
    Check(
        "asid-stuck",
        "an ASID cannot be given away again, since DF_FLUSH fails",
        "an ASID cannot be given away again",
        needs=ASIDS,
    ),
    Check("asid-leaked", "SNP_DECOMMISSION fails", "an ASID leaks", needs=ASIDS),
    Check("rmpopt", "RMPOPT is executed", "RMPOPT is executed", needs=RMPOPT),
    Check(
        "rmpopt-again",
        "RMPOPT goes through memory again when a VM has gone",
        "RMPOPT is to go through memory again",
        needs=RMPOPT,
    ),
    Check("rmpopt-torn-down", "RMPOPT is torn down", "RMPOPT is torn down", needs=RMPOPT),
]
