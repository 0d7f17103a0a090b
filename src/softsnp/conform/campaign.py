"""Many sequences of operations: all short ones, and seeded random long ones."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .operations import ADD, KINDS, Operation
from .pair import Pair
from .steps import Divergence

Operations = tuple[Operation, ...]


@dataclass(frozen=True)
class Result:
    sequences: int
    operations: int
    divergence: Divergence | None


def every_operation(cpus: int, kinds: Sequence[str]) -> list[Operation]:
    """All kinds, about the last CPU or from the first and the last one, with all that can fail."""
    found = []
    for name in kinds:
        kind = KINDS[name]
        where = [0, cpus - 1] if kind.function else [0]
        if kind.about_a_cpu:
            where = [cpus - 1] if name == ADD else list(range(1, cpus))
        for cpu in where:
            found += [Operation(name, cpu, failing) for failing in ("", *kind.failures)]
    return found


def scenes(pair: Pair) -> list[Operations]:
    """What chance seldom finds: a shutdown under a guest, a CPU that is added under KVM."""
    last = pair.kernel.machine.cpus - 1
    guest = ("platform init", "load kvm", "start guest")
    told = (
        (*guest, "platform shutdown", "stop guest", "platform shutdown"),
        (*guest, "reload ccp", "platform init"),
        (*guest, "kexec", "platform init", "kexec"),
        ("load kvm", ADD, "online", "platform init", "offline", "online"),
        ("platform init", ADD, "online", "platform shutdown", "platform init"),
        ("offline", "platform init", "online", "platform init", "kexec", "platform init"),
    )
    kinds = pair.kernel.kinds()
    return [
        tuple(Operation(k, last if KINDS[k].about_a_cpu else 0) for k in scene)
        for scene in told
        if all(k in kinds for k in scene)
    ]


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
