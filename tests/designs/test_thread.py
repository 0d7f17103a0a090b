"""What was said in the review, found by exploring; and that no verdict is vacuous."""

from __future__ import annotations

import pytest

from softsnp.explore import Outcome, check
from softsnp.spec.activities import Host
from softsnp.spec.catalog import BY_NAME, SCENARIOS
from softsnp.spec.designs import (
    Linux612,
    LinuxTip202606,
    ProposalCcp,
    ReviewDisableOfflining,
    ReviewDisableUnderReadLock,
    ReviewFlagOnTop,
    RmpoptV8,
    RmpoptV9,
    RmpoptV9NoFlag,
    RmpoptV10,
)

from .runs import EACH, NAMES, result


def outcome(
    design: type[Host],
    prop: str,
    profile: str = "legacy",
    assume: dict[str, bool] | None = None,
) -> Outcome:
    found = result(design, profile, None, assume, traces=True)
    return next(o for o in found.outcomes if o.prop.name == prop)


def operations(found: Outcome) -> list[str]:
    assert found.trace is not None
    return [c.removeprefix("operation: ") for s in found.trace.steps for c in s.choices]


def functions(found: Outcome, activity: str) -> list[str]:
    """The functions in which an activity's steps begin, innermost, without repetition."""
    assert found.trace is not None
    inner = [s.frames[-1].function for s in found.trace.steps if s.activity == activity]
    return [f for n, f in enumerate(inner) if n == 0 or inner[n - 1] != f]


def test_without_the_flag_init_and_legacy_shutdown_cycles_stack_the_count() -> None:
    found = outcome(RmpoptV9NoFlag, "hotplug-count-bounded")
    assert found.verdict == "violated"
    assert len(operations(found)) == 2
    assert set(operations(found)) <= {"snphost commit", "snphost config", "snphost vlek-load"}
    assert functions(found, "administrator").count("cpu_hotplug_disable()") == 2


def test_with_the_flag_they_do_not() -> None:
    assert outcome(RmpoptV9, "hotplug-count-bounded").verdict == "holds"


def test_the_flag_of_v8_does_not_survive_a_reload_of_ccp() -> None:
    found = outcome(RmpoptV8, "hotplug-count-bounded")
    assert found.verdict == "violated"
    assert "rmmod ccp" in operations(found)
    assert "modprobe ccp" in operations(found)


def test_disabling_hotplug_under_the_read_lock_deadlocks_against_a_hotplugger() -> None:
    found = outcome(ReviewDisableUnderReadLock, "no-deadlock")
    assert found.verdict == "violated"
    assert found.trace is not None
    stands = {s.activity: s for s in found.trace.standing}
    assert stands["administrator"].waits_for == "for cpu_add_remove_lock"
    assert "cpu_hotplug_lock for reading" in stands["administrator"].holds
    assert stands["hotplugger"].waits_for == "for the readers of cpu_hotplug_lock"
    assert "cpu_add_remove_lock" in stands["hotplugger"].holds


def test_v10_takes_them_in_the_other_order_and_does_not() -> None:
    assert outcome(RmpoptV10, "no-deadlock").verdict == "holds"


def test_v9_leaves_a_window_before_the_disable_if_a_cpu_can_be_added() -> None:
    assert outcome(RmpoptV9, "online-cpus-guarded").verdict == "holds"
    found = outcome(RmpoptV9, "online-cpus-guarded", assume={"cpu-hot-add": True})
    assert found.verdict == "violated"
    assert {"add a CPU", "online a CPU"} <= set(operations(found))
    assert "cpu_hotplug_disable()" not in functions(found, "administrator")


def test_v10_has_closed_that_window() -> None:
    for name in ("online-cpus-guarded", "guest-memory-protected"):
        assert outcome(RmpoptV10, name, assume={"cpu-hot-add": True}).verdict == "holds"


def test_v9_leaves_a_window_if_onlining_resets_syscfg() -> None:
    assume = {"init-sipi-keeps-syscfg": False}
    assert outcome(RmpoptV9, "online-cpus-guarded", assume=assume).verdict == "violated"


@pytest.mark.parametrize("design", [RmpoptV10, ReviewFlagOnTop])
def test_a_failed_init_changes_the_hold_where_the_disable_comes_first(design: type[Host]) -> None:
    found = outcome(design, "failed-init-keeps-hold")
    assert found.verdict == "violated"
    assert any(choice.endswith("fails") for choice in operations(found))


def test_v10_keeps_hotplug_disabled_after_a_failed_init() -> None:
    found = outcome(RmpoptV10, "failed-init-keeps-hold")
    assert found.trace is not None
    assert found.trace.state["cpu_hotplug_disabled"] == "1"
    assert found.trace.state["snp_initialized"] == "0"


def test_nothing_is_gated_in_the_kernel_they_were_posted_on() -> None:
    found = result(LinuxTip202606, "legacy", None)
    bounded = next(o for o in found.outcomes if o.prop.name == "hotplug-count-bounded")
    assert (bounded.verdict, bounded.exercised) == ("holds", False)


def test_kexec_ends_another_process_between_two_ipis() -> None:
    """Nobody in the thread asked: the next kernel finds SNP_EN on some CPUs only."""
    spec = RmpoptV10(SCENARIOS["two-ioctls"].activities, firmware="legacy")
    prop = BY_NAME["snp-en-uniform"]
    (found,) = check(spec, 2, [prop], [], traces=True).outcomes
    assert found.verdict == "violated"
    assert found.trace is not None
    assert "kexec" in operations(found)
    enabled = [bits["snp_en"] for bits in found.trace.population.values()]
    assert sorted(enabled) == [False, True]


@pytest.mark.parametrize(("design", "profile"), EACH, ids=NAMES)
def test_what_should_be_able_to_happen_can(design: type[Host], profile: str) -> None:
    reached = result(design, profile, None).reached
    full = profile == "x86-shutdown" and design is not Linux612  # which never asks for it
    offline = design is not ReviewDisableOfflining
    told = {name: reached[name] for name in reached if name != "hotplug-refused"}
    can = dict.fromkeys(("cpu-goes-offline", "cpu-comes-online"), offline)
    can |= {"full-shutdown": full, "init-in-init": not issubclass(design, ProposalCcp)}
    assert told == dict.fromkeys(told, True) | can
