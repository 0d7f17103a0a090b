"""A virtual host for a command: the host, its tree, the namespace and the control channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .control import Connection
from .host import VirtualHost
from .latencies import latency
from .namespace.launch import launch
from .namespace.plan import Bind, Plan
from .namespace.session import Started
from .sev_device import SevDevice
from .tools import tools
from .tree import PLACES
from .vfs import Fixed, Node


@dataclass(frozen=True)
class Surroundings:
    """How a command runs in the namespace."""

    environment: Mapping[str, str] | None = None
    user_namespace: bool | None = None
    fuse_device: str = "/dev/fuse"
    real_kvm: bool = False
    """Whether /dev/kvm is the machine's own."""
    real_time: bool = False
    """Whether things take as long as they do on hardware."""
    more: Mapping[str, Node] = field(default_factory=dict)
    """More files, by their place."""


def run(
    host: VirtualHost,
    command: Sequence[str],
    surroundings: Surroundings,
    trouble: Callable[[str], None],
    started: Callable[[Started], None] | None = None,
) -> int:
    """The command's exit status. The host is to have booted. Raises NamespaceError."""
    live = host.plane.live
    if surroundings.real_time:
        live.now = time.monotonic
        live.delay = latency
    nodes = {**host.tree.nodes, "sev": SevDevice(host)}
    places = {**PLACES, "sev": "/dev/sev"}
    for number, (place, node) in enumerate(surroundings.more.items()):
        nodes[f"more{number}"] = node
        places[f"more{number}"] = place
    if surroundings.real_kvm:
        del nodes["kvm"]
    plan = Plan(
        tuple(Bind(name, places[name]) for name in nodes),
        tools(),
        surroundings.environment,
        surroundings.user_namespace,
        surroundings.fuse_device,
    )
    return launch(
        Fixed(nodes),
        plan,
        command,
        trouble,
        host,
        lambda loop, connection: Connection(host, loop, connection).begin(),
        started,
    )
