"""A kernel and the specification side by side: the same operations, compared after each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from softsnp.lang.world import World
from softsnp.spec.activities import Host

from .events import Warn, Wbinvd
from .guided import power_on
from .host import KernelHost, Moment
from .kernel import Kernel
from .operations import KINDS, Operation
from .recording import About, Recording
from .specified import SpecifiedHost, watched
from .steps import Divergence, Step, shown, specified_step

Both = tuple[Moment, World]
SHORT = 4
"""Longer sequences seldom begin alike."""


class Pair:
    """Both sides at the same point."""

    def __init__(
        self,
        kernel: Kernel,
        design: type[Host],
        cpus: int,
        firmware: str,
        assume: Mapping[str, bool] | None = None,
    ) -> None:
        watching = watched(design)
        made = [watching(None, assume, firmware=firmware) for _ in range(2)]
        worlds = [power_on(spec, cpus) for spec in made]
        self.kernel = KernelHost(kernel, cpus, made[0], worlds[0])
        self.specification = SpecifiedHost(made[1], worlds[1])
        self.kernel.boot()
        self.specification.boot()
        self.start = self.now()
        self.begun: tuple[Operation, ...] = ()
        """All but the last operation of the last short sequence: the next one may begin so too."""
        self.after = self.start

    def now(self) -> Both:
        return self.kernel.save(), self.specification.world.copy()

    def rewind(self, to: Both | None = None) -> None:
        moment, world = to or self.start
        self.kernel.restore(moment)
        self.specification.reset(world.copy())

    def kernel_step(self, operation: Operation) -> Step:
        returned = self.kernel.perform(operation)
        events = [*self.kernel.hardware.events]
        if KINDS[operation.kind].panics:  # the other CPUs write theirs back when they are stopped
            events = [e for e in events if not isinstance(e, Wbinvd)]
        events += [Warn()] * len(self.kernel.machine.warnings)
        return Step(returned, shown(events), self.kernel.state())

    def perform(self, operation: Operation) -> tuple[Step, Step]:
        """(the kernel's step, the specification's)."""
        kernel = self.kernel_step(operation)
        return kernel, specified_step(self.specification, operation, kernel)

    def run(self, operations: Sequence[Operation]) -> Divergence | None:
        """From the start; the first difference. What follows a panic is another run."""
        begun = tuple(operations[:-1])
        done = 0
        if begun and begun == self.begun:
            self.rewind(self.after)
            done = len(begun)
        else:
            self.rewind()
        for number, operation in enumerate(operations[done:], done + 1):
            if 1 < number == len(operations) <= SHORT and done == 0:
                self.begun, self.after = begun, self.now()
            kernel, specification = self.perform(operation)
            if kernel != specification:
                return Divergence(tuple(operations[:number]), kernel, specification)
            if KINDS[operation.kind].panics:
                self.rewind()
        return None


def record(pair: Pair, about: About, sequences: Iterable[Sequence[Operation]]) -> Recording:
    """Run these on the kernel alone."""
    pair.rewind()
    start = pair.kernel.state()
    kept = []
    for sequence in sequences:
        pair.rewind()
        steps = []
        for operation in sequence:
            steps.append((operation, pair.kernel_step(operation)))
            if KINDS[operation.kind].panics:
                pair.rewind()
        kept.append(steps)
    return Recording(about, start, kept)
