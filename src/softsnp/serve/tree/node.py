"""/sys/devices/system/node: one NUMA node a socket."""

from __future__ import annotations

from softsnp.serve.vfs import Directory, Link, Node
from softsnp.serve.view import HostView

from .attributes import Numbered, Show, attributes, runtime_power, uevent
from .places import Places, cpu_list, cpu_mask

MEMORY = 64 << 20
"""KiB of each node."""
FREE = 60 << 20
NEAR, FAR = 10, 32
"""Distances, as the firmware's SLIT gives them."""
COUNTERS = (
    "numa_hit",
    "numa_miss",
    "numa_foreign",
    "interleave_hit",
    "local_node",
    "other_node",
)


def numa_node(host: HostView, places: Places, node: int) -> Directory:
    """A socket, with links to its present CPUs."""
    cpus = places.of_socket(node)
    texts: dict[str, Show] = {
        "cpulist": lambda: cpu_list(places.online(cpus)),
        "cpumap": lambda: cpu_mask(places.online(cpus), places.cpus),
        "distance": " ".join(str(NEAR if n == node else FAR) for n in range(places.sockets)),
        "meminfo": _meminfo(node),
        "numastat": "\n".join(f"{name} 0" for name in COUNTERS),
        "vmstat": f"nr_free_pages {FREE // 4}",
    }
    fixed: dict[str, Node] = {
        **attributes(texts),
        "power": runtime_power(),
        "subsystem": Link("../../../../bus/node"),
        "uevent": uevent(),
    }
    return Numbered(
        "cpu",
        range(places.cpus),
        lambda cpu: bool(cpus >> cpu & 1) and host.cpu(cpu, "present"),
        lambda cpu: Link(f"../../cpu/cpu{cpu}"),
        fixed,
    )


def _meminfo(node: int) -> str:
    sizes = {
        "MemTotal": MEMORY,
        "MemFree": FREE,
        "MemUsed": MEMORY - FREE,
        "Active": 1 << 20,
        "Inactive": 1 << 20,
        "Dirty": 0,
        "FilePages": 2 << 20,
        "AnonPages": 1 << 19,
        "Slab": 1 << 18,
    }
    lines = [f"Node {node} {name + ':':15}{size:9} kB" for name, size in sizes.items()]
    pages = [f"Node {node} HugePages_{name + ':':6} 0" for name in ("Total", "Free", "Surp")]
    return "\n".join(lines + pages)


def node_tree(host: HostView, places: Places) -> Directory:
    def with_cpus() -> str:
        return cpu_list(
            sum(1 << n for n in range(places.sockets) if places.online(places.of_socket(n)))
        )

    nodes = cpu_list((1 << places.sockets) - 1)
    fixed: dict[str, Node] = {
        **attributes(
            {
                "online": nodes,
                "possible": nodes,
                "has_cpu": with_cpus,
                "has_memory": nodes,
                "has_normal_memory": nodes,
            }
        ),
        "power": runtime_power(),
        "uevent": uevent(),
    }
    return Numbered(
        "node",
        range(places.sockets),
        lambda node: True,
        lambda node: numa_node(host, places, node),
        fixed,
    )
