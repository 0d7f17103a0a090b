"""What else the tree has, and what it costs with many CPUs."""

from __future__ import annotations

import errno
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.serve.tree import PLACES
from softsnp.serve.tree.places import Places, cpu_list, cpu_mask
from softsnp.serve.vfs import File, IoctlReply, Link

from .fake import Answer, Bench, FakeHost, bench

SETS = st.sets(st.integers(0, 599))
MANY = 512


def errno_of_write(found: Bench, path: str, text: str) -> int | None:
    with pytest.raises(OSError) as error:
        found.client.write(path, text)
    return error.value.errno


# --- sets of CPUs ----------------------------------------------------------------------------


@given(SETS)
def test_a_list_of_cpus_can_be_read_back(cpus: set[int]) -> None:
    back: set[int] = set()
    for part in cpu_list(sum(1 << cpu for cpu in cpus)).split(","):
        first, _, last = part.partition("-")
        if part:
            back |= set(range(int(first), int(last or first) + 1))
    assert back == cpus


@given(SETS, st.integers(600, 700))
def test_a_mask_of_cpus_can_be_read_back(cpus: set[int], possible: int) -> None:
    value = sum(1 << cpu for cpu in cpus)
    shown = cpu_mask(value, possible)
    assert int(shown.replace(",", ""), 16) == value
    assert [len(part) for part in shown.split(",")[1:]] == [8] * ((possible - 1) // 32)


@pytest.mark.parametrize(
    ("possible", "shown"),
    [(1, "1"), (2, "1"), (8, "01"), (32, "00000001"), (33, "0,00000001"), (36, "0,00000001")],
)
def test_a_mask_is_as_wide_as_the_machine(possible: int, shown: str) -> None:
    assert cpu_mask(1, possible) == shown


@given(st.integers(1, 64), st.sampled_from((1, 2)), st.sampled_from((1, 2, 4)))
def test_cpus_share_what_they_share_with_each_other(cores: int, threads: int, sockets: int) -> None:
    places = Places(FakeHost(cores * sockets * threads, threads, sockets))
    for shared in (places.same_core, places.same_l3, places.same_socket):
        sets = {shared(cpu) for cpu in range(places.cpus)}
        assert sum(sets) == places.all  # each CPU is in exactly one of them
        assert all(shared(cpu) >> cpu & 1 for cpu in range(places.cpus))
    assert len({places.apic(cpu) for cpu in range(places.cpus)}) == places.cpus


# --- CPUs ------------------------------------------------------------------------------------


def test_second_threads_have_the_upper_half_of_the_numbers() -> None:
    found = bench(8, threads=2, sockets=2)
    read = found.client.text
    assert read("cpu/cpu1/topology/thread_siblings_list") == "1,5\n"
    assert read("cpu/cpu1/topology/thread_siblings") == "22\n"
    assert read("cpu/cpu1/topology/core_siblings_list") == "0-1,4-5\n"
    assert read("cpu/cpu6/topology/physical_package_id") == "1\n"
    assert read("cpu/cpu6/topology/core_id") == "0\n"
    assert read("node/node1/cpulist") == "2-3,6-7\n"
    assert read("node/has_cpu") == "0-1\n"
    links = [name for name in found.client.list("node/node1") if name.startswith("cpu")]
    assert links == ["cpu2", "cpu3", "cpu6", "cpu7", "cpulist", "cpumap"]


def test_a_cpu_that_is_hot_added_is_the_last_one_and_a_core_of_its_own() -> None:
    """Not a second thread, though its number is above theirs."""
    host = FakeHost(5, threads=2)
    for cpu in range(5):
        host.set_cpu(cpu, sibling=cpu in (2, 3))
    places = Places(host)
    assert [cpu_list(places.same_core(cpu)) for cpu in range(5)] == [
        "0,2",
        "1,3",
        "0,2",
        "1,3",
        "4",
    ]
    assert len({places.apic(cpu) for cpu in range(5)}) == 5


def test_an_offline_cpu_has_no_place_and_nobody_shares_with_it() -> None:
    found = bench(4, threads=2)
    found.host.set_cpu(3, online=False)
    assert "topology" not in found.client.list("cpu/cpu3")
    with pytest.raises(OSError) as error:
        found.client.text("cpu/cpu3/cache/index0/size")
    assert error.value.errno == errno.ENOENT
    assert found.client.text("cpu/cpu1/topology/thread_siblings_list") == "1\n"
    assert found.client.text("cpu/cpu1/cache/index3/shared_cpu_list") == "0-2\n"
    assert found.client.text("cpu/offline") == "3\n"
    assert found.client.text("cpuinfo").count("processor\t:") == 3


def test_a_cpu_that_is_not_present_is_not_there() -> None:
    found = bench(4)
    file, handle = found.client.open("cpu/cpu3/online", os.O_WRONLY)
    found.host.set_cpu(3, present=False, online=False)
    assert "cpu3" not in found.client.list("cpu")
    assert "cpu3" not in found.client.list("node/node0")
    assert found.client.text("cpu/present") == "0-2\n"
    assert found.client.text("cpu/possible") == "0-3\n"
    answer = Answer()
    with pytest.raises(OSError) as error:
        file.write(handle, answer.call, 0, b"1")
    assert error.value.errno == errno.ENODEV


@pytest.mark.parametrize(
    ("generation", "index", "size", "sets"),
    [("milan", 2, "512K", 1024), ("genoa", 0, "32K", 64), ("turin", 0, "48K", 64)],
)
def test_caches_are_the_generations(generation: str, index: int, size: str, sets: int) -> None:
    found = bench(32, threads=2, generation=generation)
    assert found.client.text(f"cpu/cpu0/cache/index{index}/size") == f"{size}\n"
    assert found.client.text(f"cpu/cpu0/cache/index{index}/number_of_sets") == f"{sets}\n"
    assert found.client.text("cpu/cpu8/cache/index3/shared_cpu_list") == "8-15,24-31\n"


# --- the rest --------------------------------------------------------------------------------


def test_modules_are_those_that_are_loaded() -> None:
    found = bench()
    assert found.client.list("module") == ["kvm_amd", "kvm", "ccp"]
    assert found.client.text("module/kvm_amd/parameters/sev_snp") == "Y\n"
    assert found.client.text("module/ccp/refcnt") == "1\n"
    assert found.client.list("module/ccp/holders") == ["kvm_amd"]
    with pytest.raises(OSError) as error:
        found.client.find("module/ccp/parameters")
    assert error.value.errno == errno.ENOENT
    assert "ccp 163840 1 kvm_amd, Live 0x0000000000000000\n" in found.client.text("modules")
    del found.host.modules["kvm_amd"]
    assert found.client.list("module") == ["kvm", "ccp"]
    with pytest.raises(OSError) as error:
        found.client.text("module/kvm_amd/parameters/sev_snp")
    assert error.value.errno == errno.ENOENT


@pytest.mark.parametrize(
    ("test", "state", "operation"),
    [
        ("none", "mem\n", "suspend"),
        ("processors", "mem", "test suspend"),
        ("none", "disk", "hibernate"),
    ],
)
def test_the_host_is_put_to_sleep(test: str, state: str, operation: str) -> None:
    found = bench()
    assert found.client.write("power/pm_test", test) == len(test)
    assert f"[{test}]" in found.client.text("power/pm_test")
    assert found.client.write("power/state", state) == len(state)
    assert found.host.asked == [(operation, None)]


def test_ways_to_sleep_that_are_not_specified_are_not_supported() -> None:
    found = bench()
    for path, text in (
        ("power/state", "freeze"),
        ("power/pm_test", "devices"),
        ("power/mem_sleep", "s2idle"),
        ("power/disk", "reboot"),
    ):
        assert errno_of_write(found, path, text) == errno.EOPNOTSUPP
        assert errno_of_write(found, path, "nothing") == errno.EINVAL
    assert found.host.asked == []


def test_a_new_kernel_has_no_test() -> None:
    found = bench()
    found.client.write("power/pm_test", "processors")
    found.tree.booted(reset=False)
    assert found.client.text("power/pm_test").startswith("[none]")


def test_sysrq_asks_for_a_panic_and_a_reboot() -> None:
    found = bench()
    for key in ("c", "b", "s\n"):
        assert found.client.write("sysrq-trigger", key) == len(key)
    assert found.host.asked == [("panic", None), ("reboot", None)]
    assert len(found.said()) == 3


def ioctl(found: Bench, number: int, given: bytes = b"") -> tuple[IoctlReply, Answer]:
    file, handle = found.client.open("kvm", os.O_RDWR)
    answer = Answer()
    said = file.ioctl(handle, answer.call, number, given)
    assert isinstance(said, IoctlReply)
    return said, answer


def test_kvm_says_its_version_and_what_sev_can_do() -> None:
    found = bench()
    assert ioctl(found, 0xAE00)[0].result == 12
    assert ioctl(found, 0xAE03)[0].result == 0
    said, answer = ioctl(found, 0x4018AEE2, struct.pack("<IIQQ", 0, 1, 0, 0x10040))
    assert said.result == 0
    (features,) = struct.unpack_from("<Q", answer.memory.read(0x10040, 8))
    assert features >> 9 & 1
    for address, error in ((0, errno.EFAULT), (0x10040, errno.ENXIO)):
        attribute = 7 if error == errno.ENXIO else 0
        with pytest.raises(OSError) as refused:
            ioctl(found, 0x4018AEE2, struct.pack("<IIQQ", 0, 1, attribute, address))
        assert refused.value.errno == error
    with pytest.raises(OSError) as refused:
        ioctl(found, 0xAE01)
    assert refused.value.errno == errno.ENOTTY
    found.host.scalars["kvm_amd"] = False
    with pytest.raises(OSError) as refused:
        found.client.open("kvm")
    assert refused.value.errno == errno.ENODEV


# --- all of it -------------------------------------------------------------------------------


def test_every_name_has_its_place() -> None:
    assert bench().client.list("") == list(PLACES)


def test_everything_can_be_listed_looked_up_and_read() -> None:
    found = bench(4, threads=2, sockets=2)
    found.log.say("a line")
    for path, node in found.client.walk():
        if path:
            assert found.client.find(path) is node, path
        if isinstance(node, Link):
            assert not node.target.startswith("/")
        if not isinstance(node, File) or not node.mode & 0o400 or path == "kvm":
            continue
        try:
            text = found.client.read(path, 8)
        except OSError as error:
            if path == "kmsg":
                assert error.errno == errno.EINVAL  # the record is longer
            elif path.endswith("/msr"):
                assert error.errno == errno.EIO  # there is no register 0
            else:
                name = path.rpartition("/")[2]
                assert name in ("autosuspend_delay_ms", "pm_wakeup_irq"), path
        else:
            assert text or path.endswith("uevent"), path


def test_links_between_parts_lead_somewhere() -> None:
    """From where the parts are bound to."""
    found = bench(4, sockets=2)
    names = {place: name for name, place in PLACES.items()}
    for path, node in found.client.walk():
        if not isinstance(node, Link) or "bus/" in node.target:
            continue
        top, _, below = path.partition("/")
        target = os.path.normpath(f"{PLACES[top]}/{below}/../{node.target}")
        place = next(place for place in names if f"{target}/".startswith(f"{place}/"))
        found.client.find(names[place] + target.removeprefix(place))


def test_a_look_up_asks_about_one_cpu_however_many_there_are() -> None:
    """And what a CPU shares, about those that it shares with."""
    found = bench(MANY, threads=2, sockets=2)
    host = found.host
    for path, questions in (
        ("cpu/cpu300/online", 4),
        ("cpu/cpu300/topology/thread_siblings", 10),
        ("cpu/cpu300/cache/index3/shared_cpu_map", 30),
        ("cpu/cpu300/topology/core_siblings", MANY),
        ("devcpu/300/msr", 4),
        ("cpu/online", MANY),
        ("cpuinfo", MANY),
    ):
        host.questions = 0
        if path.endswith("msr"):
            found.client.find(path)
        else:
            found.client.text(path)
        assert host.questions <= questions, path
    host.questions = 0
    assert len(found.client.list("cpu")) > MANY
    assert host.questions == MANY
