"""drivers/crypto/ccp/sev-dev.c: the SNP ioctls of /dev/sev, in two eras."""

from __future__ import annotations

from typing import ClassVar

from softsnp.abi.errno import EIO, ENODEV
from softsnp.abi.sev import Command
from softsnp.spec.linux.drivers.crypto.ccp.sev_dev import CcpSevDev


class SevIoctls(CcpSevDev):
    """What the eras have in common: the way in and out."""

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
        else:
            rc = await self.sev_ioctl_do_snp_vlek_load()
        self.mutex_unlock(CcpSevDev.sev_cmd_mutex)
        await self.preempt()
        self.ccp_users -= 1
        return rc

    async def sev_ioctl_do_snp_commit(self) -> int:
        raise NotImplementedError

    async def sev_ioctl_do_snp_set_config(self) -> int:
        raise NotImplementedError

    async def sev_ioctl_do_snp_vlek_load(self) -> int:
        raise NotImplementedError


class SevIoctlsDirect(SevIoctls):
    """No ioctl initializes SNP for itself."""

    ioctls = "direct"

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
        rc = await self._sev_do_cmd_locked(command)
        if shutdown_required:
            await self._sev_snp_shutdown_locked()
        return rc

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
