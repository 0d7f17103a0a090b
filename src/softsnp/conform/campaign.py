"""Many sequences of operations: all short ones, and seeded random long ones."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from .host import KernelHost
from .operations import ADD, HALFWAY, IOMMU, KINDS, NO_ANSWER, Operation, failures
from .pair import Pair
from .steps import Divergence

Operations = tuple[Operation, ...]


@dataclass(frozen=True)
class Result:
    sequences: int
    operations: int
    divergence: Divergence | None


def every_operation(host: KernelHost, without: Collection[str] = ()) -> list[Operation]:
    """All kinds, about the last CPU or from the first and the last one, with all that can fail."""
    found = []
    last = host.machine.cpus - 1
    for name in host.kinds():
        kind = KINDS[name]
        if name in without:
            continue
        where = [0, last] if kind.function and kind.anywhere else [0]
        if kind.about_a_cpu:
            where = [last] if name == ADD else list(range(1, last + 1))
        for cpu in where:
            found += [Operation(name, cpu, f) for f in ("", *failures(kind, host.spec))]
    return found


def failing(kind: str, what: str) -> Operation:
    return Operation(kind, 0, what)


GUEST = ("platform init", "load kvm", "start guest")
SCENES: tuple[tuple[str | Operation, ...], ...] = (
    # --- shutdowns and CPUs that come late
    (*GUEST, "platform shutdown", "stop guest", "platform shutdown"),
    (*GUEST, "reload ccp", "platform init"),
    (*GUEST, "kexec", "platform init", "kexec"),
    ("load kvm", ADD, "online", "platform init", "offline", "online"),
    ("platform init", ADD, "online", "platform shutdown", "platform init"),
    ("offline", "platform init", "online", "platform init", "kexec", "platform init"),
    # --- sleep
    (*GUEST, "test suspend", "suspend", "stop guest", "platform shutdown", "platform init"),
    (*GUEST, "hibernate", "stop guest", "snp-status", "platform shutdown", "platform init"),
    ("offline", "disable", "suspend", "hibernate", "online", "enable", "online"),
    # --- legacy SEV, and what the driver takes the firmware for
    ("platform init", "suspend", "prepare", "snp-status", "platform shutdown"),
    ("platform init", "factory-reset", "snp-status", "pek-gen", "snp-status", "commit"),
    (failing("platform init", "SNP_DF_FLUSH"), "snp-status", "reload ccp", "snp-status"),
    ("platform init", failing("kexec", "SHUTDOWN"), "pek-gen", "factory-reset", "pek-gen"),
    ("platform init", failing("reload ccp", "SNP_SHUTDOWN_EX"), "commit", "kexec", "platform init"),
    (failing("pek-gen", "INIT_EX"), "platform init", "platform shutdown", "pek-gen"),
    (failing("reload ccp", "PLATFORM_STATUS"), "start guest", "platform init", "pek-gen", "kexec"),
    (failing("snp-status", NO_ANSWER), "snp-status", "pek-gen", "factory-reset", "reload ccp"),
    ("platform init", failing("snp-status", NO_ANSWER), "snp-status", "platform shutdown"),
    # --- the end
    ("platform init", "panic", "platform init", "panic in a command"),
    ("platform init", failing("platform shutdown", HALFWAY), "panic", "panic"),
    ("platform init", failing("platform shutdown", IOMMU), "platform shutdown", "platform init"),
    ("disable offlining", "offline", "online", "suspend", "kexec", "offline", "online"),
    # --- second threads: with four CPUs, 0 and 1 are first ones, 2 and 3 second ones
    ("smt off", "smt on", "smt off", Operation("online", 3), "smt forceoff", "smt on", "kexec"),
    (Operation("offline", 1), "smt off", "smt on", Operation("online", 1), "smt on", "smt off"),
    ("disable", "smt off", "smt off", "smt on", "enable", Operation("offline", 3), "smt on"),
    ("disable", "smt off", "enable", Operation("offline", 3), Operation("online", 3), "smt off"),
    ("smt off", "hibernate", "disable", "hibernate", "enable", "suspend", "smt on"),
    ("smt forceoff", "platform init", "smt on", "hibernate", "kexec", "platform init"),
    ("disable offlining", "smt off", "smt on", "smt forceoff", "suspend"),
)
"""What chance seldom finds. An operation without a number is about the last CPU."""


def scenes(pair: Pair) -> list[Operations]:
    """As far as there are these operations, and what fails in them can."""
    host = pair.kernel
    kinds, last = host.kinds(), host.machine.cpus - 1
    made = []
    for scene in SCENES:
        operations = tuple(
            Operation(o, last if KINDS[o].about_a_cpu else 0) if isinstance(o, str) else o
            for o in scene
        )
        if all(
            o.kind in kinds
            and o.cpu <= last
            and (not o.failing or o.failing in failures(KINDS[o.kind], host.spec))
            for o in operations
        ):
            made.append(operations)
    return made


def short(operations: Sequence[Operation], length: int) -> Iterator[Operations]:
    """Every sequence of exactly so many operations."""
    return itertools.product(operations, repeat=length)


def long(
    operations: Sequence[Operation], length: int, count: int, seed: int
) -> Iterator[Operations]:
    """Random sequences. Each kind is as likely as any other, and something fails in every fifth."""
    dice = random.Random(seed)
    by_kind: dict[str, list[Operation]] = {}
    failing: dict[str, list[Operation]] = {}
    for operation in operations:
        (failing if operation.failing else by_kind).setdefault(operation.kind, []).append(operation)
    kinds = sorted(by_kind)
    for _ in range(count):
        chosen = []
        for _ in range(length):
            kind = dice.choice(kinds)
            pool = failing if kind in failing and dice.random() < 0.2 else by_kind
            chosen.append(dice.choice(pool[kind]))
        yield tuple(chosen)


def campaign(
    pair: Pair, sequences: Iterator[Operations], watch: Callable[[int], None] | None = None
) -> Result:
    """Until the first difference, which is shrunk."""
    done = operations = 0
    for sequence in sequences:
        divergence = pair.run(sequence)
        done += 1
        operations += len(sequence) if divergence is None else len(divergence.operations)
        if divergence is not None:
            return Result(done, operations, shrink(pair, divergence))
        if watch is not None:
            watch(operations)
    return Result(done, operations, None)


def shrink(pair: Pair, divergence: Divergence) -> Divergence:
    """Leave out operations, the larger parts first, as long as the sides differ in the last one."""
    size = max(len(divergence.operations) // 2, 1)
    while True:
        operations = divergence.operations
        for start in range(0, len(operations) - 1, size):
            fewer = operations[:start] + operations[start + size :]
            found = pair.run(fewer) if fewer else None
            if found is not None:
                divergence = found
                break
        else:
            if size == 1:
                return divergence
            size //= 2
