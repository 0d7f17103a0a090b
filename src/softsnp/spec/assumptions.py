"""What nobody has proved, the variants of the environment, and what a run may leave out.

An assumption is on or off for a whole run: ``--assume NAME``, ``--assume no-NAME``. ``softsnp
why`` takes the value that is not benign for a circumstance that something may need to go wrong.
A detail is on or off likewise; scenarios choose the details they need.
"""

from __future__ import annotations

from softsnp.lang import Assumption, Detail, Parameter, Specification


class Assumptions(Specification):
    """Every assumption, detail and parameter of the host."""

    init_sipi_keeps_syscfg = Assumption(
        True,
        "A CPU that starts by INIT/SIPI (onlining, kexec) keeps SYSCFG and VM_HSAVE_PA.",
        "[asm] the kexec comment above snp_prepare()'s early return relies on it",
        benign=True,
        when_on="INIT/SIPI keeps SYSCFG",
        when_off="INIT/SIPI loses SYSCFG",
    )
    firmware_counts_offline_cores = Assumption(
        True,
        "The firmware sees and changes the cores that are there, whether Linux has them online "
        "or not; off: only the online ones.",
        "[msg] Lendacky, 2026-06-18, on v8 3/7",
        benign=True,
        when_on="the firmware counts offline cores",
        when_off="the firmware passes over offline cores",
    )
    cpu_hot_add = Assumption(
        False,
        "One CPU can be added physically at run time, with its SYSCFG as after reset.",
        "[asm] ACPI processor hot-add; whether an SNP platform offers it is not known",
        when_on="a CPU can be hot-added",
        when_off="no CPU can be hot-added",
    )
    cpu_eject = Assumption(
        False,
        "A CPU that is offline can be taken out physically at run time.",
        "[asm] ACPI processor eject; whether an SNP platform offers it is not known",
        when_on="a CPU can be ejected",
        when_off="no CPU can be ejected",
    )
    kexec_onlines_hot_added = Assumption(
        False,
        "A kexec'd kernel brings hot-added CPUs online at boot; off: they are present, offline.",
        "[inf] depends on whether the boot-time tables passed on list them",
        when_on="a kexec'd kernel brings hot-added CPUs online",
        when_off="a kexec'd kernel leaves hot-added CPUs offline",
    )
    s3_loses_syscfg = Assumption(
        True,
        "Suspend to RAM (S3) resets every CPU, and SYSCFG and VM_HSAVE_PA with it.",
        "[asm] the CPUs lose power in S3; nothing in Linux saves SYSCFG",
        when_on="S3 loses SYSCFG",
        when_off="S3 keeps SYSCFG",
    )
    s3_keeps_firmware_state = Assumption(
        True,
        "The firmware comes out of S3 in the state in which it went in, and so does the RMP.",
        "[asm] the RMP is in memory, which S3 keeps; of the PSP nothing is documented",
        benign=None,  # kept, it protects nothing that lost SYSCFG; lost, the driver does not know
        when_on="the firmware's state survives S3",
        when_off="the firmware's state is lost in S3",
    )
    commands_may_fail = Assumption(
        True,
        "Any firmware command can fail for a reason that is not specified here.",
        "[asm] the PSP is a separate processor with its own faults",
        when_on="a firmware command can fail",
        when_off="no firmware command fails",
    )
    commands_may_time_out = Assumption(
        False,
        "A firmware command may get no answer in time; the driver never asks the PSP again.",
        "[code] psp_dead is set for good after a timeout",
        when_on="a firmware command can time out",
        when_off="every firmware command is answered in time",
    )
    allocations_may_fail = Assumption(
        True,
        "A memory allocation of the driver can fail.",
        "[code] the range list in __sev_snp_init_locked() returns -ENOMEM",
        when_on="a memory allocation can fail",
        when_off="no memory allocation fails",
    )
    hotplug_callbacks_may_fail = Assumption(
        False,
        "A callback of CPU hotplug can refuse, and what was done before it is rolled back.",
        "[code] cpuhp_invoke_callback_range() and its undo",
        when_on="a callback of CPU hotplug can fail",
        when_off="no callback of CPU hotplug fails",
    )
    psp_init_on_probe = Assumption(
        True,
        "ccp's module parameter psp_init_on_probe is on, as it is by default: loading kvm-amd "
        "initializes legacy SEV as well as SNP.",
        "[code] _sev_platform_init_locked() returns before legacy SEV if it is off",
        benign=None,  # on, more is initialized early; off, it is at the first command
        when_on="loading kvm-amd initializes SEV",
        when_off="loading kvm-amd does not initialize SEV",
    )
    acpi_idle_driver = Assumption(
        True,
        "CPUs idle by acpi_idle, whose initcall wakes second threads that nosmt keeps offline, and "
        "takes them offline again.",
        "[code] v7.3 acpi_processor_driver_init(); [inf] servers with EPYC processors use it",
        when_on="CPUs idle by acpi_idle",
        when_off="CPUs do not idle by acpi_idle",
    )
    one_ipi_a_step = Assumption(
        True,
        "A broadcast reaches one CPU at a time, in any order; off: all in one step.",
        "[code] on_each_cpu() sends an IPI to each CPU and waits for all",
        when_on="a broadcast reaches one CPU at a time",
        when_off="a broadcast reaches all CPUs at once",
    )

    device_locks = Detail(
        "device_hotplug_lock, and the six attempts to bring a CPU online.",
        "a write to a file of sysfs tries once, and no lock keeps two such writes apart.",
        when_on="sysfs takes its locks and tries again",
        when_off="sysfs takes no lock and tries once",
    )
    smt = Detail(
        "Cores have two threads, and smt/control takes the second ones offline and online.",
        "every core has one thread.",
        when_on="cores have two threads",
        when_off="cores have one thread",
    )
    command_lines = Detail(
        "Kernels boot with maxcpus=, nosmt or nr_cpus= on their command line.",
        "every kernel boots with every CPU that is there.",
        when_on="kernels boot with maxcpus=, nosmt or nr_cpus=",
        when_off="kernels boot with every CPU",
    )
    reboot_steps = Detail(
        "What a kexec does to cpu_hotplug_disabled; panic, the crash kernel, and reboot.",
        "kexec goes from the devices' shutdown to the new kernel, and nothing panics.",
        when_on="kexec goes through reboot's steps",
        when_off="kexec skips reboot's steps",
    )
    firmware_caches = Detail(
        "The firmware knows which cores have done WBINVD and which ASIDs are clean.",
        "DF_FLUSH never asks for a WBINVD, and a guest's pages stand for its ASID.",
        when_on="the firmware watches caches and ASIDs",
        when_off="the firmware does not watch caches",
    )
    firmware_steps = Detail(
        "SNP_SHUTDOWN_EX has steps of its own, and can fail between them; DOWNLOAD_FIRMWARE.",
        "the firmware does a command in one step, or none of it.",
        when_on="the firmware can fail in the middle of a command",
        when_off="the firmware does a command in one step",
    )
    kvm_without_sev = Detail(
        "kvm-amd stays loaded when SEV does not come up, and does not shut down what it did not "
        "get.",
        "kvm-amd goes again when SNP or SEV does not come up.",
        when_on="kvm-amd stays without SEV",
        when_off="kvm-amd goes when SEV does not come up",
    )
    rmpopt = Detail(
        "RMPOPT, in the designs that have it: its base registers, its mask and its worker.",
        "SNP works without RMPOPT.",
        when_on="RMPOPT is used",
        when_off="RMPOPT is not used",
    )

    firmware = Parameter(
        {
            "legacy": "SNP_SHUTDOWN_EX leaves SYSCFG[SNP_EN] set on every core",
            "x86-shutdown": "SNP_SHUTDOWN_EX with x86_snp_shutdown clears SNP_EN on every core",
        },
        "the firmware profile",
    )
