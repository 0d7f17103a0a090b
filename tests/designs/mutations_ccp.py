"""Mistakes in drivers/crypto/ccp/sev-dev.c: commands, SNP init, shutdown, panic, the module."""

from __future__ import annotations

from softsnp.spec.linux.drivers.crypto.ccp.sev_dev import CcpSevDev

from .mutations_place import Seeded, at

LOCK = "await self.mutex_lock(CcpSevDev.sev_cmd_mutex)"
UNLOCK = "self.mutex_unlock(CcpSevDev.sev_cmd_mutex)"

CCP = (
    # --- commands --------------------------------------------------------------------------------
    Seeded(
        "dead-psp-is-asked-again",
        "check",
        CcpSevDev,
        "_sev_ask_locked",
        {"if self.psp_dead:": "if False:"},
        at("linux-7.3", "module-reload", commands_may_time_out=True, commands_may_fail=True),
    ),
    Seeded(
        "timeout-leaves-the-psp-alive",
        "step",
        CcpSevDev,
        "_sev_ask_locked",
        {"self.psp_dead = True": "pass"},
        at("linux-7.3", "module-reload", commands_may_time_out=True, commands_may_fail=True),
    ),
    Seeded(
        "command-errors-are-ignored",
        "check",
        CcpSevDev,
        "_sev_do_cmd_locked",
        {"return errno_of(answer)": "return 0"},
        at("rmpopt-v10", "module-reload", "x86-shutdown"),
    ),
    Seeded(
        "command-without-an-answer-is-fine",
        "check",
        CcpSevDev,
        "_sev_do_cmd_locked",
        {"return errno_of(answer)": "return 0 if isinstance(answer, int) else errno_of(answer)"},
        at("linux-7.3", "module-reload", commands_may_time_out=True),
    ),
    # --- SNP init --------------------------------------------------------------------------------
    Seeded(
        "init-does-not-look-whether-snp-is-up",
        "check",
        CcpSevDev,
        "_sev_snp_init_locked",
        {"if self.snp_initialized:": "if False:"},
        at("rmpopt-v10", "firmware", "x86-shutdown"),
    ),
    Seeded(
        "init-goes-on-unprepared",
        "check",
        CcpSevDev,
        "_sev_snp_init_locked",
        {
            "rc = await self.snp_prepare()\n        if rc:": (
                "rc = await self.snp_prepare()\n        if False:"
            ),
        },
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "init-goes-on-after-errors",
        "check",
        CcpSevDev,
        "_sev_snp_init_locked",
        {
            "rc = await self.snp_init_commands()\n        if rc:": (
                "rc = await self.snp_init_commands()\n        if False:"
            ),
        },
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "init-allocates-first",
        "swap",
        CcpSevDev,
        "_sev_snp_init_locked",
        {
            "        rc = await self.snp_prepare()\n        if rc:\n            return rc\n": "",
            "            return ENOMEM\n": "            return ENOMEM\n"
            "        rc = await self.snp_prepare()\n        if rc:\n            return rc\n",
        },
        at("rmpopt-v10", "thread", commands_may_fail=False),
    ),
    Seeded(
        "init-without-df-flush",
        "step",
        CcpSevDev,
        "snp_init_flush",
        {"return await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)": "return 0"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "init-without-second-wbinvd",
        "step",
        CcpSevDev,
        "snp_init_commands",
        {
            "            return rc\n        await self.wbinvd_on_all_cpus()\n": (
                "            return rc\n"
            ),
        },
        at("rmpopt-v10", "vms", "x86-shutdown"),
    ),
    Seeded(
        "init-is-not-remembered",
        "step",
        CcpSevDev,
        "snp_init_done",
        {"self.snp_initialized = True": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "init-registers-no-panic-notifier",
        "step",
        CcpSevDev,
        "snp_init_done",
        {"self.panic_notifier = True": "pass"},
        at("linux-7.3", "kexec", commands_may_fail=False),
    ),
    # --- shutdown --------------------------------------------------------------------------------
    Seeded(
        "shutdown-does-not-look-whether-snp-is-up",
        "check",
        CcpSevDev,
        "_sev_snp_shutdown_locked",
        {"if not self.snp_initialized:": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "shutdown-errors-are-ignored",
        "check",
        CcpSevDev,
        "_sev_snp_shutdown_locked",
        {"        if rc:\n            return rc\n": ""},
        at("proposal", "thread", "x86-shutdown"),
    ),
    Seeded(
        "shutdown-is-not-remembered",
        "step",
        CcpSevDev,
        "_sev_snp_shutdown_locked",
        {"self.snp_initialized = False": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "x86-shutdown-undoes-nothing",
        "step",
        CcpSevDev,
        "x86_snp_shutdown",
        {"await self.snp_shutdown()": "await self.preempt()"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "legacy-sev-is-not-shut-down",
        "step",
        CcpSevDev,
        "_sev_firmware_shutdown",
        {"await self._sev_platform_shutdown_locked()": "pass"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "snp-is-shut-down-first",
        "swap",
        CcpSevDev,
        "_sev_firmware_shutdown",
        {
            "        await self._sev_platform_shutdown_locked()\n": "",
            "        await self._sev_snp_shutdown_locked(panic)\n": (
                "        await self._sev_snp_shutdown_locked(panic)\n"
                "        await self._sev_platform_shutdown_locked()\n"
            ),
        },
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "legacy-shutdown-is-not-remembered",
        "step",
        CcpSevDev,
        "_sev_platform_shutdown_locked",
        {"self.sev_plat_state = State.UNINIT": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "legacy-shutdown-is-believed",
        "check",
        CcpSevDev,
        "_sev_platform_shutdown_locked",
        {"if rc == 0:": "if True:"},
        at("linux-7.3", "legacy-sev"),
    ),
    Seeded(
        "firmware-shutdown-keeps-its-lock",
        "unlock",
        CcpSevDev,
        "sev_firmware_shutdown",
        {UNLOCK: "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    # --- panic -----------------------------------------------------------------------------------
    Seeded(
        "panic-shuts-nothing-down",
        "step",
        CcpSevDev,
        "snp_shutdown_on_panic",
        {"await self._sev_firmware_shutdown(panic=True)": "pass"},
        at("linux-7.3", "kexec", commands_may_fail=False),
    ),
    # --- platform init ---------------------------------------------------------------------------
    Seeded(
        "platform-init-always-inits-snp",
        "check",
        CcpSevDev,
        "sev_platform_init",
        {"if self.sev_plat_state is not State.INIT:": "if True:"},
        at("rmpopt-v10", "suspend", "x86-shutdown"),
    ),
    Seeded(
        "platform-init-goes-on-without-snp",
        "check",
        CcpSevDev,
        "sev_platform_init",
        {"if rc == ENODEV:": "if True:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "platform-init-takes-no-lock",
        "lock",
        CcpSevDev,
        "sev_platform_init",
        {LOCK: 'await self.preempt(atomic="a mutation")', UNLOCK: "pass"},
        at("rmpopt-v10", "legacy-sev"),
    ),
    Seeded(
        "platform-init-keeps-its-lock",
        "unlock",
        CcpSevDev,
        "sev_platform_init",
        {UNLOCK: "if rc == 0:\n            " + UNLOCK},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "platform-init-is-not-remembered",
        "step",
        CcpSevDev,
        "_sev_platform_init_locked",
        {"self.sev_plat_state = State.INIT": "pass"},
        at("rmpopt-v10", "kexec", "x86-shutdown"),
    ),
    Seeded(
        "platform-init-remembered-after-df-flush",
        "swap",
        CcpSevDev,
        "_sev_platform_init_locked",
        {
            "        self.sev_plat_state = State.INIT\n": "",
            "        return await self._sev_do_cmd_locked(Command.DF_FLUSH)": (
                "        rc = await self._sev_do_cmd_locked(Command.DF_FLUSH)\n"
                "        if rc == 0:\n"
                "            self.sev_plat_state = State.INIT\n"
                "        return rc"
            ),
        },
        at("linux-7.3", "legacy-sev"),
    ),
    # --- the module ------------------------------------------------------------------------------
    Seeded(
        "module-goes-although-used",
        "check",
        CcpSevDev,
        "rmmod_ccp",
        {"if self.ccp_users:": "if False:"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "module-keeps-its-memory",
        "step",
        CcpSevDev,
        "rmmod_ccp",
        {'self.lose("module")': "pass"},
        at("rmpopt-v8", "module-reload", commands_may_fail=False),
        explained="the module begins with fresh memory when it is loaded, and nobody reads the old",
    ),
    Seeded(
        "module-finds-old-memory",
        "step",
        CcpSevDev,
        "modprobe_ccp",
        {'self.lose("module")': "pass"},
        at("proposal", "module-reload", commands_may_time_out=True, commands_may_fail=False),
    ),
    Seeded(
        "module-asks-once-for-a-shutdown",
        "step",
        CcpSevDev,
        "rmmod_ccp",
        {"await self.sev_firmware_shutdown()  # sev_dev_destroy()": "pass"},
        at("rmpopt-v10", "module-reload", "x86-shutdown"),
        "what failed once may fail again, so all that follows a failure is there with one attempt",
    ),
)
