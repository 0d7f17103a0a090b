"""Mistakes in the driver, in kexec and KVM, and in what the firmware checks."""

from __future__ import annotations

from softsnp.spec.fw.psp import Psp
from softsnp.spec.linux.drivers.crypto.ccp.sev_dev import CcpSevDev
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctlsDirect
from softsnp.spec.linux.kernel.kexec_core import KexecCore
from softsnp.spec.linux.kernel.reboot import Reboot
from softsnp.spec.linux.virt.kvm.kvm_main import Kvm
from tests.mutation import Mutation

FLUSH = "        await self.wbinvd_on_all_cpus()\n"
NO_SNP = "        if not self.snp_initialized:\n            return ENODEV\n"

CCP = (
    Mutation(
        "init-is-done-twice",
        CcpSevDev,
        "_sev_snp_init_locked",
        "if self.snp_initialized:",
        "if False:",
    ),
    Mutation(
        "init-goes-on-after-a-failed-prepare",
        CcpSevDev,
        "_sev_snp_init_locked",
        "        rc = await self.snp_prepare()\n        if rc:\n            return rc\n",
        "        await self.snp_prepare()\n",
    ),
    Mutation(
        "init-without-a-range-list-is-eio",
        CcpSevDev,
        "_sev_snp_init_locked",
        "return ENOMEM",
        "return -5",
    ),
    Mutation(
        "init-without-df-flush",
        CcpSevDev,
        "snp_init_flush",
        "return await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)",
        "return 0",
    ),
    Mutation(
        "init-is-done-before-its-flush",
        CcpSevDev,
        "snp_init_flush",
        "        return await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)",
        "        self.snp_initialized = True\n"
        "        return await self._sev_do_cmd_locked(Command.SNP_DF_FLUSH)",
    ),
    Mutation(
        "init-does-not-say-so",
        CcpSevDev,
        "snp_init_done",
        "self.snp_initialized = True",
        "self.snp_initialized = False",
    ),
    Mutation(
        "a-failed-command-is-einval",
        CcpSevDev,
        "_sev_do_cmd_locked",
        "return errno_of(answer)",
        "return -22 if errno_of(answer) else 0",
    ),
    Mutation(
        "shutdown-gives-up-on-dirty-asids",
        CcpSevDev,
        "snp_shutdown_commands",
        "if status is Status.DFFLUSH_REQUIRED:",
        "if False:",
    ),
    Mutation(
        "shutdown-without-writing-caches-back",
        CcpSevDev,
        "snp_shutdown_commands",
        FLUSH,
        "",
    ),
    Mutation(
        "a-failed-shutdown-is-forgotten",
        CcpSevDev,
        "snp_shutdown_commands",
        "return 0 if status is Status.SUCCESS else EIO",
        "return 0",
    ),
    Mutation(
        "shutdown-leaves-the-cpus",
        CcpSevDev,
        "x86_snp_shutdown",
        "await self.snp_shutdown()",
        "await self.preempt()",
    ),
    Mutation(
        "shutdown-leaves-legacy-sev",
        CcpSevDev,
        "_sev_platform_shutdown_locked",
        "if self.sev_plat_state is not State.INIT:",
        "if True:",
    ),
    Mutation(
        "platform-init-forgets-that-it-is-done",
        CcpSevDev,
        "sev_platform_init",
        "if self.sev_plat_state is not State.INIT:",
        "if True:",
    ),
    Mutation(
        "platform-init-needs-no-snp",
        CcpSevDev,
        "sev_platform_init",
        "if rc == 0 and (self.psp_init_on_probe or not probe):",
        "if True:",
    ),
    Mutation(
        "legacy-init-does-not-say-so",
        CcpSevDev,
        "_sev_platform_init_locked",
        "        self.sev_plat_state = State.INIT\n",
        "",
    ),
    Mutation(
        "legacy-init-writes-no-caches-back",
        CcpSevDev,
        "_sev_platform_init_locked",
        FLUSH,
        "",
    ),
    Mutation(
        "removal-shuts-down-once",
        CcpSevDev,
        "rmmod_ccp",
        "        await self.sev_firmware_shutdown()  # sev_dev_destroy()\n",
        "",
    ),
)

OTHERS = (
    Mutation(
        "commit-needs-snp",
        SevIoctlsDirect,
        "sev_ioctl_do_snp_commit",
        "        return",
        NO_SNP + "        return",
    ),
    Mutation("config-needs-no-snp", SevIoctlsDirect, "sev_ioctl_do_snp_set_config", NO_SNP, ""),
    Mutation("vlek-load-needs-no-snp", SevIoctlsDirect, "sev_ioctl_do_snp_vlek_load", NO_SNP, ""),
    Mutation(
        "kexec-leaves-the-firmware",
        Reboot,
        "kernel_restart_prepare",
        "await self.sev_firmware_shutdown()  # device_shutdown() → sp_pci_shutdown()",
        "pass",
    ),
    Mutation("kexec-leaves-hsave", KexecCore, "kernel_kexec", "self.kvm_shutdown()", "pass"),
    Mutation(
        "kvm-forgets-cpus-that-come-up",
        Kvm,
        "cpuhp_ap_online",
        "if self.kvm_amd:",
        "if False:",
    ),
    Mutation(
        "kvm-forgets-cpus-that-go",
        Kvm,
        "cpuhp_ap_offline",
        "cpu.set(hsave=False, svme=False)",
        "pass",
    ),
    Mutation(
        "firmware-does-not-look-at-mfdm",
        Psp,
        "_prepared",
        "            and self._counted(mfdm=True)\n",
        "",
    ),
    Mutation(
        "firmware-shuts-down-under-a-guest",
        Psp,
        "_snp_shutdown_ex_refused",
        "dirty = self.guest_pages_assigned",
        "dirty = False",
    ),
)
