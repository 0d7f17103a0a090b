"""Seeded mutations: for each property a mistake that violates it, in a design that holds it."""

from __future__ import annotations

import pytest

from softsnp.abi.sev import Status
from softsnp.explore import check
from softsnp.lang import Member
from softsnp.spec.activities import Host
from softsnp.spec.catalog import BY_NAME, DESIGNS, SCENARIOS
from softsnp.spec.designs import Linux612, RmpoptV9, RmpoptV10
from softsnp.spec.fw.psp import State
from softsnp.spec.linux.kernel.cpu import CpuHotplug
from softsnp.spec.properties import PROPERTIES

from .runs import HOST

MEMBERS = 2
ASSUME = {"one-ipi-a-step": False, "commands-may-fail": False}


class ForgetsToEnable(RmpoptV10):
    """A full shutdown leaves hotplug disabled."""

    async def snp_undo(self) -> None:
        await self.clear_rmp()
        await self.on_each_cpu(mfdm=False)


class EnablesTwice(RmpoptV9):
    """A full shutdown enables hotplug once too often."""

    async def snp_undo(self) -> None:
        await super().snp_undo()
        await self.cpu_hotplug_enable()


class DisablesTwice(RmpoptV10):
    async def clear_rmp(self) -> None:
        await super().clear_rmp()
        await self.cpu_hotplug_disable()


class ForgetsToUnlock(RmpoptV10):
    """Nobody lets go of cpu_add_remove_lock again."""

    async def cpu_hotplug_disable(self) -> None:
        await self.mutex_lock(CpuHotplug.cpu_add_remove_lock)
        self.cpu_hotplug_disabled = min(self.cpu_hotplug_disabled + 1, 3)


class SkipsTheLastCpu(RmpoptV9):
    """SNP_EN is set on the boot CPU only, and the firmware does not look."""

    async def snp_prepare_cpus(self) -> int:
        rc = await super().snp_prepare_cpus()
        await self.preempt(atomic="a mutation")
        self.cpus.where(boot=False).set(snp_en=False)
        return rc

    def _snp_init_ex(self) -> Status:
        self.snp_state = State.INIT
        return Status.SUCCESS


class NoKexec(RmpoptV9):
    """With kexec no design holds driver-and-firmware-agree: a running guest outlives the driver."""

    async def kernel_kexec(self) -> None:
        self.note("refused")


class ForgetsToSayItIsUp(NoKexec):
    async def snp_init_done(self) -> None:
        await self.snp_disable_cpu_hotplug()


class ForgetsOneMfdm(RmpoptV9):
    """A full shutdown clears MFDM on the boot CPU only."""

    async def snp_undo(self) -> None:
        await self.snp_enable_cpu_hotplug()
        await self.clear_rmp()
        await self.preempt(atomic="a mutation")
        self.cpus.where(boot=True).set(mfdm=False)


class DisablesBeforeItFails(RmpoptV9):
    """The range list fails only after hotplug was disabled."""

    async def snp_alloc_range_list(self) -> bool:
        failed = await super().snp_alloc_range_list()
        if failed:
            await self.snp_disable_cpu_hotplug()
        return failed


CASES = [
    ("guest-memory-protected", RmpoptV9, SkipsTheLastCpu),
    ("online-cpus-guarded", RmpoptV9, SkipsTheLastCpu),
    ("snp-en-uniform", RmpoptV9, SkipsTheLastCpu),
    ("hotplug-count-balanced", RmpoptV9, EnablesTwice),
    ("hotplug-count-bounded", RmpoptV10, DisablesTwice),
    ("shutdown-frees-hotplug", RmpoptV10, ForgetsToEnable),
    ("failed-init-keeps-hold", RmpoptV9, DisablesBeforeItFails),
    ("driver-and-firmware-agree", NoKexec, ForgetsToSayItIsUp),
    ("no-deadlock", RmpoptV10, ForgetsToUnlock),
]


def verdict(design: type[Host], name: str, assume: dict[str, bool] | None = None) -> str:
    spec = design(HOST, {**ASSUME, **(assume or {})}, firmware="x86-shutdown")
    prop = next(p for p in PROPERTIES if p.name == name)
    (outcome,) = check(spec, MEMBERS, [prop], [], traces=True).outcomes
    assert (outcome.trace is not None) == (outcome.verdict == "violated")
    return outcome.verdict


@pytest.mark.parametrize(("name", "right", "wrong"), CASES, ids=[case[0] for case in CASES])
def test_a_mistake_is_found(name: str, right: type[Host], wrong: type[Host]) -> None:
    assert (verdict(right, name), verdict(wrong, name)) == ("holds", "violated")


def test_mfdm_is_uniform_with_broadcasts_of_one_step_and_a_mistake_breaks_it() -> None:
    assert verdict(RmpoptV9, "mfdm-uniform") == "violated"
    assert verdict(ForgetsOneMfdm, "mfdm-uniform") == "violated"
    assert verdict(ReadLockedUndo, "mfdm-uniform") == "holds"


class ReadLockedUndo(RmpoptV10):
    """What would mend it: nobody goes offline between the end of SNP_EN and the end of MFDM."""

    async def x86_snp_shutdown(self) -> None:
        await self.cpus_read_lock()
        await super().x86_snp_shutdown()
        self.cpus_read_unlock()


class NoCallback(Linux612):
    """A CPU that comes up keeps the SNP_EN that it has."""

    async def cpuhp_ap_online(self, cpu: Member) -> int:
        return await super(Linux612, self).cpuhp_ap_online(cpu)


class EnablesWhileStarting(Linux612):
    """The callback runs before the CPU is in cpu_online_mask, in a STARTING state."""

    async def cpuhp_ap_online(self, cpu: Member) -> int:
        cpu.set(snp_en=True, vmpl_en=True)
        return await super().cpuhp_ap_online(cpu)


@pytest.mark.parametrize("bare", [{"cpu-hot-add": True}, {"init-sipi-keeps-syscfg": False}])
def test_the_callback_of_6_12_enables_a_cpu_that_comes_up_without_snp_en(
    bare: dict[str, bool],
) -> None:
    assert verdict(NoCallback, "snp-en-uniform", bare) == "violated"
    assert verdict(Linux612, "snp-en-uniform", bare) == "holds"
    assert verdict(NoCallback, "snp-en-uniform") == "holds", "all CPUs have it from boot"


@pytest.mark.parametrize("name", ["online-cpus-guarded", "guest-memory-protected"])
def test_the_callback_of_6_12_comes_too_late_and_an_earlier_one_would_not(name: str) -> None:
    hot_add = {"cpu-hot-add": True}
    assert verdict(Linux612, name, hot_add) == "violated"
    assert verdict(EnablesWhileStarting, name, hot_add) == "holds"


BY_DESIGN = {
    "mfdm-uniform": ("rmpopt-v10", "thread", "x86-shutdown"),
    "rmpopt-mask-online": ("rmpopt-v10", "rmpopt-suspend", "legacy"),
    "kexec-keeps-snp-possible": ("linux-6.12", "kexec", "legacy"),
    "x86-shutdown-clears-snp-en": ("linux-7.3", "thread", "x86-shutdown"),
    "firmware-cores-guarded": ("linux-7.3", "suspend", "legacy"),
    "resume-keeps-cpus-guarded": ("linux-7.3", "suspend", "legacy"),
    "init-finds-cpus-prepared": ("linux-7.3", "kexec", "legacy"),
    "rmp-cleared-unenforced": ("linux-7.3", "kexec", "legacy"),
    "online-set-kept-in-init": ("linux-7.3", "thread", "legacy"),
    "snp-en-holds-hotplug": ("linux-7.3", "thread", "legacy"),
    "snp-can-come-up": ("linux-7.3", "smt", "legacy"),
    "reload-reaches-init": ("proposal", "smt", "legacy"),
    "hsave-kept-under-svme": ("linux-7.3", "legacy-sev", "x86-shutdown"),
    "kvm-snp-is-up": ("rmpopt-v10", "legacy-sev", "legacy"),
    "smt-control-truthful": ("rmpopt-v10", "smt", "legacy"),
    "failed-write-changes-nothing": ("rmpopt-v10", "smt", "legacy"),
    "hold-implies-snp-en": ("rmpopt-v10", "suspend", "legacy"),
    "rmpopt-on-ready-cores": ("rmpopt-v10", "rmpopt", "x86-shutdown"),
    "df-flush-can-succeed": ("rmpopt-v9", "vms", "legacy"),
    "failed-init-frees-hotplug": ("rmpopt-v9", "vms", "legacy"),
    "lock-order-acyclic": ("review-hold-read-lock", "thread", "legacy"),
}
UNDER = {"x86-shutdown-clears-snp-en": {"firmware-counts-offline-cores": False}}
"""What has to be assumed for it. At any number of CPUs that takes long to make concrete."""


@pytest.mark.parametrize("name", BY_DESIGN)
def test_a_design_breaks_it(name: str) -> None:
    design, scenario, firmware = BY_DESIGN[name]
    chosen = SCENARIOS[scenario]
    spec = DESIGNS[design](chosen.activities, chosen.assume(UNDER.get(name, {})), firmware=firmware)
    members = MEMBERS if name in UNDER else None
    assert check(spec, members, [BY_NAME[name]], []).outcomes[0].verdict == "violated"


def test_every_property_has_a_mistake() -> None:
    assert {case[0] for case in CASES} | BY_DESIGN.keys() == {p.name for p in PROPERTIES}
