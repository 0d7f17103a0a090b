"""Mistakes in preparing CPUs for SNP and putting them back, in both kernels' ways."""

from __future__ import annotations

from softsnp.spec.designs import Linux612
from softsnp.spec.linux.arch.x86.virt.svm.sev import X86Sev
from tests.mutation import Mutation

MFDM = "        await self.on_each_cpu(mfdm=True)  # mfd_reconfigure(1)\n"
SNP_EN = "        await self.on_each_cpu(snp_en=True, vmpl_en=True)  # snp_enable()\n"
HSAVE = "        await self.clear_hsave_pa()\n"

PREPARE = (
    Mutation(
        "prepare-without-early-return",
        X86Sev,
        "snp_prepare",
        "if self.rdmsr_syscfg_snp_en():",
        "if False:",
    ),
    Mutation("prepare-swallows-its-error", X86Sev, "snp_prepare", "return rc", "return 0"),
    Mutation(
        "prepare-with-cpus-offline",
        X86Sev,
        "snp_prepare_cpus",
        "if self.cpus.where(present=True).any(online=False):",
        "if False:",
    ),
    Mutation(
        "prepare-forgets-added-cpus",
        X86Sev,
        "snp_prepare_cpus",
        "where(present=True)",
        "where(present=True, listed=True)",
    ),
    Mutation(
        "prepare-fails-with-ebusy",
        X86Sev,
        "snp_prepare_cpus",
        "return EOPNOTSUPP",
        "return -16",
    ),
    Mutation(
        "prepare-writes-no-caches-back",
        X86Sev,
        "snp_prepare_cpus",
        "await self.wbinvd_on_all_cpus()",
        "",
    ),
    Mutation("prepare-without-mfdm", X86Sev, "snp_prepare_cpus", MFDM, ""),
    Mutation("prepare-without-snp-en", X86Sev, "snp_prepare_cpus", SNP_EN, ""),
    Mutation(
        "prepare-without-vmpl-en",
        X86Sev,
        "snp_prepare_cpus",
        "snp_en=True, vmpl_en=True",
        "snp_en=True",
    ),
    Mutation("prepare-without-hsave", X86Sev, "snp_prepare_cpus", HSAVE, ""),
    Mutation(
        "prepare-enables-before-mfdm",
        X86Sev,
        "snp_prepare_cpus",
        MFDM + SNP_EN,
        SNP_EN + MFDM,
    ),
    Mutation(
        "prepare-enables-after-hsave",
        X86Sev,
        "snp_prepare_cpus",
        SNP_EN + HSAVE,
        HSAVE + SNP_EN,
    ),
)

UNDO = (
    Mutation(
        "clear-rmp-leaves-the-table",
        X86Sev,
        "zero_rmp",
        "self.rmp = RmpTable.ZERO",
        "",
    ),
    Mutation(
        "shutdown-of-snp-without-early-return",
        X86Sev,
        "snp_shutdown",
        "if self.rdmsr_syscfg_snp_en():",
        "if False:",
    ),
    Mutation("undo-leaves-the-rmp", X86Sev, "snp_undo", "await self.clear_rmp()", ""),
    Mutation(
        "undo-leaves-mfdm",
        X86Sev,
        "snp_undo",
        "        await self.on_each_cpu(mfdm=False)  # mfd_reconfigure(NULL)\n",
        "",
    ),
    Mutation(
        "undo-clears-vmpl-en",
        X86Sev,
        "snp_undo",
        "mfdm=False",
        "mfdm=False, vmpl_en=False",
    ),
)

LINUX_6_12 = (
    Mutation(
        "6.12-kexec-without-early-return",
        Linux612,
        "snp_rmptable_init",
        "if self.rdmsr_syscfg_snp_en():",
        "if False:",
    ),
    Mutation(
        "6.12-boot-without-mfdm",
        Linux612,
        "snp_enable_at_boot",
        "        await self.on_each_cpu(mfdm=True)  # mfd_enable()\n",
        "",
    ),
    Mutation(
        "6.12-boot-sets-mfdm-on-the-boot-cpu-only",
        Linux612,
        "snp_enable_at_boot",
        "        await self.on_each_cpu(mfdm=True)  # mfd_enable()\n",
        '        await self.preempt(atomic="a mistake")\n'
        "        self.cpus.where(boot=True).set(mfdm=True)\n",
    ),
    Mutation(
        "6.12-callback-sets-mfdm-too",
        Linux612,
        "cpuhp_ap_online",
        "snp_en=True, vmpl_en=True",
        "snp_en=True, vmpl_en=True, mfdm=True",
    ),
    Mutation(
        "6.12-callback-without-vmpl-en",
        Linux612,
        "cpuhp_ap_online",
        "snp_en=True, vmpl_en=True",
        "snp_en=True",
    ),
    Mutation(
        "6.12-callback-instead-of-kvm's",
        Linux612,
        "cpuhp_ap_online",
        "await super().cpuhp_ap_online(cpu)",
        "0",
    ),
    Mutation(
        "6.12-callback-before-kvm's",
        Linux612,
        "cpuhp_ap_online",
        "        rc = await",
        "        cpu.set(snp_en=True, vmpl_en=True)\n        rc = await",
    ),
    Mutation(
        "6.12-init-leaves-hsave",
        Linux612,
        "snp_prepare",
        "        await self.clear_hsave_pa()  # snp_set_hsave_pa()\n",
        "",
    ),
    Mutation(
        "6.12-init-wants-every-cpu-online",
        Linux612,
        "snp_prepare",
        "        return 0",
        '        await self.preempt(atomic="a mistake")\n'
        "        return -95 if self.cpus.where(present=True).any(online=False) else 0",
    ),
    Mutation(
        "6.12-asks-for-a-full-shutdown",
        Linux612,
        "x86_snp_shutdown_asked_for",
        "return False",
        'return self.firmware == "x86-shutdown"',
    ),
)
