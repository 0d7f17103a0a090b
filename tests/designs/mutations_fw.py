"""Mistakes in the firmware: what it refuses, in which order it does things, what it remembers."""

from __future__ import annotations

from softsnp.spec.fw.psp import Psp

from .mutations_place import Seeded, at

FIRMWARE = (
    # --- SNP_INIT_EX -----------------------------------------------------------------------------
    Seeded(
        "init-does-not-look-at-legacy-sev",
        "check",
        Psp,
        "_snp_init_ex",
        {" or self.sev_state is not State.UNINIT": ""},
        at("linux-7.3", "legacy-sev"),
        "the driver initializes SNP only while it takes legacy SEV for uninitialized, which it is",
    ),
    Seeded(
        "init-does-not-look-at-mfdm",
        "check",
        Psp,
        "_prepared",
        {"            and self._counted(mfdm=True)\n": ""},
        at("linux-6.12", "kexec"),
    ),
    Seeded(
        "init-does-not-look-at-hsave",
        "check",
        Psp,
        "_prepared",
        {"            and self._counted(hsave=False)\n": ""},
        at("rmpopt-v10", "legacy-sev", "x86-shutdown"),
    ),
    Seeded(
        "init-counts-online-cores",
        "constant",
        Psp,
        "_counted_cores",
        {"fused=True": "online=True"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "init-asks-for-no-wbinvd",
        "step",
        Psp,
        "_snp_init_ex",
        {"set(wbinvd_done=False, ran_guest=False)": "set(ran_guest=False)"},
        at("rmpopt-v9", "vms", commands_may_fail=False),
    ),
    Seeded(
        "init-does-not-initialize-the-rmp",
        "step",
        Psp,
        "_snp_init_ex",
        {"self.rmp_initialized = True": "pass"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    # --- SNP_SHUTDOWN_EX -------------------------------------------------------------------------
    Seeded(
        "shutdown-does-not-look-at-guests",
        "check",
        Psp,
        "_snp_shutdown_ex_refused",
        {"dirty = self.guest_pages_assigned": "dirty = False"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "shutdown-does-not-look-at-asids",
        "check",
        Psp,
        "_snp_shutdown_ex_refused",
        {"dirty = self.snp_asid is not Asid.CLEAN": "dirty = False"},
        at("linux-7.3", "vms", commands_may_fail=False),
    ),
    Seeded(
        "shutdown-does-not-look-at-legacy-sev",
        "check",
        Psp,
        "_snp_shutdown_ex_refused",
        {"if self.sev_state is not State.UNINIT:": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "x86-shutdown-of-online-cores",
        "constant",
        Psp,
        "_snp_shutdown_ex",
        {"self._counted_cores().set": "self.cpus.where(online=True).set"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "x86-shutdown-keeps-snp-en",
        "step",
        Psp,
        "_snp_shutdown_ex",
        {"self._counted_cores().set(snp_en=False)": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "x86-shutdown-of-one-die",
        "constant",
        Psp,
        "_snp_shutdown_ex_in_steps",
        {"self._counted_cores().set(snp_en=False)": "pass"},
        at("rmpopt-v10", "firmware", "x86-shutdown"),
    ),
    Seeded(
        "shutdown-leaves-init-last",
        "swap",
        Psp,
        "_snp_shutdown_ex_in_steps",
        {
            "        self.snp_state = State.UNINIT\n        await": "        await",
            "        self._x86_snp_shutdown_done()": "        self.snp_state = State.UNINIT\n"
            "        self._x86_snp_shutdown_done()",
        },
        at("rmpopt-v10", "firmware", "x86-shutdown"),
    ),
    # --- caches, ASIDs and guests ----------------------------------------------------------------
    Seeded(
        "df-flush-wants-no-wbinvd",
        "check",
        Psp,
        "_df_flush",
        {"if not done:": "if False:"},
        at("linux-7.3", "vms", commands_may_fail=False),
    ),
    Seeded(
        "df-flush-cleans-nothing",
        "step",
        Psp,
        "_df_flush",
        {"self.snp_asid = Asid.CLEAN": "pass"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "activate-takes-a-dirty-asid",
        "check",
        Psp,
        "_guest_command",
        {
            "            if self.snp_asid is Asid.DIRTY:\n"
            "                return Status.DFFLUSH_REQUIRED\n": "",
            "if self.snp_asid is not Asid.CLEAN:": "if self.snp_asid is Asid.IN_USE:",
        },
        at("linux-7.3", "vms", commands_may_fail=False),
    ),
    Seeded(
        "activate-tells-a-dirty-asid-as-owned",
        "check",
        Psp,
        "_guest_command",
        {
            "            if self.snp_asid is Asid.DIRTY:\n"
            "                return Status.DFFLUSH_REQUIRED\n": "",
        },
        at("linux-7.3", "vms", commands_may_fail=False),
        "SNP_ACTIVATE fails either way, and KVM does not look why",
    ),
    Seeded(
        "decommission-cleans",
        "constant",
        Psp,
        "_guest_command",
        {"self.snp_asid = Asid.DIRTY": "self.snp_asid = Asid.CLEAN"},
        at("linux-7.3", "vms", commands_may_fail=False),
    ),
    Seeded(
        "decommission-wants-no-wbinvd",
        "step",
        Psp,
        "_guest_command",
        {"set(wbinvd_done=False, ran_guest=False)": "set(ran_guest=False)"},
        at("linux-7.3", "vms", commands_may_fail=False),
    ),
    # --- legacy SEV, and the firmware itself -----------------------------------------------------
    Seeded(
        "init-ex-wants-no-rmp",
        "check",
        Psp,
        "_init_ex",
        {"if not self.rmp_initialized and self._counted(snp_en=True):": "if False:"},
        at("linux-7.3", "legacy-sev"),
    ),
    Seeded(
        "init-ex-stays-in-uninit",
        "step",
        Psp,
        "_init_ex",
        {"self.sev_state = State.INIT": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "shutdown-of-legacy-sev-does-nothing",
        "step",
        Psp,
        "_psp_execute",
        {"self.sev_state = State.UNINIT": "pass"},
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "firmware-replaced-in-init",
        "check",
        Psp,
        "_psp_execute_more",
        {"self.sev_state is not State.UNINIT or self.snp_state is not State.UNINIT": "False"},
        at("linux-7.3", "firmware"),
    ),
)
