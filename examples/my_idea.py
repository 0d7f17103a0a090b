"""An idea on top of v10: what if a failed SNP init gave back the hold that it took?

Try it: softsnp check examples/my_idea.py
"""

from softsnp.spec.designs import RmpoptV10


class MyIdea(RmpoptV10):
    """v10, and a failed init that took a hold on CPU hotplug gives it back."""

    name = "my-idea"

    async def _sev_snp_init_locked(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked()
        Locks: sev_cmd_mutex held
        Source: [inf] my own
        """
        await self.preempt()
        enabled = self.rdmsr_syscfg_snp_en()
        rc = await super()._sev_snp_init_locked()
        await self.preempt()
        if rc and not enabled and self.rdmsr_syscfg_snp_en():
            await self.cpu_hotplug_enable()
        return rc
