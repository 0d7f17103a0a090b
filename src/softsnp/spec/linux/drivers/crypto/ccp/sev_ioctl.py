"""drivers/crypto/ccp/sev-dev.c: the ioctls of /dev/sev, in three eras."""

from __future__ import annotations

from typing import ClassVar

from softsnp.abi.errno import EFAULT, EINVAL, EIO, ENODEV
from softsnp.abi.sev import Command
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.drivers.crypto.ccp.sev_dev import CcpSevDev, errno_of


class SevIoctls(CcpSevDev):
    """What the eras have in common: the way in and out, and ioctls that look alike in all.

    PEK_GEN stands for all that want legacy SEV in INIT: PDH_GEN, PEK_CSR, PEK_CERT_IMPORT, and
    PDH_CERT_EXPORT by who may write. SNP_CONFIG is SNP_SET_CONFIG.
    """

    ioctls: ClassVar[str]

    async def sev_ioctl(self, command: Command) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl()
        Locks: takes and drops sev_cmd_mutex
        Source: [code] v7.3: an open file pins the module
        """
        if not self.ccp_loaded:
            return ENODEV
        self.ccp_users += 1
        await self.mutex_lock(CcpSevDev.sev_cmd_mutex)
        if command is Command.SNP_COMMIT:
            rc = await self.sev_ioctl_do_snp_commit()
        elif command is Command.SNP_CONFIG:
            rc = await self.sev_ioctl_do_snp_set_config()
        elif command is Command.SNP_VLEK_LOAD:
            rc = await self.sev_ioctl_do_snp_vlek_load()
        elif command is Command.FACTORY_RESET:
            rc = await self.sev_ioctl_do_reset()
        elif command is Command.PEK_GEN:
            rc = await self.sev_ioctl_do_pek_pdh_gen()
        elif command is Command.SNP_PLATFORM_STATUS:
            rc = await self.sev_ioctl_do_snp_platform_status()
        else:
            rc = await self._sev_do_cmd_locked(command)
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)
        await self.preempt()
        self.ccp_users -= 1
        return rc

    async def sev_ioctl_do_reset(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_reset()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: asks the firmware for its state; legacy SEV is shut down first, and
        nothing initializes it again. That it is WORKING (has guests) is not specified
        """
        rc = await self._sev_do_cmd_locked(Command.PLATFORM_STATUS)
        if rc:
            return rc
        await self.preempt()
        if self.sev_state is State.INIT:
            rc = await self._sev_platform_shutdown_locked()
            if rc:
                return rc
        rc = await self._sev_do_cmd_locked(Command.FACTORY_RESET)
        if rc == 0:
            self.event("factory reset")
        return rc

    async def snp_status_page(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_platform_status(), its page and command
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: the page is made the firmware's if the driver takes SNP for up. It is
        reclaimed by a command, which a PSP that is dead does not do: then it leaks
        """
        given = self.snp_initialized
        answer = await self.snp_platform_status(firmware_page=given)
        if given and isinstance(answer, int):
            return EFAULT
        return errno_of(answer)

    async def sev_ioctl_do_pek_pdh_gen(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_pek_pdh_gen()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: with legacy SEV in UNINIT it is initialized, and then everything is
        shut down, SNP as well
        """
        shutdown_required = False
        if self.sev_plat_state is State.UNINIT:
            rc = await self.sev_move_to_init_state()
            if rc:
                return rc
            shutdown_required = True
        rc = await self._sev_do_cmd_locked(Command.PEK_GEN)
        if shutdown_required:
            await self.sev_ioctl_shutdown()
        return rc

    async def sev_move_to_init_state(self) -> int:
        raise NotImplementedError

    async def sev_ioctl_shutdown(self) -> None:
        raise NotImplementedError

    async def sev_ioctl_do_snp_platform_status(self) -> int:
        raise NotImplementedError

    async def sev_ioctl_do_snp_commit(self) -> int:
        raise NotImplementedError

    async def sev_ioctl_do_snp_set_config(self) -> int:
        raise NotImplementedError

    async def sev_ioctl_do_snp_vlek_load(self) -> int:
        raise NotImplementedError


class SevIoctlsRequire(SevIoctls):
    """SNP ioctls want SNP up, and initialize nothing; legacy SEV stays up once it is."""

    ioctls = "require"

    async def sev_ioctl_do_snp_platform_status(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_platform_status()
        Locks: sev_cmd_mutex held
        Source: [code] v6.12: -EINVAL unless SNP is initialized
        """
        if not self.snp_initialized:
            return EINVAL
        return await self.snp_status_page()

    async def sev_ioctl_do_snp_commit(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_commit()
        Locks: sev_cmd_mutex held
        Source: [code] v6.12: -EINVAL unless SNP is initialized
        """
        if not self.snp_initialized:
            return EINVAL
        return await self._sev_do_cmd_locked(Command.SNP_COMMIT)

    async def sev_ioctl_do_snp_set_config(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_set_config()
        Locks: sev_cmd_mutex held
        Source: [code] v6.12: -EINVAL unless SNP is initialized
        """
        if not self.snp_initialized:
            return EINVAL
        return await self._sev_do_cmd_locked(Command.SNP_CONFIG)

    async def sev_ioctl_do_snp_vlek_load(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_vlek_load()
        Locks: sev_cmd_mutex held
        Source: [code] v6.12: -EINVAL unless SNP is initialized
        """
        if not self.snp_initialized:
            return EINVAL
        return await self._sev_do_cmd_locked(Command.SNP_VLEK_LOAD)

    async def sev_move_to_init_state(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_move_to_init_state()
        Locks: sev_cmd_mutex held
        Source: [code] v6.12: legacy SEV only
        """
        return await self._sev_platform_init_locked()

    async def sev_ioctl_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_pek_pdh_gen()
        Locks: sev_cmd_mutex held
        Source: [code] v6.12: no shutdown follows
        """


class SevIoctlsDirect(SevIoctls):
    """No ioctl initializes SNP for itself."""

    ioctls = "direct"

    async def sev_ioctl_do_snp_platform_status(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_platform_status()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: in any state
        """
        return await self.snp_status_page()

    async def sev_ioctl_do_snp_commit(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_commit()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: in any state
        """
        return await self._sev_do_cmd_locked(Command.SNP_COMMIT)

    async def sev_ioctl_do_snp_set_config(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_set_config()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: -ENODEV unless SNP is initialized
        """
        if not self.snp_initialized:
            return ENODEV
        return await self._sev_do_cmd_locked(Command.SNP_CONFIG)

    async def sev_ioctl_do_snp_vlek_load(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_vlek_load()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: -ENODEV unless SNP is initialized
        """
        if not self.snp_initialized:
            return ENODEV
        return await self._sev_do_cmd_locked(Command.SNP_VLEK_LOAD)

    async def sev_move_to_init_state(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_move_to_init_state()
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: legacy SEV only
        """
        return await self._sev_platform_init_locked()

    async def sev_ioctl_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_pek_pdh_gen(), if shutdown_required
        Locks: sev_cmd_mutex held
        Source: [code] v7.3: __sev_firmware_shutdown(), which shuts down SNP too
        """
        if self.snp_initialized:
            self.event("an ioctl for legacy SEV shuts SNP down")
        await self._sev_firmware_shutdown()


class SevIoctlsBracket(SevIoctls):
    """Each SNP ioctl initializes SNP if need be, and then shuts it down again."""

    ioctls = "bracket"

    async def snp_bracket(self, command: Command) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: snp_move_to_init_state() and its callers
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25: init, command, shutdown
        """
        shutdown_required = not self.snp_initialized
        if shutdown_required and await self.snp_init_observed():
            return EIO
        if command is Command.SNP_PLATFORM_STATUS:
            rc = await self.snp_status_page()
        else:
            rc = await self._sev_do_cmd_locked(command)
        if shutdown_required:
            await self._sev_snp_shutdown_locked()
        return rc

    async def sev_ioctl_do_snp_platform_status(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_platform_status()
        Locks: sev_cmd_mutex held
        Source: [inf] as SNP's other ioctls of that time
        """
        return await self.snp_bracket(Command.SNP_PLATFORM_STATUS)

    async def sev_ioctl_do_snp_commit(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_commit()
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25
        """
        return await self.snp_bracket(Command.SNP_COMMIT)

    async def sev_ioctl_do_snp_set_config(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_set_config()
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25
        """
        return await self.snp_bracket(Command.SNP_CONFIG)

    async def sev_ioctl_do_snp_vlek_load(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_snp_vlek_load()
        Locks: sev_cmd_mutex held
        Source: [msg] Kalra to Nayak, 2026-06-25
        """
        return await self.snp_bracket(Command.SNP_VLEK_LOAD)

    async def sev_move_to_init_state(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_move_to_init_state()
        Locks: sev_cmd_mutex held
        Source: [inf] as SNP's brackets of that time: SNP and legacy SEV
        """
        rc = await self.snp_init_observed()
        return rc if rc else await self._sev_platform_init_locked()

    async def sev_ioctl_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_pek_pdh_gen(), if shutdown_required
        Locks: sev_cmd_mutex held
        Source: [inf] as SNP's brackets of that time: everything
        """
        if self.snp_initialized:
            self.event("an ioctl for legacy SEV shuts SNP down")
        await self._sev_firmware_shutdown()
