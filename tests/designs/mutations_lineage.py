"""Mistakes in the designs that were posted, or asked for in the review."""

from __future__ import annotations

from softsnp.spec.designs import (
    Linux612,
    ReviewAllPossibleCpus,
    ReviewDisableOfflining,
    ReviewFlagOnTop,
    ReviewHoldReadLock,
    ReviewReenableOnInitFailure,
    RmpoptV8,
    RmpoptV9,
    RmpoptV10,
)

from .mutations_place import Seeded, at

LINEAGE = (
    # --- linux-6.12 ------------------------------------------------------------------------------
    Seeded(
        "6.12-callback-enables-nothing",
        "step",
        Linux612,
        "cpuhp_ap_online",
        {"cpu.set(snp_en=True, vmpl_en=True)": "pass"},
        at("linux-6.12", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "6.12-boot-forgets-mfdm",
        "step",
        Linux612,
        "snp_enable_at_boot",
        {"await self.on_each_cpu(mfdm=True)": "pass"},
        at("linux-6.12", "thread", "x86-shutdown"),
    ),
    Seeded(
        "6.12-boot-clears-the-rmp-last",
        "swap",
        Linux612,
        "snp_enable_at_boot",
        {
            "        self.zero_rmp()\n": "",
            "        await self.on_each_cpu(snp_en=True, vmpl_en=True)": (
                "        await self.on_each_cpu(snp_en=True, vmpl_en=True)\n"
                '        await self.preempt(atomic="a mutation")\n'
                "        self.zero_rmp()"
            ),
        },
        at("linux-6.12", "thread", "x86-shutdown"),
    ),
    Seeded(
        "6.12-asks-for-an-x86-shutdown",
        "constant",
        Linux612,
        "x86_snp_shutdown_asked_for",
        {"return False": 'return self.firmware == "x86-shutdown"'},
        at("linux-6.12", "thread", "x86-shutdown"),
    ),
    # --- v8, v9, v10 -----------------------------------------------------------------------------
    Seeded(
        "v8-sets-no-flag",
        "step",
        RmpoptV8,
        "snp_init_done",
        {"self.snp_cpu_hotplug_disabled = True": "pass"},
        at("rmpopt-v8", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v8-enables-before-the-undo",
        "swap",
        RmpoptV8,
        "x86_snp_shutdown",
        {
            "        await self.snp_shutdown()\n": "",
            "            self.snp_cpu_hotplug_disabled = False": (
                "            self.snp_cpu_hotplug_disabled = False\n"
                "        await self.snp_shutdown()"
            ),
        },
        at("rmpopt-v8", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "v9-disable-looks-at-no-flag",
        "check",
        RmpoptV9,
        "snp_disable_cpu_hotplug",
        {"if not self.snp_cpu_hotplug_disabled:": "if True:"},
        at("rmpopt-v9", "thread"),
    ),
    Seeded(
        "v9-enable-keeps-the-flag",
        "step",
        RmpoptV9,
        "snp_enable_cpu_hotplug",
        {"self.snp_cpu_hotplug_disabled = False": "pass"},
        at("rmpopt-v9", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v9-disables-nothing",
        "step",
        RmpoptV9,
        "snp_init_done",
        {"await self.snp_disable_cpu_hotplug()": "pass"},
        at("rmpopt-v9", "module-reload"),
    ),
    Seeded(
        "v9-tears-rmpopt-down-last",
        "swap",
        RmpoptV9,
        "snp_undo",
        {
            "        await self.rmpopt_cleanup()\n": "",
            "        await super().snp_undo()": "        await super().snp_undo()\n"
            "        await self.rmpopt_cleanup()",
        },
        at("rmpopt-v9", "rmpopt", "x86-shutdown"),
    ),
    Seeded(
        "v10-prepare-does-not-look-at-snp-en",
        "check",
        RmpoptV10,
        "snp_prepare",
        {"if self.rdmsr_syscfg_snp_en():": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-disables-after-the-cpus",
        "swap",
        RmpoptV10,
        "snp_prepare",
        {
            "        await self.cpu_hotplug_disable()\n": "",
            "        self.cpus_read_unlock()\n": "        self.cpus_read_unlock()\n"
            "        await self.cpu_hotplug_disable()\n",
        },
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-disables-under-the-read-lock",
        "swap",
        RmpoptV10,
        "snp_prepare",
        {
            "        await self.cpu_hotplug_disable()\n": "",
            "        await self.cpus_read_lock()\n": "        await self.cpus_read_lock()\n"
            "        await self.cpu_hotplug_disable()\n",
        },
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-failed-prepare-keeps-its-hold",
        "step",
        RmpoptV10,
        "snp_prepare",
        {"if rc:": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-clears-the-rmp-after-disabling",
        "swap",
        RmpoptV10,
        "snp_prepare",
        {
            "        await self.clear_rmp()\n": "",
            "        await self.cpu_hotplug_disable()\n": (
                "        await self.cpu_hotplug_disable()\n        await self.clear_rmp()\n"
            ),
        },
        at("rmpopt-v10", "thread", "x86-shutdown"),
        "clearing the RMP and disabling CPU hotplug do not look at each other",
    ),
    Seeded(
        "v10-undo-enables-nothing",
        "step",
        RmpoptV10,
        "snp_undo",
        {"await self.cpu_hotplug_enable()": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-undo-enables-last",
        "swap",
        RmpoptV10,
        "snp_undo",
        {
            "        await self.cpu_hotplug_enable()\n": "",
            "        await super().snp_undo()": "        await super().snp_undo()\n"
            "        await self.cpu_hotplug_enable()",
        },
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-boot-always-disables",
        "check",
        RmpoptV10,
        "snp_rmptable_init",
        {"if self.rdmsr_syscfg_snp_en():": "if True:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-boot-never-disables",
        "step",
        RmpoptV10,
        "snp_rmptable_init",
        {"if self.rdmsr_syscfg_snp_en():": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "v10-sets-up-no-rmpopt",
        "step",
        RmpoptV10,
        "snp_init_done",
        {"await self.snp_setup_rmpopt()": "pass"},
        at("rmpopt-v10", "rmpopt", "x86-shutdown"),
    ),
    # --- review ----------------------------------------------------------------------------------
    Seeded(
        "offlining-stays-allowed-at-boot",
        "step",
        ReviewDisableOfflining,
        "snp_rmptable_init",
        {"await self.cpu_hotplug_disable_offlining()": "pass"},
        at("review-disable-offlining", "thread", "x86-shutdown"),
    ),
    Seeded(
        "flag-on-top-keeps-hotplug-after-a-failure",
        "step",
        ReviewFlagOnTop,
        "_sev_snp_init_locked",
        {"if rc:": "if False:"},
        at("review-flag-on-top", "thread", "x86-shutdown"),
    ),
    Seeded(
        "possible-cpus-are-not-looked-at",
        "check",
        ReviewAllPossibleCpus,
        "snp_prepare",
        {"EOPNOTSUPP if self.cpus.any(online=False) else 0": "0"},
        at("review-all-possible-cpus", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "read-lock-dropped-too-early",
        "unlock",
        ReviewHoldReadLock,
        "_sev_snp_init_locked",
        {
            "        await self.cpus_read_lock()\n": "        await self.cpus_read_lock()\n"
            "        self.cpus_read_unlock()\n",
            "self.cpus_read_unlock()\n        return rc": "return rc",
        },
        at("review-hold-read-lock", "thread", "x86-shutdown"),
    ),
    Seeded(
        "failed-init-does-not-reenable",
        "step",
        ReviewReenableOnInitFailure,
        "snp_init_commands",
        {"if rc:": "if False:"},
        at("review-reenable-on-init-failure", "module-reload"),
    ),
)
