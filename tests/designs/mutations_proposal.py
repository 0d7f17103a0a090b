"""Mistakes in the proposal, patch by patch."""

from __future__ import annotations

from softsnp.spec.designs import Proposal, ProposalCcp, ProposalHotplugCore, ProposalPrepare

from .mutations_place import Seeded, at

PROPOSAL = (
    Seeded(
        "proposal-prepare-looks-at-no-guests",
        "check",
        ProposalPrepare,
        "snp_prepare",
        {"if not self.cpus.any(online=True, svme=True):": "if True:"},
        at("proposal-prepare", "legacy-sev", "x86-shutdown"),
    ),
    Seeded(
        "proposal-prepare-keeps-its-hold",
        "step",
        ProposalPrepare,
        "snp_prepare",
        {"if rc and not held:": "if False:"},
        at("proposal-prepare", "thread", "x86-shutdown"),
    ),
    Seeded(
        "proposal-boot-sets-snp-en-on-none",
        "step",
        ProposalPrepare,
        "snp_rmptable_init",
        {"await self.on_each_cpu(snp_en=True, vmpl_en=True)": "pass"},
        at("proposal-prepare", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "proposal-boot-leaves-mfdm",
        "step",
        ProposalPrepare,
        "snp_rmptable_init",
        {"await self.on_each_cpu(mfdm=False)": "pass"},
        at("proposal-prepare", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "proposal-callback-leaves-mfdm",
        "step",
        ProposalPrepare,
        "cpuhp_ap_online",
        {"cpu.set(mfdm=False)": "pass"},
        at("proposal-prepare", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "proposal-ccp-does-not-ask",
        "check",
        ProposalCcp,
        "snp_get_platform_data",
        {
            "self.snp_initialized = status is Status.INVALID_PAGE_STATE": (
                "self.snp_initialized = False"
            ),
        },
        at("proposal-ccp", "thread", "x86-shutdown"),
    ),
    Seeded(
        "proposal-failed-shutdown-is-not-mended",
        "step",
        ProposalCcp,
        "snp_shutdown_commands",
        {"await self.on_each_cpu(snp_en=True, vmpl_en=True)": "pass"},
        at("proposal-ccp", "firmware", "x86-shutdown"),
    ),
    Seeded(
        "proposal-shutdown-is-believed",
        "check",
        ProposalCcp,
        "snp_is_up",
        {"False if status is Status.SUCCESS else self.snp_initialized": "False"},
        at("proposal-ccp", "thread", "x86-shutdown"),
    ),
    Seeded(
        "proposal-sleeps-with-snp",
        "check",
        Proposal,
        "syscore_suspend",
        {"if self.cpus.any(online=True, snp_en=True):": "if False:"},
        at("proposal", "suspend"),
    ),
    Seeded(
        "proposal-tears-rmpopt-down-too-late",
        "swap",
        Proposal,
        "snp_shutdown_commands",
        {
            "        if not panic:\n            await self.rmpopt_cleanup()\n": "",
            "        if rc and not panic": "        if not panic:\n"
            "            await self.rmpopt_cleanup()\n        if rc and not panic",
        },
        at("proposal", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "core-forgets-to-put-smt-back",
        "step",
        ProposalHotplugCore,
        "store_smt_control",
        {"self.cpu_smt_num_threads = before": "pass"},
        at("proposal-hotplug-core", "smt", cpus=3, one_ipi_a_step=False),
    ),
    Seeded(
        "core-prepare-counts-no-rejected-cpus",
        "check",
        ProposalHotplugCore,
        "snp_prepare",
        {"if self.cpus.any(fused=True, listed=True, present=False):": "if False:"},
        at("proposal-hotplug-core", "kexec"),
    ),
)
