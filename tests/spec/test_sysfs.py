"""The specification beside recordings of real kernels: what a write to cpuN/online comes to.

The specification knows no numbers, so each write is looked at from the CPU that is written to: a
host of the boot CPU and that one alone. What it does not speak of is in NOT_SPECIFIED, and a
recording with something that is in neither place fails here.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from recordings.sysfs.recording import HERE, Operation, Recording, cpus, load
from softsnp.abi.errno import error_name
from softsnp.spec.linux.kernel.cpu import MANY_HOLDS

from .test_behaviour import AWAY, BOOT, SECOND, Bench, online

RECORDINGS = [load(path) for path in sorted(HERE.glob("*.json"))]
DONE = {
    f"{recording.name} {machine.name} {number}": operation
    for recording in RECORDINGS
    for machine in recording.machines
    for number, operation in enumerate(machine.operations)
}

NOT_SPECIFIED = {
    "a read": "what the files of sysfs say",
    "another file": "hotplug/target, smt/control: who else takes CPUs offline and online",
    "no cpuN of that name": "cpu0/online is not there; with O_CREAT that is EACCES, not ENOENT",
    "a value": "it goes by the first character, and o by the second; nothing else is looked at",
    "no boot CPU": "cpu0/hotplug/target takes even that one offline; then another is the last",
    "a device that is wrong": "after hotplug/target, cpuN/online may say what is not so",
    "a second thread, SMT off": "-EPERM, but only while hotplug is not disabled",
}


def not_specified(done: Operation) -> str | None:
    """Why the specification does not speak of an operation, if it does not."""
    if done.verb == "read":
        return "a read"
    named = re.fullmatch(r"cpu(\d+)/online", done.path)
    if not named:
        return "another file"
    cpu = int(named[1])
    if cpu == 0 or done.verb == "create":
        return "no cpuN of that name"
    if done.value.removesuffix("\n") not in ("0", "1"):
        return "a value"
    up = cpus(done.before.online)
    if 0 not in up:
        return "no boot CPU"
    if cpu in cpus(done.before.present) and done.before.devices[cpu] != str(int(cpu in up)):
        return "a device that is wrong"
    if done.result == "-EPERM" and done.before.smt in ("off", "forceoff"):
        return "a second thread, SMT off"
    return None


COMPARED = {case: done for case, done in DONE.items() if not_specified(done) is None}


@pytest.mark.parametrize("case", COMPARED)
def test_a_write_does_what_it_did(case: str) -> None:
    done = COMPARED[case]
    cpu = int(done.path.removeprefix("cpu").removesuffix("/online"))
    host: list[tuple[str, ...]] = [BOOT]
    if cpu in cpus(done.before.present):
        host.append(SECOND if cpu in cpus(done.before.online) else AWAY)
    bench = Bench(*host, cpu_hotplug_disabled=min(done.before.hold, MANY_HOLDS))
    write = bench.host.device_online if done.value.startswith("1") else bench.host.device_offline
    assert error_name(bench.call(write)) == done.result
    after = cpus(done.after.online)
    assert online(bench) == [number in after for number in (0, cpu)[: len(host)]]
    assert after - {cpu} == cpus(done.before.online) - {cpu}


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_every_way_a_write_can_go_is_compared(recording: Recording) -> None:
    """A recording that lacks one proves less than the documentation says."""
    ways = {
        (done.value, done.before.hold > 0, done.result, done.before.online != done.after.online)
        for case, done in COMPARED.items()
        if case.startswith(f"{recording.name} ")
    }
    for value in "01":
        assert {
            (value, False, "0", True),
            (value, False, "0", False),
            (value, True, "0", False),
            (value, True, "-EBUSY", False),
            (value, False, "-ENOENT", False),
            (value, True, "-ENOENT", False),
        } <= ways


def test_the_kernels_agree() -> None:
    """In all but the number of the state of a CPU that is online, which is written and read."""
    answers = {
        tuple(
            (done.verb, done.path, done.result, done.slow, done.before, done.after)
            for machine in recording.machines
            for done in machine.operations
        )
        for recording in RECORDINGS
    }
    assert len(RECORDINGS) > 1
    assert len(answers) == 1


# --- recorded, not specified yet -------------------------------------------------------------


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_what_is_not_specified_yet_is_recorded(recording: Recording) -> None:
    reasons = Counter(
        not_specified(done) for machine in recording.machines for done in machine.operations
    )
    assert reasons.keys() - {None} == NOT_SPECIFIED.keys()


def test_online_tries_again_on_ebusy_and_offline_does_not() -> None:
    """More than 600 ms of the guest's time. The specification has no time and no retries."""
    for case, done in DONE.items():
        tries_again = re.fullmatch(r"cpu\d+/online", done.path) and done.value == "1"
        assert done.slow == bool(tries_again and done.result == "-EBUSY"), case


def test_only_smt_control_brings_a_cpu_online_while_hotplug_is_disabled() -> None:
    """The refusal of "off" makes it forget that SMT is on; then "on" goes round the count."""
    held = [done for done in DONE.values() if done.before.hold > 0]
    changing = [done for done in held if done.before.online != done.after.online]
    assert changing
    for done in changing:
        assert (done.path, done.value, done.result) == ("smt/control", "on", "0")
        assert cpus(done.before.online) < cpus(done.after.online)
        assert done.before.smt in ("1", "off")


def test_a_value_counts_by_its_first_characters() -> None:
    means: dict[str, set[str]] = {}
    for done in DONE.values():
        if done.path in ("cpu1/online", "cpu2/online") and not_specified(done) == "a value":
            if done.before.hold == 0 and done.result == "0":
                changed = done.before.online != done.after.online
                means.setdefault(done.value, set()).add(done.after.devices[1:] if changed else "")
    to_0 = {value for value, after in means.items() if "001" in after}
    to_1 = {value for value, after in means.items() if "111" in after}
    assert to_0 == {"01", "0x1", "no", "N", "off"}
    assert to_1 == {"10", "1 ", "yes", "y", "on", "true"}
    assert means.keys() - to_0 - to_1 == {""}
