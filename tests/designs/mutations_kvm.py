"""Mistakes in KVM: virtualization on the CPUs, the module, ASIDs and guests."""

from __future__ import annotations

from softsnp.spec.linux.arch.x86.kvm.svm.sev import KvmAmd
from softsnp.spec.linux.virt.kvm.kvm_main import Kvm

from .mutations_place import Seeded, at

KVM = (
    # --- virtualization --------------------------------------------------------------------------
    Seeded(
        "kvm-disable-leaves-hsave",
        "step",
        Kvm,
        "kvm_disable_virtualization",
        {"set(hsave=False, svme=False)": "set(svme=False)"},
        at("rmpopt-v10", "thread"),
    ),
    Seeded(
        "kvm-disable-leaves-svme",
        "step",
        Kvm,
        "kvm_disable_virtualization",
        {"set(hsave=False, svme=False)": "set(hsave=False)"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "kvm-disables-the-boot-cpu",
        "constant",
        Kvm,
        "kvm_disable_virtualization",
        {"where(online=True)": "where(online=True, boot=True)"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "kvm-callback-looks-at-nothing",
        "check",
        Kvm,
        "cpuhp_ap_online",
        {"if self.kvm_amd:": "if True:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "kvm-shutdown-does-nothing",
        "step",
        Kvm,
        "kvm_shutdown",
        {"if self.kvm_amd:": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    # --- the module ------------------------------------------------------------------------------
    Seeded(
        "kvm-amd-without-ccp",
        "check",
        KvmAmd,
        "modprobe_kvm_amd",
        {"if not self.ccp_loaded:": "if False:"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "kvm-believes-in-snp",
        "check",
        KvmAmd,
        "modprobe_kvm_amd",
        {"self.sev_snp_enabled = rc == 0 and self.snp_initialized": "self.sev_snp_enabled = True"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "kvm-amd-goes-with-a-guest",
        "check",
        KvmAmd,
        "rmmod_kvm_amd",
        {"if self.guest_pages_assigned:": "if False:"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "kvm-amd-goes-without-shutdown",
        "step",
        KvmAmd,
        "rmmod_kvm_amd",
        {"await self.sev_firmware_shutdown()": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "kvm-shuts-down-what-it-did-not-get",
        "check",
        KvmAmd,
        "sev_hardware_unsetup",
        {"if not enabled:": "if False:"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    # --- ASIDs and guests ------------------------------------------------------------------------
    Seeded(
        "asids-flushed-without-wbinvd",
        "step",
        KvmAmd,
        "sev_flush_asids",
        {"await self.wbinvd_on_all_cpus()": "pass"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "asids-flushed-without-df-flush",
        "step",
        KvmAmd,
        "sev_flush_asids",
        {"rc = await self.sev_do_cmd(Command.SNP_DF_FLUSH)": "rc = 0"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "asids-flushed-in-the-wrong-order",
        "swap",
        KvmAmd,
        "sev_flush_asids",
        {
            "        await self.wbinvd_on_all_cpus()\n": "",
            "        rc = await self.sev_do_cmd(Command.SNP_DF_FLUSH)\n": (
                "        rc = await self.sev_do_cmd(Command.SNP_DF_FLUSH)\n"
                "        await self.wbinvd_on_all_cpus()\n"
            ),
        },
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "asid-lock-is-kept",
        "unlock",
        KvmAmd,
        "sev_flush_asids",
        {"self.up_write(KvmAmd.sev_deactivate_lock)": "pass"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "asid-reused-without-flush",
        "check",
        KvmAmd,
        "sev_asid_new",
        {"if self.sev_asid is KvmAsid.TO_RECLAIM:": "if False:"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "asid-freed-without-reclaim",
        "constant",
        KvmAmd,
        "sev_asid_free",
        {"self.sev_asid = KvmAsid.TO_RECLAIM": "self.sev_asid = KvmAsid.FREE"},
        at("linux-7.3", "vms", commands_may_fail=False),
    ),
    Seeded(
        "launch-without-snp",
        "check",
        KvmAmd,
        "snp_launch",
        {"if not self.sev_snp_enabled:": "if False:"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "launch-without-activate",
        "check",
        KvmAmd,
        "snp_launch",
        {"rc = await self.sev_do_cmd(Command.SNP_ACTIVATE)": "rc = 0"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "context-kept",
        "step",
        KvmAmd,
        "snp_decommission_context",
        {
            "        failed = await self.sev_do_cmd(Command.SNP_DECOMMISSION)\n        if": (
                "        failed = 0\n        if"
            ),
        },
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "decommission-is-believed",
        "check",
        KvmAmd,
        "snp_decommission_context",
        {"        if failed:\n            self.event": "        if False:\n            self.event"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "guest-starts-without-snp",
        "check",
        KvmAmd,
        "start_snp_guest",
        {
            "if self.snp_state is not State.INIT or not self.observe(KvmAmd.snp_initialized):": (
                "if False:"
            )
        },
        at("linux-7.3", "legacy-sev", "x86-shutdown"),
    ),
)
