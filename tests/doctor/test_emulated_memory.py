"""Facts out of the memory of kernels whose own functions run, emulated, with a PSP at hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import drgn
import pytest

from softsnp.abi.sev import Command
from softsnp.conform.configurations import CONFIGURATIONS
from softsnp.conform.host import KernelHost
from softsnp.conform.kernel import Kernel
from softsnp.conform.operations import NO_ANSWER, Operation
from softsnp.conform.pair import Pair
from softsnp.doctor.kernel_memory import KernelFacts, read_program
from softsnp.doctor.kernel_readers import READERS
from softsnp.spec.catalog import DESIGNS
from tests.conform.kernels import NAMES, kernel

SINCE_FEATURES = "linux-7.3"
"""Whose driver asks the firmware for its features."""


def facts(made: Kernel) -> KernelFacts:
    found = read_program(made.types, "the emulator")
    assert sorted([*found.values, *found.unknown]) == sorted(READERS)
    assert found.source == "the emulator"
    return found


def loaded(name: str, *, with_ccp: bool = True) -> Kernel:
    """A kernel whose types drgn knows, with the emulator's memory as the kernel's."""
    vmlinux, ccp = kernel(name)
    made = Kernel(vmlinux)
    if with_ccp:
        made.load_module(ccp)
    for region in made.memory.regions:
        made.types.add_memory_segment(region.base, region.size, partial(content, made))
    return made


def content(made: Kernel, address: int, count: int, _: int, __: bool) -> bytes:
    return made.memory.read(address, count)


def host(name: str, firmware: str = "legacy", *, threads: bool = False) -> KernelHost:
    assume = CONFIGURATIONS[1].assume if threads else None
    return Pair(loaded(name), DESIGNS[name], 4, firmware, assume).kernel


def changes(before: KernelFacts, after: KernelFacts) -> dict[str, Any]:
    return {name: now for name, now in after.values.items() if before.values.get(name) != now}


@pytest.mark.parametrize("name", NAMES)
def test_each_fact_follows_what_the_kernels_functions_do(name: str) -> None:
    made = host(name)
    before = facts(made.kernel)
    assert before.values["possible"] == before.values["online"] == "0-3"
    assert before.values["snp_initialized"] is False
    assert before.values["sev_plat_state"] == 0
    assert made.perform(Operation("platform init")) == 0
    after = facts(made.kernel)
    assert changes(before, after) == {"snp_initialized": True, "sev_plat_state": 1}
    for call, changed in (
        ("cpu_hotplug_disable", {"cpu_hotplug_disabled": 1}),
        ("cpu_hotplug_disable", {"cpu_hotplug_disabled": 2}),
        ("cpu_hotplug_enable", {"cpu_hotplug_disabled": 1}),
        ("cpu_hotplug_enable", {"cpu_hotplug_disabled": 0}),
        ("cpu_maps_update_begin", {"cpu_add_remove_lock_held": True}),
        ("cpu_maps_update_done", {"cpu_add_remove_lock_held": False}),
        ("cpu_hotplug_disable_offlining", {"cpu_hotplug_offline_disabled": True}),
    ):
        before = after
        made.machine.call(call)
        after = facts(made.kernel)
        assert changes(before, after) == changed, call
    made.perform(Operation("platform shutdown"))
    end = {"snp_initialized": False, "sev_plat_state": 0}
    assert changes(after, facts(made.kernel)) == end


@pytest.mark.parametrize("name", NAMES)
def test_cpus_and_their_threads(name: str) -> None:
    made = host(name, threads=True)
    before = facts(made.kernel)
    assert made.perform(Operation("offline", 3)) == 0
    after = facts(made.kernel)
    assert changes(before, after) == {"online": "0-2"}
    assert made.smt(b"off") == 0
    off = changes(after, facts(made.kernel))
    assert off.pop("cpu_smt_control") == "CPU_SMT_DISABLED"
    assert off.pop("cpu_smt_num_threads") == 1
    assert off.keys() == {"online"}


@pytest.mark.parametrize("name", NAMES)
def test_a_mutex_is_held_while_the_driver_waits_for_a_command(name: str) -> None:
    made = host(name)
    held: list[object] = []
    made.ccp.slowly()
    made.machine.pausing = lambda _: held.append(facts(made.kernel).values["sev_cmd_mutex_held"])
    made.ioctl(Command.SNP_PLATFORM_STATUS, 0)
    assert held == [True, True]
    assert facts(made.kernel).values["sev_cmd_mutex_held"] is False


@pytest.mark.parametrize("name", NAMES)
def test_a_psp_that_does_not_answer_is_dead(name: str) -> None:
    made = host(name, threads=True)
    before = facts(made.kernel)
    made.perform(Operation("snp-status", failing=NO_ANSWER))
    assert changes(before, facts(made.kernel)) == {"psp_dead": True}


def test_what_the_firmware_can_is_known_where_the_driver_asks() -> None:
    for firmware in ("legacy", "x86-shutdown"):
        found = facts(host(SINCE_FEATURES, firmware).kernel)
        assert found.values["x86_snp_shutdown"] is (firmware == "x86-shutdown")
        assert found.unknown == {}
    found = facts(host("linux-6.12").kernel)
    assert found.unknown == {"x86_snp_shutdown": "this kernel's driver does not ask the firmware"}


@pytest.mark.parametrize("name", NAMES)
def test_without_ccp_nothing_is_initialized_and_the_rest_is_unknown(name: str) -> None:
    found = facts(loaded(name, with_ccp=False))
    assert found.values["snp_initialized"] is False
    assert found.values["sev_cmd_mutex_held"] is False
    names = ("sev_plat_state", "psp_dead", "x86_snp_shutdown")
    assert found.unknown == dict.fromkeys(names, "ccp is not loaded")


def test_a_list_of_modules_without_an_end_is_not_followed_for_ever() -> None:
    made = loaded("linux-7.3")
    assert facts(made).values["modules"] == ""
    entry = made.memory.allocate(made.size("struct module"))
    place = entry + made.offset("struct module", "list")
    name = entry + made.offset("struct module", "name")
    made.memory.write(name, b"ccp")
    made.memory.put64(made.address("modules"), place)
    made.memory.put64(place, made.address("modules"))
    assert facts(made).values["modules"] == "ccp"
    made.memory.put64(place, place)
    assert "does not end" in facts(made).unknown["modules"]
    unformed = made.constant("MODULE_STATE_UNFORMED")
    made.memory.put64(place, made.address("modules"))
    made.memory.put32(entry + made.offset("struct module", "state"), unformed)
    assert facts(made).values["modules"] == ""


def test_types_without_memory_are_no_facts() -> None:
    vmlinux, ccp = kernel("linux-7.3")
    made = Kernel(vmlinux)
    made.load_module(ccp)
    found = facts(made)
    assert found.values == {}
    assert all(reason.startswith("its memory cannot be read") for reason in found.unknown.values())


def test_without_debug_information_each_fact_says_what_it_lacks() -> None:
    found = read_program(drgn.Program(drgn.host_platform), "nothing")
    assert found.values == {}
    assert found.unknown.keys() == READERS.keys()
    reason = "the debug information has no {} in kernel/cpu.c"
    assert found.unknown["online"] == reason.format("__cpu_online_mask")
    assert "modules" in found.unknown["snp_initialized"]
