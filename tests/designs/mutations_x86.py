"""Mistakes in arch/x86/virt/svm/sev.c: preparing CPUs, putting them back, and RMPOPT."""

from __future__ import annotations

from softsnp.spec.linux.arch.x86.virt.svm.sev import X86Sev
from softsnp.spec.linux.arch.x86.virt.svm.sev_rmpopt import SevRmpopt

from .mutations_place import Seeded, at

X86 = (
    # --- preparing -------------------------------------------------------------------------------
    Seeded(
        "prepare-takes-no-read-lock",
        "lock",
        X86Sev,
        "snp_prepare",
        {"await self.cpus_read_lock()": "await self.preempt()", "self.cpus_read_unlock()": "pass"},
        at("linux-7.3", "thread", "x86-shutdown"),
    ),
    Seeded(
        "prepare-compares-no-masks",
        "check",
        X86Sev,
        "snp_prepare_cpus",
        {"if self.cpus.where(present=True).any(online=False):": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "prepare-forgets-mfdm",
        "step",
        X86Sev,
        "snp_prepare_cpus",
        {"await self.on_each_cpu(mfdm=True)": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "prepare-forgets-vmpl-en",
        "step",
        X86Sev,
        "snp_prepare_cpus",
        {"snp_en=True, vmpl_en=True": "snp_en=True"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "prepare-forgets-the-boot-cpu",
        "constant",
        X86Sev,
        "snp_prepare_cpus",
        {"self.on_each_cpu(snp_en": 'self.on_each_cpu({"boot": False}, snp_en'},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "prepare-forgets-hsave",
        "step",
        X86Sev,
        "snp_prepare_cpus",
        {"await self.clear_hsave_pa()": "pass"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "hsave-cleared-on-the-boot-cpu",
        "constant",
        X86Sev,
        "clear_hsave_pa",
        {"self.on_each_cpu(": 'self.on_each_cpu({"boot": True}, '},
        at("rmpopt-v10", "legacy-sev", "x86-shutdown"),
    ),
    # --- putting back ----------------------------------------------------------------------------
    Seeded(
        "undo-does-not-look-at-snp-en",
        "check",
        X86Sev,
        "snp_shutdown",
        {"if self.rdmsr_syscfg_snp_en():": "if False:"},
        at("rmpopt-v10", "firmware", "x86-shutdown"),
    ),
    Seeded(
        "undo-forgets-mfdm",
        "step",
        X86Sev,
        "snp_undo",
        {"await self.on_each_cpu(mfdm=False)": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    # --- RMPOPT ----------------------------------------------------------------------------------
    Seeded(
        "rmpopt-takes-second-threads",
        "check",
        SevRmpopt,
        "snp_setup_rmpopt",
        {"where(online=True, sibling=False)": "where(online=True)"},
        at("rmpopt-v9", "rmpopt", cpus=3, smt=True),
    ),
    Seeded(
        "rmpopt-mask-of-present-cpus",
        "check",
        SevRmpopt,
        "snp_setup_rmpopt",
        {"where(online=True, sibling=False)": "where(present=True, sibling=False)"},
        at("rmpopt-v9", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "rmpopt-sets-no-base",
        "step",
        SevRmpopt,
        "snp_setup_rmpopt",
        {"await self.on_each_cpu(IN_MASK, rmpopt_base=True)": "pass"},
        at("rmpopt-v10", "rmpopt"),
    ),
    Seeded(
        "rmpopt-queued-before-the-bases",
        "swap",
        SevRmpopt,
        "snp_setup_rmpopt",
        {
            "            await self.preempt()\n            self.rmpopt_queued = True\n": "",
            "            self.rmpopt_wq = True\n": "            self.rmpopt_wq = True\n"
            "            await self.preempt()\n            self.rmpopt_queued = True\n",
        },
        at("rmpopt-v10", "rmpopt"),
    ),
    Seeded(
        "rmpopt-set-up-keeps-its-mutex",
        "unlock",
        SevRmpopt,
        "snp_setup_rmpopt",
        {"self.mutex_unlock(SevRmpopt.rmpopt_wq_mutex)": "pass"},
        at("rmpopt-v10", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "rmpopt-again-when-torn-down",
        "check",
        SevRmpopt,
        "snp_rmpopt_all_physmem",
        {"if self.rmpopt_wq:": "if True:"},
        at("proposal", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "rmpopt-cleanup-does-not-wait",
        "check",
        SevRmpopt,
        "rmpopt_cleanup",
        {"lambda: not self.rmpopt_running": "lambda: True"},
        at("proposal", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "rmpopt-cleanup-does-not-cancel",
        "step",
        SevRmpopt,
        "rmpopt_cleanup",
        {"self.rmpopt_queued = False": "pass"},
        at("proposal", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "rmpopt-cleanup-keeps-the-mask",
        "step",
        SevRmpopt,
        "rmpopt_cleanup",
        {"self.cpus.where(rmpopt_masked=True).set(rmpopt_masked=False)": "pass"},
        at("rmpopt-v9", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "rmpopt-cleanup-keeps-the-queue",
        "step",
        SevRmpopt,
        "rmpopt_cleanup",
        {"self.rmpopt_wq = False": "pass"},
        at("proposal", "rmpopt", "x86-shutdown"),
    ),
)
