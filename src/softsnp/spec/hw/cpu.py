"""The CPUs: which are there, which run, and their SNP registers."""

from __future__ import annotations

from softsnp.lang import Bit, Kind, Population
from softsnp.spec.assumptions import Assumptions

AT_RESET = {
    "snp_en": False,
    "vmpl_en": False,
    "mfdm": False,
    "hsave": False,
    "svme": False,
    "rmpopt_base": False,
}
THERE = {"fused": True, "listed": True, "present": True}
NEW_KERNEL = {"frozen": False, "rmpopt_masked": False}
"""What each kernel keeps of CPUs in its own memory, and begins with."""


class Cpus(Assumptions):
    """The possible CPUs. CPU numbers do not exist here: CPUs are told apart by these bits.

    What of these a run never asks about costs it nothing.
    """

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
            "sibling": Bit("the second thread of its core", identity=True),
            "fused": Bit("enabled by fuses and BIOS: the firmware counts it, whatever Linux does"),
            "frozen": Bit("in frozen_cpus: taken offline to suspend", guard="cpu_add_remove_lock"),
            "svme": Bit("EFER[12] SVME: guests can run on it"),
            "wbinvd_done": Bit("the firmware has seen a WBINVD of it"),
            "ran_guest": Bit("the guest has run on it since it got its ASID"),
            "rmpopt_base": Bit("RMPOPT_BASE[0]: RMPOPT is enabled on the core"),
            "rmpopt_masked": Bit("in rmpopt_cpumask", guard="rmpopt_wq_mutex"),
        },
    )

    def members(self) -> tuple[Kind, ...]:
        """Power-on: the boot CPU runs. With hot-add, some CPUs are possible but not there yet."""
        kinds = [
            Kind({"boot": True, "online": True, **THERE}, 1),
            Kind(THERE, None),
        ]
        if self.smt:
            kinds.append(Kind({"sibling": True, **THERE}, None))
        if self.cpu_hot_add:
            kinds.append(Kind({}, 1))
        return tuple(kinds)

    def by_number(self, cpus: int) -> list[dict[str, bool]]:
        """The bits of CPU 0, 1, … at power-on, for who gives CPUs numbers: CPU 0 is the boot CPU.

        With threads, half of the CPUs are second ones, whose numbers follow those of first ones in
        the order of their cores. One that may be hot-added comes last.
        """
        kinds = self.members()
        seconds = cpus // 2 if any("sibling" in kind.bits for kind in kinds) else 0
        firsts = cpus - seconds - sum(kind.count or 0 for kind in kinds)
        return [
            dict(kind.bits)
            for kind in kinds
            for _ in range(kind.count or (seconds if "sibling" in kind.bits else firsts))
        ]

    def rdmsr_syscfg_snp_en(self) -> bool:
        """SYSCFG[SNP_EN] of whichever CPU the task happens to run on."""
        return self.cpus.where(online=True).peek("snp_en")
