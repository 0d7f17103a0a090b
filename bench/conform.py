"""How fast kernels load and run in ``softsnp conform``: ``python -m bench.conform``.

Rounds are interleaved, and medians are told. The peer is the specification alone, on the same
operations: what is left is the price of running a kernel's own code. Needs the kernels that
``python -m recordings.kernels.fetch`` fetches.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from recordings.kernels.fetch import DEFAULT
from softsnp.conform.campaign import Operations, campaign, every_operation, long
from softsnp.conform.kernel import Kernel
from softsnp.conform.pair import Pair
from softsnp.spec.catalog import DESIGNS

ROUNDS, SEQUENCES, LENGTH = 3, 60, 20
LOAD = """
import sys, time
began = time.monotonic()
from pathlib import Path
from softsnp.conform.kernel import Kernel
from softsnp.conform.pair import Pair
from softsnp.spec.catalog import DESIGNS
kernel = Kernel(Path(sys.argv[1]) / "vmlinux")
kernel.load_module(Path(sys.argv[1]) / "ccp.ko")
Pair(kernel, DESIGNS[sys.argv[2]], 4, "legacy")
print(time.monotonic() - began)
"""


def load_seconds(name: str) -> float:
    """From importing to a booted pair, in a process of its own."""
    command = [sys.executable, "-c", LOAD, str(DEFAULT / name), name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def prepared(name: str) -> tuple[Pair, list[Operations]]:
    kernel = Kernel(DEFAULT / name / "vmlinux")
    kernel.load_module(DEFAULT / name / "ccp.ko")
    pair = Pair(kernel, DESIGNS[name], 4, "x86-shutdown")
    operations = every_operation(pair.kernel)
    return pair, list(long(operations, LENGTH, SEQUENCES, seed=1))


def both(pair: Pair, sequences: list[Operations]) -> float:
    """Operations a second, kernel and specification compared."""
    began = time.monotonic()
    result = campaign(pair, iter(sequences))
    assert result.divergence is None
    return result.operations / (time.monotonic() - began)


def alone(pair: Pair, sequences: list[Operations]) -> float:
    """The specification's operations a second."""
    began = time.monotonic()
    for sequence in sequences:
        pair.specification.reset(pair.start[1].copy())
        for operation in sequence:
            pair.specification.perform(operation)
    return len(sequences) * LENGTH / (time.monotonic() - began)


def main() -> None:
    say = sys.stdout.write
    say("| kernel | load | operations a second | the specification alone | ratio |\n")
    say("|---|---|---|---|---|\n")
    for name in sorted(path.name for path in DEFAULT.iterdir() if path.is_dir()):
        pair, sequences = prepared(name)
        rounds = [
            (load_seconds(name), both(pair, sequences), alone(pair, sequences))
            for _ in range(ROUNDS)
        ]
        load, fast, spec = (median(column) for column in zip(*rounds, strict=True))
        say(f"| {name} | {load:.2f} s | {fast:,.0f} | {spec:,.0f} | {spec / fast:.1f} |\n")


if __name__ == "__main__":
    main()
