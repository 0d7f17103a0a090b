"""Mistakes in putting CPUs to sleep, and second threads: sleep, smt/control, offlining for good."""

from __future__ import annotations

from softsnp.spec.linux.arch.x86.kernel.smp import X86Smp
from softsnp.spec.linux.kernel.cpu import CpuHotplug
from softsnp.spec.linux.kernel.cpu_pm import CpuFreezing
from softsnp.spec.linux.kernel.cpu_smt import Smt
from softsnp.spec.linux.kernel.power.suspend import Suspend
from tests.mutation import Mutation

SLEEP = (
    Mutation(
        "freezing-counts-nothing",
        CpuFreezing,
        "freeze_secondary_cpus",
        "self.cpu_hotplug_disabled_otherwise += 1",
        "pass",
    ),
    Mutation(
        "freezing-respects-the-count",
        CpuFreezing,
        "freeze_secondary_cpus",
        "self._cpu_down(frozen=True)",
        "self.cpu_down_maps_locked(frozen=True)",
    ),
    Mutation(
        "freezing-leaves-a-cpu",
        CpuFreezing,
        "freeze_secondary_cpus",
        "while more:",
        "if more:",
    ),
    Mutation(
        "thawing-counts-nothing",
        CpuFreezing,
        "thaw_secondary_cpus",
        "self._cpu_hotplug_enable_otherwise()",
        "pass",
    ),
    Mutation(
        "thawing-forgets-a-cpu",
        CpuFreezing,
        "thaw_secondary_cpus",
        "while rc != NO_CPU:",
        "if rc != NO_CPU:",
    ),
    Mutation(
        "thawing-wakes-everybody",
        CpuFreezing,
        "thaw_secondary_cpus",
        "self._cpu_up(frozen=True)",
        "self._cpu_up()",
    ),
    Mutation(
        "suspend-counts-less-than-resume",
        Suspend,
        "suspend_prepare",
        "await self.cpu_hotplug_disable_otherwise()",
        "await self.preempt()",
    ),
    Mutation(
        "suspend-leaves-kvm-on",
        Suspend,
        "syscore_suspend",
        "self.kvm_suspend()",
        "pass",
    ),
    Mutation(
        "offlining-for-good-is-busy",
        CpuHotplug,
        "cpu_down_maps_locked",
        "return EOPNOTSUPP",
        "return EBUSY",
    ),
    Mutation(
        "offlining-stays-allowed",
        CpuHotplug,
        "cpu_hotplug_disable_offlining",
        "self.cpu_hotplug_offline_disabled = True",
        "pass",
    ),
)

SMT = (
    Mutation(
        "smt-off-ignores-the-count",
        Smt,
        "cpuhp_smt_disable",
        "self.cpu_down_maps_locked(sibling=True)",
        "self._cpu_down(sibling=True)",
    ),
    Mutation(
        "smt-off-says-so-when-it-fails",
        Smt,
        "cpuhp_smt_disable",
        "        if rc == 0:\n            await",
        "        if True:\n            await",
    ),
    Mutation(
        "smt-on-respects-the-count",
        Smt,
        "cpuhp_smt_enable",
        "            rc = await self._cpu_up(**self.woken_by_on)\n",
        "            rc = -16\n"
        "            if not self.cpu_hotplug_is_disabled():\n"
        "                rc = await self._cpu_up(**self.woken_by_on)\n",
    ),
    Mutation(
        "smt-on-wakes-cores-that-are-off",
        Smt,
        "the_rest_stays_offline",
        'return self.choose(False, True, label="the rest belong to cores that are offline")',
        "return False",
    ),
    Mutation(
        "smt-control-takes-a-refused-write-back",
        Smt,
        "store_smt_control_locked",
        'self.event("a write to smt/control fails")',
        "self.cpu_smt_num_threads = before",
    ),
    Mutation(
        "smt-forceoff-is-not-for-good",
        Smt,
        "store_smt_control_locked",
        "if self.cpu_smt_control is SmtControl.FORCE_DISABLED:",
        "if False:",
    ),
    Mutation(
        "smt-forceoff-is-off",
        Smt,
        "store_smt_control_locked",
        "self.cpuhp_smt_disable(wanted)",
        "self.cpuhp_smt_disable(SmtControl.DISABLED)",
    ),
    Mutation(
        "smt-off-does-not-keep-cpus-off",
        Smt,
        "second_threads_allowed",
        "return self.observe(Smt.cpu_smt_control) is SmtControl.ENABLED",
        "return True",
    ),
    Mutation(
        "smt-off-that-failed-keeps-cpus-off",
        Smt,
        "second_threads_allowed",
        "is SmtControl.ENABLED",
        "is SmtControl.ENABLED and self.observe(Smt.cpu_smt_num_threads) == 2",
    ),
    Mutation(
        "hibernation-leaves-second-threads",
        X86Smp,
        "arch_cpu_rescan_dead_smt_siblings",
        "rc = await self.cpuhp_smt_enable()",
        "rc = 0",
    ),
)
