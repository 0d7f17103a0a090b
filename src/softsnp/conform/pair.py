"""A kernel and the specification side by side: the same operations, compared after each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from softsnp.spec.activities import Host

from .events import Warn
from .guided import power_on
from .host import KernelHost
from .kernel import Kernel
from .operations import Operation
from .recording import About, Recording
from .specified import SpecifiedHost, watched
from .steps import Divergence, Step, shown, specified_step


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
        self.start = (self.kernel.save(), self.specification.world.copy())

    def rewind(self) -> None:
        moment, world = self.start
        self.kernel.restore(moment)
        self.specification.reset(world.copy())

    def kernel_step(self, operation: Operation) -> Step:
        returned = self.kernel.perform(operation)
        events = [*self.kernel.hardware.events]
        events += [Warn()] * len(self.kernel.machine.warnings)
        return Step(returned, shown(events), self.kernel.state())

    def perform(self, operation: Operation) -> tuple[Step, Step]:
        """(the kernel's step, the specification's)."""
        kernel = self.kernel_step(operation)
        return kernel, specified_step(self.specification, operation, kernel)

    def run(self, operations: Sequence[Operation]) -> Divergence | None:
        """From the start; the first difference."""
        self.rewind()
        for number, operation in enumerate(operations, 1):
            kernel, specification = self.perform(operation)
            if kernel != specification:
                return Divergence(tuple(operations[:number]), kernel, specification)
        return None


def record(pair: Pair, about: About, sequences: Iterable[Sequence[Operation]]) -> Recording:
    """Run these on the kernel alone."""
    pair.rewind()
    start = pair.kernel.state()
    kept = []
    for sequence in sequences:
        pair.rewind()
        kept.append([(operation, pair.kernel_step(operation)) for operation in sequence])
    return Recording(about, start, kept)
