"""The CPUs: which are there, which run, and their SNP registers."""

from __future__ import annotations

from softsnp.lang import Bit, Kind, Population
from softsnp.spec.assumptions import Assumptions

AT_RESET = {"snp_en": False, "vmpl_en": False, "mfdm": False, "hsave": False}


class Cpus(Assumptions):
    """The possible CPUs. CPU numbers do not exist here: CPUs are told apart by these bits."""

    cpus = Population(
        "CPU",
        {
            "boot": Bit("CPU 0, which has no cpu0/online", identity=True),
            "listed": Bit("in the tables that a booting kernel enumerates CPUs from"),
            "present": Bit("in cpu_present_mask", guard="cpu_hotplug_lock"),
            "online": Bit("in cpu_online_mask: it runs", guard="cpu_hotplug_lock"),
            "snp_en": Bit("SYSCFG[24] SNP_EN: the core obeys the RMP; software only sets it"),
            "vmpl_en": Bit("SYSCFG[25] VMPL_EN: set with SNP_EN, and not cleared with it"),
            "mfdm": Bit("SYSCFG[19] MtrrFixDramModEn"),
            "hsave": Bit("VM_HSAVE_PA is not zero: KVM has enabled virtualization"),
        },
    )

    def members(self) -> tuple[Kind, ...]:
        """Power-on: the boot CPU runs. With hot-add, some CPUs are possible but not there yet."""
        boot = Kind({"boot": True, "listed": True, "present": True, "online": True}, 1)
        others = Kind({"listed": True, "present": True}, None)
        absent = Kind({}, 1)
        return (boot, others, absent) if self.cpu_hot_add else (boot, others)

    def rdmsr_syscfg_snp_en(self) -> bool:
        """SYSCFG[SNP_EN] of whichever CPU the task happens to run on."""
        return self.cpus.where(online=True).peek("snp_en")
