"""What ``softsnp ctl`` can ask of a running host. Names, parameters and results are documented."""

from __future__ import annotations

from ..faults import FAULTS
from .faults import heal, inject
from .looking import faults, modules, properties, status, tasks, trace, variables
from .power import hot_add, kexec, kexec_load, power_cycle
from .processor import cpuid, hashstick, stage_firmware
from .standing import resume, step
from .verb import Verb, VerbError, at_once, module, operation

__all__ = ["VERBS", "Verb", "VerbError"]

CPU = {"cpu": "the CPU's number"}
VERBS: dict[str, Verb] = {
    "status": Verb("what the host is, and how it stands", at_once(status)),
    "tasks": Verb("what is under way: where it stands, waits for and holds", at_once(tasks)),
    "trace": Verb("everything since power-on, as a recording", at_once(trace)),
    "variables": Verb(
        "what a debugger would read in the kernel's memory, by the kernel's names",
        at_once(variables),
    ),
    "properties": Verb("which properties hold in the state as it is", at_once(properties)),
    "modules": Verb("the modules that are loaded", at_once(modules)),
    "faults": Verb("the faults that wait for their occasion", at_once(faults)),
    "inject": Verb(
        "make something fail, the next time that it is done",
        at_once(inject),
        {
            "what": f"{', '.join(f for f in FAULTS if not f.isupper())} or a firmware command",
            "status*": "what a command answers: a name or number (default: HWERROR_PLATFORM)",
            "times*": "how often (default: once)",
        },
    ),
    "heal": Verb("forget all faults that wait", at_once(heal)),
    "offline": Verb("take a CPU offline", operation("offline", True), CPU),
    "online": Verb("bring a CPU online", operation("online", True), CPU),
    "hot-add": Verb("put a CPU in; the host wants cpu-hot-add", hot_add, CPU),
    "eject": Verb("take a CPU out that is offline", operation("eject", True), CPU),
    "modprobe": Verb(
        "load a module",
        operation(lambda args: module("modprobe", args)),
        {"module": "ccp or kvm-amd"},
    ),
    "rmmod": Verb(
        "unload a module", operation(lambda args: module("rmmod", args)), {"module": "the same"}
    ),
    "start-guest": Verb("start an SNP guest", operation("start an SNP guest")),
    "stop-guest": Verb("stop the SNP guest", operation("stop the SNP guest")),
    "suspend": Verb("suspend to RAM and wake up", operation("suspend")),
    "test-suspend": Verb("suspend as far as pm_test=processors goes", operation("test suspend")),
    "hibernate": Verb("hibernate and come back", operation("hibernate")),
    "kexec": Verb(
        "start a kernel from this one",
        kexec,
        {"append*": "its command line: maxcpus=N, nosmt or nr_cpus=N"},
    ),
    "kexec-load": Verb(
        "load a kernel for kexec",
        at_once(kexec_load),
        {"append*": "its command line: maxcpus=N, nosmt or nr_cpus=N"},
    ),
    "reboot": Verb("restart the machine", operation("reboot")),
    "panic": Verb("have the kernel panic", operation("panic")),
    "power-cycle": Verb("switch the machine off and on", at_once(power_cycle)),
    "stage-firmware": Verb(
        "load a firmware (SNP_DOWNLOAD_FIRMWARE_EX), which is not committed yet",
        at_once(stage_firmware),
        {"snp*": "its security version", "version*": "MAJOR.MINOR.BUILD"},
    ),
    "hashstick": Verb("a VLEK hashstick, wrapped for this chip and its TCB", at_once(hashstick)),
    "cpuid": Verb(
        "what CPUID tells of memory encryption from now on",
        at_once(cpuid),
        {"without*": "features that it lacks: sev-snp,vmpl (default: it has all)"},
    ),
    "step": Verb("let a task take one step", at_once(step), {"lane": "see tasks"}),
    "go": Verb("let tasks that a replay left standing go on", at_once(resume), {"lane*": "one"}),
}
