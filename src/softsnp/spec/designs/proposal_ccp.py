"""proposal-ccp: the driver believes what the firmware says, and shuts down what it brought up."""

from __future__ import annotations

from softsnp.abi.errno import EIO
from softsnp.abi.sev import Status
from softsnp.spec.designs.proposal_prepare import ProposalPrepare
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctlsDirect


class ProposalCcp(SevIoctlsDirect, ProposalPrepare):
    """Second of three patches on v10. snp_initialized follows the firmware, and a failed
    SNP_DF_FLUSH is followed by a shutdown: driver-and-firmware-agree. After a failed shutdown all
    CPUs get SNP_EN again: snp-en-uniform. No ioctl initializes SNP (as in v7.3), or shuts it down:
    hsave-kept-under-svme, init-finds-cpus-prepared, kvm-snp-is-up.

    Source: [inf] ours
    """

    name = "proposal-ccp"

    async def snp_init_flush(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), its SNP_DF_FLUSH
        Locks: sev_cmd_mutex held
        Source: [inf] ours
        """
        rc = await super().snp_init_flush()
        if rc:
            self.snp_initialized = True
            await self._sev_snp_shutdown_locked()
        return rc

    async def snp_is_up(self) -> bool:
        """C: drivers/crypto/ccp/sev-dev.c: snp_is_up(), new: SNP_PLATFORM_STATUS
        Locks: sev_cmd_mutex held
        Source: [inf] ours; that the page is refused says that SNP is up, and no answer says nothing
        """
        status = await self.snp_platform_status(firmware_page=False)
        if status is Status.INVALID_PAGE_STATE:
            return True
        return False if status is Status.SUCCESS else self.snp_initialized

    async def snp_get_platform_data(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: snp_get_platform_data()
        Locks: sev_cmd_mutex held
        Source: [inf] ours; v7.3 has no /dev/sev where SNP is up already
        """
        status = await self.snp_platform_status(firmware_page=False)
        self.snp_initialized = status is Status.INVALID_PAGE_STATE
        return 0 if status in (Status.SUCCESS, Status.INVALID_PAGE_STATE) else EIO

    async def snp_shutdown_commands(self, panic: bool) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), to the last SNP_SHUTDOWN_EX
        Locks: sev_cmd_mutex held, unless in a panic
        Source: [inf] ours
        """
        rc = await super().snp_shutdown_commands(panic)
        if rc and not panic:
            self.snp_initialized = await self.snp_is_up()
            await self.on_each_cpu(snp_en=True, vmpl_en=True)
        return rc

    async def snp_shutdown_succeeded(self, panic: bool) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), after SNP_SHUTDOWN_EX
        Locks: sev_cmd_mutex held, unless in a panic
        Source: [inf] ours
        """
        self.snp_initialized = False
        return await super().snp_shutdown_succeeded(panic)

    async def sev_ioctl_shutdown(self) -> None:
        """C: drivers/crypto/ccp/sev-dev.c: sev_ioctl_do_pek_pdh_gen(), if shutdown_required
        Locks: sev_cmd_mutex held
        Source: [inf] ours
        """
        await self._sev_platform_shutdown_locked()
