"""Mistakes in the ioctls of /dev/sev, in each era."""

from __future__ import annotations

from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import (
    SevIoctls,
    SevIoctlsBracket,
    SevIoctlsDirect,
    SevIoctlsRequire,
)

from .mutations_place import Seeded, at

IOCTL = (
    Seeded(
        "ioctl-keeps-its-lock",
        "unlock",
        SevIoctls,
        "sev_ioctl",
        {"self.mutex_unlock(CcpSevDev.sev_cmd_mutex)": "pass"},
        at("rmpopt-v10", "thread", "x86-shutdown"),
    ),
    Seeded(
        "reset-without-shutdown",
        "step",
        SevIoctls,
        "sev_ioctl_do_reset",
        {"if self.sev_state is State.INIT:": "if False:"},
        at("linux-7.3", "legacy-sev"),
    ),
    Seeded(
        "keys-without-init",
        "step",
        SevIoctls,
        "sev_ioctl_do_pek_pdh_gen",
        {"if self.sev_plat_state is State.UNINIT:": "if False:"},
        at("linux-7.3", "legacy-sev"),
    ),
    Seeded(
        "keys-never-shut-down",
        "step",
        SevIoctls,
        "sev_ioctl_do_pek_pdh_gen",
        {"        if shutdown_required:": "        if False:"},
        at("linux-7.3", "legacy-sev"),
    ),
    # --- the eras --------------------------------------------------------------------------------
    Seeded(
        "require-shuts-down-after-keys",
        "step",
        SevIoctlsRequire,
        "sev_ioctl_shutdown",
        {
            'no shutdown follows\n        """': (
                'no shutdown follows\n        """\n        await self._sev_firmware_shutdown()'
            ),
        },
        at("linux-7.3", "legacy-sev", ioctls="require"),
    ),
    Seeded(
        "require-inits-snp-for-keys",
        "step",
        SevIoctlsRequire,
        "sev_move_to_init_state",
        {"        return await": "        await self.snp_init_observed()\n        return await"},
        at("linux-7.3", "legacy-sev", ioctls="require"),
    ),
    Seeded(
        "direct-inits-snp-for-commit",
        "step",
        SevIoctlsDirect,
        "sev_ioctl_do_snp_commit",
        {"        return await": "        await self.snp_init_observed()\n        return await"},
        at("linux-7.3", "two-ioctls"),
    ),
    Seeded(
        "direct-keeps-snp-after-keys",
        "constant",
        SevIoctlsDirect,
        "sev_ioctl_shutdown",
        {"self._sev_firmware_shutdown()": "self._sev_platform_shutdown_locked()"},
        at("linux-7.3", "legacy-sev"),
    ),
    Seeded(
        "bracket-goes-on-after-a-failed-init",
        "check",
        SevIoctlsBracket,
        "snp_bracket",
        {
            "if shutdown_required and await self.snp_init_observed():\n            return EIO": (
                "if shutdown_required:\n            await self.snp_init_observed()"
            )
        },
        at("linux-tip-2026-06", "legacy-sev", "x86-shutdown"),
    ),
    Seeded(
        "bracket-closes-snp-alone-after-keys",
        "constant",
        SevIoctlsBracket,
        "sev_ioctl_shutdown",
        {"self._sev_firmware_shutdown()": "self._sev_snp_shutdown_locked()"},
        at("rmpopt-v10", "legacy-sev", "x86-shutdown"),
    ),
)
