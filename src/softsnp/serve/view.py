"""What files need to know of the host behind them, and what they may ask of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .generations import Generation
from .vfs import Call, Later


@dataclass(frozen=True)
class Topology:
    """How CPU numbers lie in the machine: first threads have the lower half of the numbers."""

    cpus: int
    """How many are possible."""
    threads: int
    """Of each core: 1 or 2."""
    sockets: int


class HostView(Protocol):
    """The host, as its files see it. CPU numbers go from 0 to ``topology.cpus - 1``."""

    generation: Generation
    topology: Topology

    def cpu(self, number: int, bit: str) -> bool:
        """A bit of ``spec.hw.cpu.Cpus.cpus``: present, online, snp_en, vmpl_en, mfdm, hsave, …"""

    def set_cpu(self, number: int, **bits: bool) -> None:
        """A register of a CPU is written from outside, by wrmsr."""

    def scalar(self, name: str) -> object:
        """A field of the specification: ``kvm_amd``, ``ccp_loaded``, ``cpu_smt_control``, …"""

    def ask(self, call: Call, operation: str, taken: int, cpu: int | None = None) -> Later:
        """Begin an operation of the specification for a client, who hears ``taken`` when it
        succeeds, and its errno otherwise. Operations are those of serve/operations.py:
        ``offline``, ``online`` (of a CPU), ``smt on``, ``suspend``, ``panic`` …
        """

    def parameters(self, module: str) -> dict[str, str]:
        """A loaded module's parameters, as /sys/module/NAME/parameters shows them."""

    def loaded(self) -> Sequence[tuple[str, int, tuple[str, ...]]]:
        """The modules that are loaded: name, use count, and who uses it."""

    def unknown_msr(self, cpu: int, register: int) -> None:
        """A client asked for an MSR that the machine does not have."""
