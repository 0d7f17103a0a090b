"""Mistakes in suspend, hibernation, reboot, kexec, panic and boot."""

from __future__ import annotations

from softsnp.spec.linux.arch.x86.kernel.smp import X86Smp
from softsnp.spec.linux.arch.x86.power.hibernate import ResumeNosmt
from softsnp.spec.linux.drivers.acpi.processor_idle import AcpiIdle
from softsnp.spec.linux.init.main import Boot
from softsnp.spec.linux.kernel.crash_core import CrashCore
from softsnp.spec.linux.kernel.kexec_core import KexecCore
from softsnp.spec.linux.kernel.panic import Panic
from softsnp.spec.linux.kernel.power.hibernate import Hibernate
from softsnp.spec.linux.kernel.power.suspend import Suspend
from softsnp.spec.linux.kernel.reboot import Reboot

from .mutations_place import Seeded, at

POWER = (
    # --- suspend ---------------------------------------------------------------------------------
    Seeded(
        "suspend-does-not-disable-hotplug",
        "lock",
        Suspend,
        "suspend_prepare",
        {"await self.cpu_hotplug_disable_otherwise()": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "suspend-waits-for-no-task",
        "check",
        Suspend,
        "suspend_prepare",
        {"lambda: self.at_rest_of(*self.frozen_tasks())": "lambda: True"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "suspend-thaws-no-task",
        "step",
        Suspend,
        "suspend_finish",
        {"self.tasks_frozen = False": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "suspend-test-sleeps",
        "check",
        Suspend,
        "pm_suspend",
        {" and not test_processors": ""},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "suspend-keeps-registers",
        "step",
        Suspend,
        "suspend_to_ram",
        {"self.cpus.set(**AT_RESET)": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "suspend-forgets-no-firmware",
        "step",
        Suspend,
        "suspend_to_ram",
        {"self.power_cycle_firmware()": "pass"},
        at("linux-7.3", "suspend", s3_keeps_firmware_state=False),
    ),
    # --- hibernation -----------------------------------------------------------------------------
    Seeded(
        "hibernation-keeps-registers",
        "step",
        Hibernate,
        "hibernate",
        {"self.cpus.set(**AT_RESET)": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown", s3_loses_syscfg=False),
    ),
    Seeded(
        "hibernation-keeps-the-firmware",
        "step",
        Hibernate,
        "hibernate",
        {"self.power_cycle_firmware()": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "resume-nosmt-does-not-disable-hotplug",
        "step",
        ResumeNosmt,
        "arch_resume_nosmt",
        {"await self.cpu_hotplug_disable_otherwise()": "pass"},
        at("linux-7.3", "suspend", cpus=3, one_ipi_a_step=False, smt=True, command_lines=True),
    ),
    Seeded(
        "rescanned-threads-stay-on",
        "step",
        X86Smp,
        "arch_cpu_rescan_dead_smt_siblings",
        {"rc = await self.cpuhp_smt_disable(control)": "rc = 0"},
        at("linux-7.3", "suspend", cpus=3, one_ipi_a_step=False, smt=True, command_lines=True),
    ),
    Seeded(
        "acpi-idle-wakes-no-threads",
        "step",
        AcpiIdle,
        "acpi_idle_rescan_dead_smt_siblings",
        {"await self.arch_cpu_rescan_dead_smt_siblings()": "pass"},
        at("rmpopt-v10", "nosmt-kexec", "x86-shutdown", cpus=3),
    ),
    Seeded(
        "rescan-looks-at-no-control",
        "check",
        X86Smp,
        "arch_cpu_rescan_dead_smt_siblings",
        {"if control is SmtControl.ENABLED:": "if False:"},
        at("linux-7.3", "nosmt-kexec", cpus=3),
    ),
    # --- the end of a kernel ---------------------------------------------------------------------
    Seeded(
        "reboot-shuts-nothing-down",
        "step",
        Reboot,
        "kernel_restart_prepare",
        {"if self.ccp_loaded:": "if False:"},
        at("linux-7.3", "kexec", commands_may_fail=False),
    ),
    Seeded(
        "kexec-enables-hotplug-twice",
        "step",
        KexecCore,
        "kernel_kexec",
        {"await self.migrate_to_reboot_cpu()": "pass"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "kexec-leaves-kvm-running",
        "step",
        KexecCore,
        "kernel_kexec",
        {"self.kvm_shutdown()": "pass"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "kexec-keeps-the-modules",
        "constant",
        KexecCore,
        "kernel_kexec",
        {'self.restart("kernel", "module")': 'self.restart("kernel")'},
        at("linux-7.3", "thread", commands_may_fail=False),
        explained="the next kernel loads ccp anew, and begins with fresh memory then",
    ),
    Seeded(
        "kexec-shuts-nothing-down",
        "step",
        KexecCore,
        "kernel_kexec",
        {"await self.kernel_restart_prepare()": "pass"},
        at("linux-7.3", "kexec", commands_may_fail=False),
    ),
    Seeded(
        "kexec-resets-cpus",
        "constant",
        KexecCore,
        "kernel_kexec",
        {"set(online=False)": "set(online=False, snp_en=False, vmpl_en=False, mfdm=False)"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "crash-kernel-resets-first",
        "swap",
        CrashCore,
        "crash_kexec",
        {
            "        if self.snp_state is": (
                "        self.machine_reset()\n        if self.snp_state is"
            ),
        },
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "panic-calls-no-notifier",
        "step",
        Panic,
        "panic",
        {"await self.snp_shutdown_on_panic()": "pass"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "panic-starts-the-crash-kernel-first",
        "swap",
        Panic,
        "panic",
        {
            "        await self.snp_shutdown_on_panic()\n": "",
            "        await self.crash_kexec()": "        await self.crash_kexec()\n"
            "        await self.snp_shutdown_on_panic()",
        },
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    # --- the beginning of one --------------------------------------------------------------------
    Seeded(
        "boot-inits-rmp-before-smp",
        "swap",
        Boot,
        "start_kernel",
        {
            "        await self.snp_rmptable_init()\n": "",
            "        await self.preempt(atomic=ALONE)\n        if": (
                "        await self.snp_rmptable_init()\n"
                "        await self.preempt(atomic=ALONE)\n        if"
            ),
        },
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "maxcpus-brings-up-all",
        "constant",
        Boot,
        "smp_init_by_command_line",
        {"enough = self.choose(False, True, label=": "enough = self.choose(False, label="},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "nr-cpus-is-forgotten",
        "step",
        Boot,
        "smp_init_by_command_line",
        {"set_one(present=False)": "set_one(present=True)"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "nr-cpus-of-the-last-kernel-stays",
        "step",
        Boot,
        "smp_init_by_command_line",
        {"        self.cpus.where(fused=True, listed=True).set(present=True)\n": ""},
        at("linux-7.3", "kexec"),
    ),
    Seeded(
        "nosmt-leaves-control-on",
        "step",
        Boot,
        "smp_init_by_command_line",
        {"self.cpu_smt_control = SmtControl.DISABLED": "pass"},
        at("linux-7.3", "thread", cpus=3, smt=True, command_lines=True),
    ),
)
