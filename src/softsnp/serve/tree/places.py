"""Where CPU numbers lie in the machine, and sets of them as the kernel writes sets.

A set of CPUs is an int with a bit for each.
"""

from __future__ import annotations

from collections.abc import Iterator

from softsnp.serve.view import HostView

WORD = 32
"""Bits between commas."""


def cpu_list(cpus: int) -> str:
    """Like ``0,2-3``."""
    runs = []
    base = 0
    while cpus:
        skip = (cpus & -cpus).bit_length() - 1
        cpus >>= skip
        length = (~cpus & (cpus + 1)).bit_length() - 1
        first, last = base + skip, base + skip + length - 1
        runs.append(f"{first}" if length == 1 else f"{first}-{last}")
        cpus >>= length
        base = last + 1
    return ",".join(runs)


def cpu_mask(cpus: int, possible: int) -> str:
    """Like ``ff,00000001``: hexadecimal, as wide as ``possible`` CPUs need."""
    words = -(-possible // WORD)
    head = -(-(possible - WORD * (words - 1)) // 4)
    digits = f"{cpus:0{8 * (words - 1) + head}x}"
    parts = [digits[:head]]
    parts += [digits[at : at + 8] for at in range(head, len(digits), 8)]
    return ",".join(parts)


def each(cpus: int) -> Iterator[int]:
    """The numbers in a set, rising."""
    while cpus:
        low = cpus & -cpus
        yield low.bit_length() - 1
        cpus ^= low


class Places:
    """Cores, caches and sockets. What a CPU shares with others is asked of those others alone."""

    def __init__(self, host: HostView) -> None:
        """Second threads follow the order of first ones, and so of cores, whatever their numbers:
        ``sibling`` says which they are.
        """
        self.host = host
        self.cpus = host.topology.cpus
        self.threads = host.topology.threads
        self.sockets = host.topology.sockets
        self.all = (1 << self.cpus) - 1
        seconds = [cpu for cpu in range(self.cpus) if host.cpu(cpu, "sibling")]
        firsts = [cpu for cpu in range(self.cpus) if not host.cpu(cpu, "sibling")]
        self._core = [0] * self.cpus
        self._thread = [0] * self.cpus
        self.cores = [0] * len(firsts)
        """The threads of each core, as a set."""
        for thread, cpus in enumerate((firsts, seconds)):
            for core, cpu in enumerate(cpus):
                self._core[cpu], self._thread[cpu] = core, thread
                self.cores[core] |= 1 << cpu
        self.cores_per_socket = -(-len(firsts) // self.sockets)
        self.cores_per_l3 = host.generation.cores_per_l3
        self.l3s_per_socket = -(-self.cores_per_socket // self.cores_per_l3)
        self._sockets = [0] * self.sockets
        self._l3s: dict[tuple[int, int], int] = {}
        for cpu in range(self.cpus):
            self._sockets[self.socket(cpu)] |= 1 << cpu
            l3 = self.socket(cpu), self.l3_in_socket(cpu)
            self._l3s[l3] = self._l3s.get(l3, 0) | 1 << cpu

    def thread(self, cpu: int) -> int:
        """0 or 1."""
        return self._thread[cpu]

    def socket(self, cpu: int) -> int:
        return self._core[cpu] // self.cores_per_socket

    def core_in_socket(self, cpu: int) -> int:
        return self._core[cpu] % self.cores_per_socket

    def l3_in_socket(self, cpu: int) -> int:
        return self.core_in_socket(cpu) // self.cores_per_l3

    def apic(self, cpu: int) -> int:
        """The APIC ID: socket, core and thread, each in bits of its own."""
        shift = (self.cores_per_socket - 1).bit_length()
        in_core = (self.threads - 1).bit_length()
        core = self.socket(cpu) << shift | self.core_in_socket(cpu)
        return core << in_core | self.thread(cpu)

    def same_core(self, cpu: int) -> int:
        return self.cores[self._core[cpu]]

    def same_l3(self, cpu: int) -> int:
        return self._l3s[self.socket(cpu), self.l3_in_socket(cpu)]

    def same_socket(self, cpu: int) -> int:
        return self.of_socket(self.socket(cpu))

    def of_socket(self, socket: int) -> int:
        return self._sockets[socket]

    def online(self, cpus: int) -> int:
        """Those of a set that run."""
        return self._with("online", cpus)

    def present(self, cpus: int) -> int:
        return self._with("present", cpus)

    def _with(self, bit: str, cpus: int) -> int:
        ask = self.host.cpu
        return sum(1 << cpu for cpu in each(cpus) if ask(cpu, bit))
