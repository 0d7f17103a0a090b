"""A virtual host for a command: the host, its tree, the namespace and the control channel."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from .control import Connection
from .cpuid import Finder, Mirror, build, check, table
from .cpuid import environment as preloaded
from .host import VirtualHost
from .latencies import latency
from .namespace.launch import launch
from .namespace.plan import HOME, Bind, Plan
from .namespace.session import Started
from .sev_device import SevDevice
from .tools import tools
from .tree import PLACES
from .vfs import Fixed

TABLE = f"{HOME}/cpuid"
"""What CPUID answers; programs map it."""
SITES = f"{HOME}/cpuid-sites"
"""Where programs ask which of their bytes are CPUID instructions."""


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
    cpuid: bool = False
    """Whether CPUID is answered as the host's processor would."""


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
    nodes = {**host.tree.nodes, "sev": SevDevice(host.mailbox)}
    places = {**PLACES, "sev": "/dev/sev"}
    if surroundings.real_kvm:
        del nodes["kvm"]
    files: dict[str, bytes] = {}
    environment = surroundings.environment
    if surroundings.cpuid:
        files, environment = _answer_cpuid(host, environment)
        nodes["cpuid-sites"] = Mirror(Finder())
        places["cpuid-sites"] = SITES
    plan = Plan(
        tuple(Bind(name, places[name]) for name in nodes),
        tools(),
        files,
        environment,
        surroundings.user_namespace,
        surroundings.fuse_device,
    )

    def begun(session: Started) -> None:
        if surroundings.cpuid:
            host.cpuid_table = Path(f"/proc/{session.init}/root{TABLE}")
        if started is not None:
            started(session)

    gc.collect()
    gc.freeze()  # what is there stays; looking through all of it again would keep clients waiting
    return launch(
        Fixed(nodes),
        plan,
        command,
        trouble,
        host,
        lambda loop, connection: Connection(host, loop, connection).begin(),
        begun,
    )


def _answer_cpuid(
    host: VirtualHost, environment: Mapping[str, str] | None
) -> tuple[dict[str, bytes], dict[str, str]]:
    """(files for the namespace, the command's environment). Raises CannotBuild, NoDisassembler."""
    check()
    inherited = dict(os.environ if environment is None else environment)
    content = table(host.generation, host.topology)
    added = preloaded(build(inherited), Path(TABLE), Path(SITES), inherited)
    return {PurePath(TABLE).name: content}, {**inherited, **added}
