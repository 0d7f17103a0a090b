"""What nobody has proved, and the variants of the environment.

An assumption is on or off for a whole run: ``--assume NAME``, ``--assume no-NAME``.
"""

from __future__ import annotations

from softsnp.lang import Assumption, Parameter, Specification


class Assumptions(Specification):
    """Every assumption and parameter of the host."""

    init_sipi_keeps_syscfg = Assumption(
        True,
        "A CPU that starts by INIT/SIPI (onlining, kexec) keeps SYSCFG and VM_HSAVE_PA.",
        "[asm] the kexec comment above snp_prepare()'s early return relies on it",
    )
    firmware_counts_offline_cores = Assumption(
        True,
        "The firmware sees and changes the cores that are present, whether Linux has them online "
        "or not; off: only the online ones.",
        "[msg] Lendacky, 2026-06-18, on v8 3/7",
    )
    cpu_hot_add = Assumption(
        False,
        "One CPU can be added physically at run time, with its SYSCFG as after reset.",
        "[asm] ACPI processor hot-add; whether an SNP platform offers it is not known",
    )
    kexec_onlines_hot_added = Assumption(
        False,
        "A kexec'd kernel brings hot-added CPUs online at boot; off: they are present, offline.",
        "[inf] depends on whether the boot-time tables passed on list them",
    )
    commands_may_fail = Assumption(
        True,
        "Any firmware command can fail for a reason that is not specified here.",
        "[asm] the PSP is a separate processor with its own faults",
    )
    allocations_may_fail = Assumption(
        True,
        "A memory allocation of the driver can fail.",
        "[code] the range list in __sev_snp_init_locked() returns -ENOMEM",
    )
    psp_init_on_probe = Assumption(
        True,
        "ccp's module parameter psp_init_on_probe is on, as it is by default: loading kvm-amd "
        "initializes legacy SEV as well as SNP.",
        "[code] _sev_platform_init_locked() returns before legacy SEV if it is off",
    )
    one_ipi_a_step = Assumption(
        True,
        "A broadcast reaches one CPU at a time, in any order; off: all in one step.",
        "[code] on_each_cpu() sends an IPI to each CPU and waits for all",
    )

    firmware = Parameter(
        {
            "legacy": "SNP_SHUTDOWN_EX leaves SYSCFG[SNP_EN] set on every core",
            "x86-shutdown": "SNP_SHUTDOWN_EX with x86_snp_shutdown clears SNP_EN on every core",
        },
        "the firmware profile",
    )
