"""What is done on which machine: every value in every state that a writer can find a CPU in."""

from __future__ import annotations

from dataclasses import dataclass

ONLINE = "as cpu0/hotplug/state"
"""Stands for a number that differs from kernel to kernel: the state of a CPU that is online."""


@dataclass(frozen=True)
class Read:
    path: str


@dataclass(frozen=True)
class Write:
    path: str
    value: str
    creating: bool = False
    """As a shell's redirection opens a file: with O_CREAT."""


@dataclass(frozen=True)
class Hold:
    """So often is CPU hotplug disabled from here on."""

    count: int


Planned = Read | Write | Hold


@dataclass(frozen=True)
class Plan:
    """One boot."""

    name: str
    why: str
    smp: str
    operations: tuple[Planned, ...]
    parameters: str = ""
    """More of the kernel's command line."""


FILES = ("online", "offline", "present", "possible", "kernel_max", "isolated")
SMT_FILES = ("smt/active", "smt/control")
NEITHER_0_NOR_1 = (
    *("", "\n", " 1", "2", "-1", "x"),
    *("01", "10", "0x1", "1 ", "1\n", "0\n", "yes", "no", "on", "off", "y", "N", "true", "o"),
)
NO_TARGETS = ("", "x", "-1", "1", "100000", "0x0")


def reads(*paths: str) -> tuple[Read, ...]:
    return tuple(Read(path) for path in paths)


def online(cpu: int, *values: int | str) -> tuple[Write, ...]:
    return tuple(Write(f"cpu{cpu}/online", str(value)) for value in values)


def target(cpu: int, *values: int | str) -> tuple[Write, ...]:
    return tuple(Write(f"cpu{cpu}/hotplug/target", str(value)) for value in values)


def smt(*values: str) -> tuple[Write, ...]:
    return tuple(Write("smt/control", value) for value in values)


def odd_values() -> tuple[Planned, ...]:
    """Each on a CPU that is online and on one that is not; what it changed is changed back."""
    tried: list[Planned] = [*online(2, 0)]
    for value in NEITHER_0_NOR_1:
        tried += [*online(1, value, 1), *online(2, value, 0)]
    tried += [*online(2, 1)]
    return tuple(tried)


def held() -> tuple[Planned, ...]:
    """Both values on CPUs 1 and 3, which are online, and on CPU 2, which is not; then alone."""
    both = (*online(1, 0, 1), *online(2, 0, 1), *online(3, 1, 0), *online(1, "x", "0x1"))
    tried: list[Planned] = [*online(2, 0), Hold(1), *both, *target(1, 0), *target(2, ONLINE)]
    tried += [Hold(3), *both, Hold(0), *online(2, 1)]
    tried += [*online(1, 0), *online(2, 0), *online(3, 0), Hold(1)]
    tried += [*online(1, 1, 0), *online(3, 1), Hold(0), *online(3, 1), *online(1, 1), *online(2, 1)]
    return tuple(tried)


def absent(*cpus: int) -> tuple[Planned, ...]:
    """Files that are not there."""
    tried: list[Planned] = []
    for cpu in cpus:
        tried += [Read(f"cpu{cpu}/online"), *online(cpu, 0, 1)]
        tried += [Write(f"cpu{cpu}/online", "0", creating=True)]
    return tuple(tried)


def targets() -> tuple[Planned, ...]:
    """hotplug/target, which asks the device nothing; at last on the boot CPU."""
    tried: list[Planned] = [*reads("cpu1/hotplug/state", "cpu1/hotplug/target")]
    tried += [*target(1, *NO_TARGETS), *target(1, ONLINE), *target(1, 0), *target(1, 0)]
    tried += [*reads("cpu1/hotplug/state", "cpu1/online"), *online(1, 1, 0, 1)]
    tried += [*online(1, 0), *target(1, ONLINE), Read("cpu1/online"), *online(1, 0, 1)]
    tried += [*target(0, 0), *absent(0), *online(3, 0), *online(2, 0), *online(1, 0)]
    tried += [*target(1, 0), *online(2, 1), *online(1, 0, 1), *target(0, ONLINE), *online(3, 1)]
    return tuple(tried)


PLAIN = Plan(
    "plain",
    "four cores without SMT",
    "4",
    (
        *reads(*FILES, *SMT_FILES, "cpu1/online"),
        *absent(0, 4, 9),
        *online(1, 1, 0, 0, 1, 1),
        *online(1, 0),
        *online(3, 0),
        *online(2, 0, 0),
        *reads("online", "offline", "cpu1/online"),
        *online(3, 1),
        *online(1, 1),
        *online(2, 1),
        *held(),
        *odd_values(),
        *smt("on", "off", "forceoff", "1", "x"),
        Write("smt/active", "0"),
        *targets(),
    ),
)

SMT = Plan(
    "smt",
    "two cores with two threads each: CPUs 1 and 3 are the second threads",
    "4,sockets=1,cores=2,threads=2",
    (
        *reads("cpu0/topology/thread_siblings_list", "cpu2/topology/thread_siblings_list"),
        *reads(*SMT_FILES),
        *smt("", "x", "0", "3", "2", "on", "1", "off", "off"),
        *reads(*SMT_FILES, "cpu1/online", "cpu2/online"),
        *online(1, 1, 0),
        *online(2, 0, 1),
        *smt("on"),
        Read("smt/active"),
        # CPU 3 was taken offline by hand, and comes back although hotplug is disabled.
        *online(3, 0),
        Hold(1),
        *smt("on", "off", "off"),
        *reads(*SMT_FILES),
        *smt("on"),
        Hold(0),
        *smt("off"),
        Hold(1),
        *online(1, 1, 0),
        *smt("on", "off", "forceoff"),
        Hold(0),
        *smt("on", "forceoff"),
        *reads(*SMT_FILES),
        *smt("on", "off"),
        *online(1, 1),
    ),
)

LATE = Plan(
    "late",
    "four cores, of which CPUs 2 and 3 were never brought up",
    "4",
    (
        *reads(*FILES, "cpu2/online", "cpu2/hotplug/state", "cpu2/hotplug/target"),
        *online(2, 0),
        Hold(1),
        *online(2, 0, 1),
        *online(1, 0, 1),
        Hold(0),
        *online(2, 1, 1),
        *online(1, 0),
        *online(3, 1),
        *online(1, 1),
    ),
    parameters="maxcpus=2",
)

ALONE = Plan(
    "alone",
    "the boot CPU and no other",
    "1",
    (*reads(*FILES, *SMT_FILES), *absent(0, 1), Hold(1), *online(1, 0, 1)),
)

PLANS = (PLAIN, SMT, LATE, ALONE)
NOT_RECORDED = (
    "what cpu_hotplug_disable() itself does: the count is written into the kernel's memory",
    "a CPU that is possible and not present, and one that is hot-added or ejected",
    "two writers at a time, and a writer that is sent a signal while it waits",
    "suspend, hibernation, kexec",
    "a kernel booted with nosmt, nohz_full= or isolcpus=",
    "anything SNP: the emulated CPU has none, and these kernels do not disable hotplug for it",
)
