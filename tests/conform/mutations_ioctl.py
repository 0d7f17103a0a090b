"""Mistakes in legacy SEV's ioctls, in what the driver asks of the firmware, and in a panic."""

from __future__ import annotations

from softsnp.spec.linux.drivers.crypto.ccp.sev_dev import CcpSevDev
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctls, SevIoctlsDirect
from tests.mutation import Mutation

IOCTL = (
    Mutation(
        "reset-does-not-ask-first",
        SevIoctls,
        "sev_ioctl_do_reset",
        "        rc = await self._sev_do_cmd_locked(Command.PLATFORM_STATUS)\n",
        "        rc = 0\n",
    ),
    Mutation(
        "reset-leaves-sev-up",
        SevIoctls,
        "sev_ioctl_do_reset",
        "if self.sev_state is State.INIT:",
        "if False:",
    ),
    Mutation(
        "reset-shuts-snp-down",
        SevIoctls,
        "sev_ioctl_do_reset",
        "            rc = await self._sev_platform_shutdown_locked()\n",
        "            rc = 0\n            await self._sev_firmware_shutdown()\n",
    ),
    Mutation(
        "pek-gen-wants-sev-up",
        SevIoctls,
        "sev_ioctl_do_pek_pdh_gen",
        "if self.sev_plat_state is State.UNINIT:",
        "if False:",
    ),
    Mutation(
        "pek-gen-always-shuts-down",
        SevIoctls,
        "sev_ioctl_do_pek_pdh_gen",
        "shutdown_required = False",
        "shutdown_required = True",
    ),
    Mutation(
        "pek-gen-leaves-everything-up",
        SevIoctlsDirect,
        "sev_ioctl_shutdown",
        "await self._sev_firmware_shutdown()",
        "await self.preempt()",
    ),
    Mutation(
        "pek-gen-leaves-snp-up",
        SevIoctlsDirect,
        "sev_ioctl_shutdown",
        "await self._sev_firmware_shutdown()",
        "await self._sev_platform_shutdown_locked()",
    ),
    Mutation(
        "status-page-is-always-the-firmware's",
        SevIoctls,
        "snp_status_page",
        "firmware_page=given",
        "firmware_page=True",
    ),
    Mutation(
        "status-page-comes-back-from-a-dead-psp",
        SevIoctls,
        "snp_status_page",
        "if given and isinstance(answer, int):",
        "if False:",
    ),
    Mutation(
        "status-needs-snp",
        SevIoctlsDirect,
        "sev_ioctl_do_snp_platform_status",
        "        return",
        "        if not self.snp_initialized:\n            return -19\n        return",
    ),
)

DRIVER = (
    Mutation(
        "a-vm-does-without-sev",
        CcpSevDev,
        "sev_platform_init",
        "(self.psp_init_on_probe or not probe)",
        "self.psp_init_on_probe",
    ),
    Mutation(
        "kvm-initializes-sev-anyway",
        CcpSevDev,
        "sev_platform_init",
        "(self.psp_init_on_probe or not probe)",
        "True",
    ),
    Mutation(
        "the-driver-does-not-learn-the-state",
        CcpSevDev,
        "sev_get_api_version",
        "self.sev_plat_state = self.sev_state",
        "pass",
    ),
    Mutation(
        "the-driver-needs-no-answer",
        CcpSevDev,
        "modprobe_ccp",
        '            self.event("there is no /dev/sev")\n            return rc\n',
        '            self.event("there is no /dev/sev")\n',
    ),
    Mutation(
        "the-driver-gives-its-own-page-away",
        CcpSevDev,
        "snp_get_platform_data",
        "firmware_page=False",
        "firmware_page=True",
    ),
    Mutation(
        "the-firmware-file-is-left-alone",
        CcpSevDev,
        "modprobe_ccp",
        "if rc == 0 and self.firmware_steps:",
        "if False:",
    ),
    Mutation("a-dead-psp-is-asked", CcpSevDev, "_sev_ask_locked", "if self.psp_dead:", "if False:"),
    Mutation(
        "no-answer-is-busy",
        CcpSevDev,
        "_sev_ask_locked",
        "return ETIMEDOUT",
        "return EBUSY",
    ),
    Mutation(
        "the-iommu's-failure-is-forgotten",
        CcpSevDev,
        "snp_shutdown_succeeded",
        "return EIO",
        "return 0",
    ),
)

PANIC = (
    Mutation(
        "nobody-is-told-of-a-panic",
        CcpSevDev,
        "snp_init_done",
        "self.panic_notifier = True",
        "pass",
    ),
    Mutation(
        "the-notifier-stays",
        CcpSevDev,
        "_sev_snp_shutdown_locked",
        "self.panic_notifier = False",
        "pass",
    ),
    Mutation(
        "a-panic-interrupts-a-command",
        CcpSevDev,
        "snp_shutdown_on_panic",
        " or self.observe(CcpSevDev.sev_cmd_mutex.locked)",
        "",
    ),
    Mutation(
        "a-panic-leaves-legacy-sev",
        CcpSevDev,
        "snp_shutdown_on_panic",
        "self._sev_firmware_shutdown(panic=True)",
        "self._sev_snp_shutdown_locked(panic=True)",
    ),
    Mutation(
        "a-panic-broadcasts",
        CcpSevDev,
        "snp_shutdown_succeeded",
        "elif not panic:",
        "else:",
    ),
)
