"""Counterexamples replayed one after the other, each on a host that has just booted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from softsnp.lang import Property
from softsnp.lang.trace import Trace
from softsnp.spec.activities import Host

from .counterexample import Outcome, Replayer
from .guided import power_on
from .host import KernelHost, Moment
from .kernel import Kernel
from .specified import watched

Key = tuple[int, str, tuple[tuple[str, bool], ...]]


class Replays:
    """Keeps hosts, since loading a kernel takes longer than most replays."""

    def __init__(self, load: Callable[[], Kernel], design: type[Host]) -> None:
        self.load = load
        self.design = watched(design)
        self.hosts: dict[Key, tuple[KernelHost, Moment]] = {}
        self.assumed: dict[str, str] = {}
        """The stubs that were called, and what each assumes."""

    def host(self, cpus: int, firmware: str, assume: Mapping[str, bool]) -> KernelHost:
        key = (cpus, firmware, tuple(sorted(assume.items())))
        if key not in self.hosts:
            spec = self.design(None, assume, firmware=firmware)
            host = KernelHost(self.load(), cpus, spec, power_on(spec, cpus))
            host.boot()
            self.hosts[key] = (host, host.save())
        host, moment = self.hosts[key]
        host.restore(moment)
        return host

    def replay(
        self, trace: Trace, prop: Property, firmware: str, assume: Mapping[str, bool]
    ) -> Outcome:
        host = self.host(trace.members, firmware, assume)
        outcome = Replayer(host, trace).run(prop)
        self.assumed |= host.machine.assumed()
        return outcome
