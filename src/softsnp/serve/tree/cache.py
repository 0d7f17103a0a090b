"""cpuN/cache: the caches that a CPU reaches, as CPUID 8000_001D tells them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from softsnp.serve.generations import Generation
from softsnp.serve.vfs import Fixed, Node

from .attributes import Attribute, attributes, uevent
from .places import Places, cpu_list, cpu_mask

LINE = 64
"""Bytes of a cache line."""
TURIN_FAMILY = 0x1A


@dataclass(frozen=True)
class Cache:
    """``size`` is in KiB."""

    level: int
    kind: str
    size: int
    ways: int

    @property
    def sets(self) -> int:
        return self.size * 1024 // LINE // self.ways


def caches(generation: Generation) -> tuple[Cache, ...]:
    """In the order of their indexes."""
    turin = generation.family == TURIN_FAMILY
    return (
        Cache(1, "Data", 48, 12) if turin else Cache(1, "Data", 32, 8),
        Cache(1, "Instruction", 32, 8),
        Cache(2, "Unified", generation.l2, 16 if turin else 8),
        Cache(3, "Unified", generation.l3, 16),
    )


def cache_directory(places: Places, cpu: int) -> Fixed:
    nodes: dict[str, Node] = {
        f"index{index}": _index(places, cpu, cache)
        for index, cache in enumerate(caches(places.host.generation))
    }
    return Fixed({**nodes, "uevent": uevent()})


def _index(places: Places, cpu: int, cache: Cache) -> Fixed:
    shared: Callable[[int], int] = places.same_l3 if cache.level == 3 else places.same_core
    if cache.level == 3:
        number = places.socket(cpu) * places.l3s_per_socket + places.l3_in_socket(cpu)
    else:
        number = places.apic(cpu) >> (places.threads - 1).bit_length()
    plain = attributes(
        {
            "level": str(cache.level),
            "type": cache.kind,
            "size": f"{cache.size}K",
            "ways_of_associativity": str(cache.ways),
            "number_of_sets": str(cache.sets),
            "coherency_line_size": str(LINE),
            "physical_line_partition": "1",
            "id": str(number),
        }
    )
    return Fixed(
        {
            **plain,
            "shared_cpu_map": Attribute(lambda: cpu_mask(places.online(shared(cpu)), places.cpus)),
            "shared_cpu_list": Attribute(lambda: cpu_list(places.online(shared(cpu)))),
            "uevent": uevent(),
        }
    )
