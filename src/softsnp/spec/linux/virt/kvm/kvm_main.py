"""virt/kvm/kvm_main.c: virtualization on the CPUs."""

from __future__ import annotations

from softsnp.lang import Bool, Member
from softsnp.spec.linux.drivers.crypto.ccp.sev_ioctl import SevIoctls

KVM_CPUS = "cpu_hotplug_lock is held for reading, and nobody else uses VM_HSAVE_PA meanwhile"


class Kvm(SevIoctls):
    """Virtualization is enabled as long as kvm-amd is loaded (enable_virt_at_load).

    On a CPU that comes up or goes down meanwhile it is KVM's hotplug callbacks that do it. They
    are installed on every host here, and look at whether there is anything to do.
    """

    kvm_amd = Bool(False, "the kvm-amd module is loaded; it pins ccp", memory="kernel")

    async def kvm_enable_virtualization(self) -> None:
        """C: virt/kvm/kvm_main.c: kvm_enable_virtualization()
        Locks: takes and drops cpu_hotplug_lock for reading
        Source: [code] v7.3: cpuhp_setup_state() runs kvm_online_cpu() on every online CPU
        """
        await self.cpus_read_lock()
        await self.preempt(atomic=KVM_CPUS)
        self.cpus.where(online=True).set(hsave=True, svme=True)
        self.kvm_amd = True
        self.cpus_read_unlock()

    async def kvm_disable_virtualization(self) -> None:
        """C: virt/kvm/kvm_main.c: kvm_disable_virtualization()
        Locks: takes and drops cpu_hotplug_lock for reading
        Source: [code] v7.3: cpuhp_remove_state() runs kvm_offline_cpu() on every online CPU
        """
        await self.cpus_read_lock()
        await self.preempt(atomic=KVM_CPUS)
        self.cpus.where(online=True).set(hsave=False, svme=False)
        self.kvm_amd = False
        self.cpus_read_unlock()

    async def cpuhp_ap_online(self, cpu: Member) -> int:
        """C: virt/kvm/kvm_main.c: kvm_online_cpu()
        Locks: cpu_hotplug_lock held for writing by the task that waits
        Source: [code] v7.3
        """
        await self.preempt(atomic="the callback runs on the CPU that comes up")
        if self.kvm_amd:
            cpu.set(hsave=True, svme=True)
        return 0

    def cpuhp_ap_offline(self, cpu: Member) -> None:
        """C: virt/kvm/kvm_main.c: kvm_offline_cpu()
        Locks: cpu_hotplug_lock held for writing by the task that waits
        Source: [code] v7.3
        """
        cpu.set(hsave=False, svme=False)

    def kvm_shutdown(self) -> None:
        """C: virt/kvm/kvm_main.c: kvm_shutdown(), in syscore_shutdown()
        Locks: none
        Source: [code] v7.3
        """
        if self.kvm_amd:
            self.cpus.where(online=True).set(hsave=False, svme=False)

    def kvm_suspend(self) -> None:
        """C: virt/kvm/kvm_main.c: kvm_suspend(), in syscore_suspend(), on the one CPU that runs"""
        self.cpus.where(online=True).set(hsave=False, svme=False)

    def kvm_resume(self) -> None:
        """C: virt/kvm/kvm_main.c: kvm_resume(), in syscore_resume(), on the one CPU that runs"""
        if self.kvm_amd:
            self.cpus.where(online=True).set(hsave=True, svme=True)
