"""linux-6.12: the released kernel that enables SNP on the CPUs at boot, not at SNP init."""

from __future__ import annotations

from softsnp.lang import Member
from softsnp.spec.activities import Host
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctlsDirect


class Linux612(SevIoctlsDirect, Host):
    """Linux 6.12: SNP_EN is set at boot, and by a callback on CPUs that come up; nothing is gated.

    It stays set: this driver does not know x86_snp_shutdown, so both firmware profiles are one
    here. The callback sets no MFDM: SNP_INIT_EX fails once a CPU has been added, online or not.

    Source: [code] v6.12.117 arch/x86/virt/svm/sev.c, drivers/crypto/ccp/sev-dev.c
    """

    name = "linux-6.12"
    woken_by_on = {}  # smt/control on does not ask whether a core runs
    wakes_dead_siblings = False

    async def snp_rmptable_init(self) -> int:
        """C: arch/x86/virt/svm/sev.c: snp_rmptable_init()
        Locks: none for the broadcasts; takes and drops cpu_hotplug_lock for reading after them
        Source: [code] v6.12.117: after a kexec one CPU's SNP_EN stands for all, and the rest is
        left to the callback, which cpuhp_setup_state() runs at once on every CPU that is online
        """
        await self.preempt()
        if self.rdmsr_syscfg_snp_en():
            self.note("SNP_EN is set on this CPU: the RMP stays, and so does MFDM")
        else:
            await self.snp_enable_at_boot()
        await self.cpus_read_lock()
        await self.on_each_cpu(snp_en=True, vmpl_en=True)  # __snp_enable()
        self.cpus_read_unlock()
        return 0

    async def snp_enable_at_boot(self) -> None:
        """C: arch/x86/virt/svm/sev.c: snp_rmptable_init(), unless SNP_EN is set
        Locks: none
        Source: [code] v6.12.117: nobody takes CPUs offline or online yet
        """
        await self.preempt(atomic="the table is in memory that nobody else writes now")
        self.zero_rmp()
        await self.wbinvd_on_all_cpus()
        await self.on_each_cpu(mfdm=True)  # mfd_enable()
        await self.on_each_cpu(snp_en=True, vmpl_en=True)  # snp_enable()

    async def cpuhp_ap_online(self, cpu: Member) -> int:
        """C: arch/x86/virt/svm/sev.c: __snp_enable(), at CPUHP_AP_ONLINE_DYN
        Locks: cpu_hotplug_lock held for writing by the task that waits
        Source: [code] v6.12.117: the CPU has run tasks by then; CPUHP_AP_KVM_ONLINE comes before
        """
        rc = await super().cpuhp_ap_online(cpu)
        await self.preempt(atomic="the callback runs on the CPU that comes up")
        cpu.set(snp_en=True, vmpl_en=True)
        return rc

    async def snp_prepare(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: __sev_snp_init_locked(), before its range list
        Locks: sev_cmd_mutex held; no cpu_hotplug_lock
        Source: [code] v6.12.117: there is no snp_prepare(), only a broadcast in its place
        """
        self.online_set_relied_on = True
        await self.clear_hsave_pa()  # snp_set_hsave_pa()
        return 0

    async def snp_get_platform_data(self) -> int:
        """C: drivers/crypto/ccp/sev-dev.c: sev_get_api_version(), before its PLATFORM_STATUS
        Locks: sev_cmd_mutex held
        Source: [code] v6.12.117 does not ask SNP
        """
        return 0

    def x86_snp_shutdown_asked_for(self) -> bool:
        """Never: struct sev_data_snp_shutdown_ex has no such bit in v6.12.117."""
        return False
