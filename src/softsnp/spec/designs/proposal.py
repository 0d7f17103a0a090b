"""proposal: what we would do instead, on top of v10."""

from __future__ import annotations

from softsnp.abi.errno import EBUSY
from softsnp.spec.designs.proposal_ccp import ProposalCcp


class Proposal(ProposalCcp):
    """Third of three patches on v10: no sleep with SNP up, and RMPOPT stops before SNP does.

    - A syscore operation in arch/x86/virt/svm/sev.c refuses to suspend or hibernate while a CPU has
      SNP_EN: registers and firmware forget, and the kernel does not (online-cpus-guarded,
      guest-memory-protected, resume-keeps-cpus-guarded, driver-and-firmware-agree).
    - RMPOPT's workqueue is WQ_FREEZABLE: its worker meets no CPU that is frozen
      (rmpopt-mask-online).
    - __sev_snp_shutdown_locked() tears RMPOPT down before SNP_SHUTDOWN_EX takes SNP_EN away, and
      sets it up again if that fails (rmpopt-on-ready-cores).

    What is left is said in docs/proposal.md, with the fact that forbids it.

    Source: [inf] ours
    """

    name = "proposal"
    rmpopt_wq_freezes = True

    def syscore_suspend(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_suspend(), new: a struct syscore_ops"""
        if self.cpus.any(online=True, snp_en=True):
            self.note("SNP_EN is set: the host does not sleep")
            return EBUSY
        return super().syscore_suspend()

    async def snp_shutdown_commands(self, panic: bool) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_shutdown_locked(), to the last SNP_SHUTDOWN_EX
        Locks: sev_cmd_mutex held, unless in a panic; takes and drops rmpopt_wq_mutex
        Source: [inf] ours
        """
        if not panic:
            await self.rmpopt_cleanup()
        rc = await super().snp_shutdown_commands(panic)
        if rc and not panic and self.snp_initialized:
            await self.snp_setup_rmpopt()
        return rc
