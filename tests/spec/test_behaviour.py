"""Single functions of the specification, run on a state made for them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from softsnp.abi.errno import EBUSY, ENOENT, EOPNOTSUPP
from softsnp.abi.sev import Command, Status
from softsnp.explore.concrete import Concrete
from softsnp.lang.position import advance
from softsnp.lang.world import World
from softsnp.spec.activities import Host
from softsnp.spec.designs import Linux73, Linux612, RmpoptV10
from softsnp.spec.fw.psp import State

READY = ("listed", "fused", "present", "online", "snp_en", "vmpl_en", "mfdm")
OFFLINE = tuple(bit for bit in READY if bit != "online")


class Bench:
    """A host in a state of the test's choosing. Nothing fails that need not."""

    def __init__(
        self,
        *cpus: tuple[str, ...],
        design: type[Host] = Linux73,
        firmware: str = "legacy",
        assume: dict[str, bool] | None = None,
        **values: Any,
    ) -> None:
        quiet = {"commands-may-fail": False, "allocations-may-fail": False}
        self.host = design(["administrator"], {**quiet, **(assume or {})}, firmware=firmware)
        population = self.host.population()
        assert population is not None
        self.bits = population
        self.driver = Concrete(self.host)
        scalars = {name: field.initial for name, field in self.host.fields.items()}
        for name, value in values.items():
            scalars[name] = self.host.fields[name].domain.index(value)
        members = [population.pack(dict.fromkeys(bits, True))[1] for bits in cpus]
        self.driver.begin(World(scalars, members), 0, ())
        self.host.driver = self.driver
        self.host.begin_step(0, atomic="a test")

    def call(self, function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine to its end, alone."""
        coroutine = function()
        try:
            while True:
                step = advance(coroutine)
                self.host.begin_step(0, atomic="a test")
                assert step.guard is None or step.guard(), f"it waits {step.what}"
        except StopIteration as done:
            return done.value

    def cpus(self) -> list[set[str]]:
        return [set(self.bits.show(cls).split()) - {"-"} for cls in self.driver.world.members]

    def value(self, name: str) -> Any:
        return self.host.fields[name].domain[self.driver.world.scalars[name]]


def snp_init(*cpus: tuple[str, ...], **more: Any) -> Status:
    return Bench(*cpus, **more).host._psp_execute(Command.SNP_INIT_EX)


def without(*bits: str) -> tuple[str, ...]:
    return tuple(bit for bit in READY if bit not in bits)


@pytest.mark.parametrize(
    ("cpu", "status"),
    [
        (READY, Status.SUCCESS),
        (OFFLINE, Status.SUCCESS),
        (without("snp_en", "vmpl_en"), Status.INVALID_CONFIG),
        (without("vmpl_en"), Status.INVALID_CONFIG),
        (without("mfdm"), Status.INVALID_CONFIG),
        ((*READY, "hsave"), Status.INVALID_CONFIG),
    ],
    ids=["ready", "offline", "no SNP_EN", "no VMPL_EN", "no MFDM", "HSAVE_PA"],
)
def test_snp_init_looks_at_every_core(cpu: tuple[str, ...], status: Status) -> None:
    assert snp_init(READY, cpu) is status


def test_snp_init_looks_at_offline_cores_only_if_the_firmware_counts_them() -> None:
    bare = ("listed", "fused", "present")
    assert snp_init(READY, bare) is Status.INVALID_CONFIG
    blind = {"firmware-counts-offline-cores": False}
    assert snp_init(READY, bare, assume=blind) is Status.SUCCESS


@pytest.mark.parametrize("name", ["snp_state", "sev_state"])
def test_snp_init_is_refused_in_another_state(name: str) -> None:
    assert snp_init(READY, **{name: State.INIT}) is Status.INVALID_PLATFORM_STATE


@pytest.mark.parametrize(("firmware", "left"), [("legacy", True), ("x86-shutdown", False)])
def test_only_the_x86_shutdown_clears_snp_en_on_every_core(firmware: str, left: bool) -> None:
    bench = Bench(READY, OFFLINE, firmware=firmware, snp_state=State.INIT)
    assert bench.host._psp_execute(Command.SNP_SHUTDOWN_EX) is Status.SUCCESS
    assert bench.value("snp_state") is State.UNINIT
    assert ["snp_en" in cpu for cpu in bench.cpus()] == [left, left]
    assert all("vmpl_en" in cpu for cpu in bench.cpus())


def test_shutdown_wants_a_df_flush_while_a_guest_has_pages() -> None:
    bench = Bench(READY, snp_state=State.INIT, guest_pages_assigned=True)
    assert bench.host._psp_execute(Command.SNP_SHUTDOWN_EX) is Status.DFFLUSH_REQUIRED


def test_legacy_init_is_refused_with_snp_en_set_and_snp_down() -> None:
    assert Bench(READY).host._psp_execute(Command.INIT_EX) is Status.INVALID_PLATFORM_STATE
    up = Bench(READY, snp_state=State.INIT, rmp_initialized=True)
    assert up.host._psp_execute(Command.INIT_EX) is Status.SUCCESS


BOOT = ("boot", "listed", "fused", "present", "online")
SECOND = ("listed", "fused", "present", "online")
AWAY = ("listed", "fused", "present")


def online(bench: Bench) -> list[bool]:
    return ["online" in cpu for cpu in bench.cpus()]


def test_a_write_takes_one_cpu_offline_and_online_again() -> None:
    bench = Bench(BOOT, SECOND)
    assert bench.call(bench.host.device_offline) == 0
    assert online(bench) == [True, False]
    assert bench.call(bench.host.device_online) == 0
    assert online(bench) == [True, True]


@pytest.mark.parametrize("held", [0, 1], ids=["hotplug enabled", "hotplug disabled"])
def test_a_write_that_changes_nothing_succeeds_and_does_nothing(held: int) -> None:
    up = Bench(BOOT, SECOND, cpu_hotplug_disabled=held)
    assert up.call(up.host.device_online) == 0
    assert online(up) == [True, True]
    down = Bench(BOOT, AWAY, cpu_hotplug_disabled=held)
    assert down.call(down.host.device_offline) == 0
    assert online(down) == [True, False]
    assert up.driver.events == down.driver.events == []


def test_the_hotplug_core_knows_a_cpu_that_is_up_and_the_last_one() -> None:
    up, alone = Bench(BOOT, SECOND), Bench(BOOT, AWAY)
    assert up.call(up.host.cpu_up) == 0
    assert alone.call(alone.host.cpu_down) == EBUSY
    assert alone.driver.events == up.driver.events == []


def test_with_the_boot_cpu_alone_there_is_no_file_to_write_to() -> None:
    bench = Bench(BOOT)
    assert bench.call(bench.host.device_offline) == ENOENT
    assert bench.call(bench.host.device_online) == ENOENT


def test_disabled_hotplug_is_busy_and_the_count_balances() -> None:
    bench = Bench(BOOT, SECOND, AWAY)
    bench.call(bench.host.cpu_hotplug_disable)
    assert bench.call(bench.host.device_offline) == EBUSY
    assert bench.call(bench.host.device_online) == EBUSY
    assert online(bench) == [True, True, False]
    bench.call(bench.host.cpu_hotplug_enable)
    assert bench.value("cpu_hotplug_disabled") == 0
    bench.call(bench.host.cpu_hotplug_enable)
    assert bench.value("cpu_hotplug_disabled") == 0
    assert "WARN: Unbalanced cpu hotplug enable" in bench.driver.events


def test_the_count_stops_at_three() -> None:
    bench = Bench(BOOT)
    for _ in range(5):
        bench.call(bench.host.cpu_hotplug_disable)
    assert bench.value("cpu_hotplug_disabled") == 3


def test_snp_prepare_prepares_every_online_cpu() -> None:
    bench = Bench(BOOT, (*SECOND, "hsave"))
    assert bench.call(bench.host.snp_prepare) == 0
    for cpu in bench.cpus():
        assert {"snp_en", "vmpl_en", "mfdm"} <= cpu
        assert "hsave" not in cpu


def test_snp_prepare_wants_every_present_cpu_online() -> None:
    bench = Bench(BOOT, AWAY)
    assert bench.call(bench.host.snp_prepare) == EOPNOTSUPP
    assert "snp_en" not in bench.cpus()[0]


def test_snp_prepare_goes_by_one_cpu() -> None:
    """The early return believes whichever CPU it runs on; here the only one online."""
    bench = Bench((*BOOT, "snp_en"), AWAY)
    assert bench.call(bench.host.snp_prepare) == 0


def test_v10_gives_its_hold_back_when_prepare_fails_and_keeps_it_when_it_works() -> None:
    failed = Bench(BOOT, AWAY, design=RmpoptV10)
    assert failed.call(failed.host.snp_prepare) == EOPNOTSUPP
    assert failed.value("cpu_hotplug_disabled") == 0
    done = Bench(BOOT, SECOND, design=RmpoptV10)
    assert done.call(done.host.snp_prepare) == 0
    assert done.value("cpu_hotplug_disabled") == 1


def test_6_12_enables_every_cpu_at_boot() -> None:
    bench = Bench(BOOT, AWAY, design=Linux612)
    bench.call(bench.host.start_kernel)
    assert bench.cpus() == [{"boot", *READY}, set(READY)]
    assert bench.host._psp_execute(Command.SNP_INIT_EX) is Status.SUCCESS


def test_6_12_goes_by_one_cpu_after_a_kexec_and_then_by_its_callback() -> None:
    bench = Bench((*BOOT, "snp_en"), AWAY, design=Linux612, guest_pages_assigned=True)
    bench.call(bench.host.snp_rmptable_init)
    assert bench.value("guest_pages_assigned"), "the RMP is not cleared"
    assert bench.cpus() == [{*BOOT, "snp_en", "vmpl_en"}, set(AWAY)]


def test_6_12_enables_a_cpu_that_comes_up_but_not_enough_for_snp_init() -> None:
    bench = Bench(("boot", *READY), AWAY, design=Linux612, kvm_amd=True)
    assert bench.call(bench.host.device_online) == 0
    assert bench.cpus()[1] == {*without("mfdm"), "hsave", "svme"}
    assert bench.call(bench.host.snp_prepare) == 0
    assert bench.cpus()[1] == {*without("mfdm"), "svme"}
    assert bench.host._psp_execute(Command.SNP_INIT_EX) is Status.INVALID_CONFIG


def test_6_12_never_asks_for_a_full_shutdown() -> None:
    up: dict[str, Any] = {"snp_initialized": True, "snp_state": State.INIT}
    bench = Bench(READY, design=Linux612, firmware="x86-shutdown", **up)
    assert bench.call(bench.host._sev_snp_shutdown_locked) == 0
    assert "snp_en" in bench.cpus()[0]
    assert not bench.value("fully_shut_down")


def test_ccp_stays_while_somebody_uses_it() -> None:
    bench = Bench(BOOT, ccp_loaded=True, ccp_users=1)
    assert bench.call(bench.host.rmmod_ccp) == EBUSY
    assert bench.value("ccp_loaded")


def test_a_reload_of_ccp_loses_the_memory_of_the_module_only() -> None:
    bench = Bench(BOOT, ccp_loaded=True, sev_plat_state=State.INIT, cpu_hotplug_disabled=2)
    assert bench.call(bench.host.rmmod_ccp) == 0
    assert bench.value("sev_plat_state") is State.UNINIT
    assert bench.value("cpu_hotplug_disabled") == 2


def test_a_bracketing_ioctl_leaves_snp_as_it_was() -> None:
    bench = Bench(BOOT, SECOND, design=RmpoptV10, ccp_loaded=True, system_running=True)
    assert bench.call(lambda: bench.host.sev_ioctl(Command.SNP_COMMIT)) == 0
    assert bench.value("snp_state") is State.UNINIT
    assert not bench.value("snp_initialized")
    assert all("snp_en" in cpu for cpu in bench.cpus()), "legacy firmware leaves it set"


def test_a_direct_ioctl_does_not_initialize_snp() -> None:
    bench = Bench(BOOT, SECOND, ccp_loaded=True, system_running=True)
    assert bench.call(lambda: bench.host.sev_ioctl(Command.SNP_COMMIT)) == 0
    assert not any("snp_en" in cpu for cpu in bench.cpus())
