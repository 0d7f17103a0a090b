"""The tree beside recordings of real kernels: what a file says, and what a write comes to."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from recordings.sysfs.recording import HERE, Operation, Recording, State, cpus, load

from .fake import Bench, bench

RECORDINGS = [load(path) for path in sorted(HERE.glob("*.json"))]
SMT_NUMBERS = (0, 2, 1, 3)
"""The recorded machine counts the threads of a core one after the other."""
CASES = {
    f"{recording.name} {machine.name} {number}": (machine.name, operation)
    for recording in RECORDINGS
    for machine in recording.machines
    for number, operation in enumerate(machine.operations)
}
THREADS = {"smt": 2}
ONLINE_STATES = ("235", "236")
"""Of a CPU that is online; it is another number in each release, and 236 here."""
REFUSED_HERE = "hotplug/target"


def number_of(machine: str, cpu: int) -> int:
    return SMT_NUMBERS[cpu] if machine == "smt" and cpu < len(SMT_NUMBERS) else cpu


def path_of(machine: str, done: Operation) -> str:
    head, slash, rest = done.path.partition("/")
    if head.removeprefix("cpu").isdigit() and slash:
        head = f"cpu{number_of(machine, int(head.removeprefix('cpu')))}"
    return f"cpu/{head}{slash}{rest}"


def host_of(machine: str, before: State) -> Bench:
    """As the kernel was before the operation."""
    found = bench(len(cpus(before.possible)), THREADS.get(machine, 1))
    for cpu in cpus(before.possible):
        found.host.set_cpu(
            number_of(machine, cpu),
            present=cpu in cpus(before.present),
            online=cpu in cpus(before.online),
        )
    control = {"off": "DISABLED", "forceoff": "FORCE_DISABLED"}.get(before.smt, "ENABLED")
    found.host.scalars["cpu_smt_control"] = control
    found.host.scalars["cpu_smt_num_threads"] = 1 if before.smt in ("1", "off", "forceoff") else 2
    return found


def differs(before: State) -> bool:
    """Whether hotplug/target has left a device other than its CPU is, or taken CPU 0 offline."""
    online = cpus(before.online)
    return 0 not in online or any(
        said != "-" and said != str(int(cpu in online)) for cpu, said in enumerate(before.devices)
    )


def outcome(found: Bench, path: str, done: Operation) -> tuple[str, str]:
    """The result, and what was read."""
    try:
        if done.verb == "read":
            return "0", found.client.text(path)
        found.client.write(path, done.value)
    except OSError as error:
        assert error.errno is not None
        return f"-{errno.errorcode[error.errno]}", ""
    return "0", ""


COMPARED = {
    case: (machine, done)
    for case, (machine, done) in CASES.items()
    if not differs(done.before) and done.verb != "create" and REFUSED_HERE not in done.path
}


@pytest.mark.parametrize("case", [c for c, (_, done) in COMPARED.items() if done.verb == "read"])
def test_a_file_says_what_it_said(case: str) -> None:
    machine, done = COMPARED[case]
    result, text = outcome(host_of(machine, done.before), path_of(machine, done), done)
    assert result == done.result
    if done.path.endswith("hotplug/state") and done.value != "0\n":
        assert done.value.strip() in ONLINE_STATES
    elif done.path.endswith("thread_siblings_list"):
        said = {number_of(machine, cpu) for cpu in cpus(done.value.strip())}
        assert cpus(text.strip()) == said
    elif machine != "smt" or not done.path.endswith("online"):
        assert text == done.value


@pytest.mark.parametrize("case", [c for c, (_, done) in COMPARED.items() if done.verb == "write"])
def test_a_write_comes_to_what_it_came_to(case: str) -> None:
    """What the host is asked, it answers as recorded; what it is not asked, the tree answers."""
    machine, done = COMPARED[case]
    found = host_of(machine, done.before)
    if done.result != "0":
        found.host.refusal = getattr(errno, done.result.removeprefix("-"))
    result, _ = outcome(found, path_of(machine, done), done)
    assert result == done.result
    if done.before != done.after:
        assert len(found.host.asked) == 1
    if done.path.endswith("/online") and done.before.online != done.after.online:
        came = cpus(done.after.online) > cpus(done.before.online)
        cpu = number_of(machine, int(done.path.removeprefix("cpu").removesuffix("/online")))
        assert found.host.asked == [("online" if came else "offline", cpu)]
    if done.result in ("-EINVAL", "-ENOENT", "-ENODEV", "-EACCES") or done.value == "":
        assert found.host.asked == []


TARGETS = {
    case: (machine, done)
    for case, (machine, done) in CASES.items()
    if REFUSED_HERE in done.path and done.verb == "write" and not differs(done.before)
}


@pytest.mark.parametrize("case", TARGETS)
def test_a_target_that_changes_nothing_is_what_it_was(case: str) -> None:
    """And one that changes something is refused, since the specification does not have it."""
    machine, done = TARGETS[case]
    found = host_of(machine, done.before)
    if done.value in ONLINE_STATES:
        done = replace(done, value="236")
    result, _ = outcome(found, path_of(machine, done), done)
    if done.before == done.after and done.result != "-EBUSY":
        assert result == done.result
    else:
        assert result == "-ENOTSUP"  # the same number as EOPNOTSUPP


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_most_is_compared(recording: Recording) -> None:
    """What is left out is what hotplug/target has done."""
    mine = [case for case in CASES if case.startswith(f"{recording.name} ")]
    compared = [case for case in mine if case in COMPARED or case in TARGETS]
    assert len(compared) > 0.8 * len(mine)


def test_a_read_only_file_is_not_opened_for_writing() -> None:
    found = bench()
    with pytest.raises(OSError) as refused:
        found.client.open("cpu/online", os.O_RDWR)
    assert refused.value.errno == errno.EACCES
