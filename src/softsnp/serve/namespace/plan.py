"""What a namespace is made of, and what runs in it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

HOME = "/dev/softsnp"
"""What is ours in the namespace: a directory of root's, mode 0700."""
TOOLS = f"{HOME}/bin"
CONTROL = f"{HOME}/ctl"
"""The socket on which the virtual host is controlled, mode 0600."""
INIT_NAME = "softsnp-init"
"""The process name (comm) of a namespace's first process."""
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Bind:
    """A node of the tree, and where clients find it."""

    source: str
    """In the tree: names with slashes between them, "sys/devices/system/cpu"."""
    place: str
    """Absolute. What is there is hidden; what is not there is made, except below /proc."""


@dataclass(frozen=True)
class Plan:
    """A namespace."""

    binds: tuple[Bind, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    """Names of programs, and the text of each: a script with its #! line. They come first in PATH,
    and hide programs of the same name, except such as are symbolic links: hiding a link would hide
    what it points to, under all of its names (modprobe, lsmod and rmmod are all kmod).
    """
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Names in HOME, and what is in them: ordinary files, for what has to be mapped."""
    environment: Mapping[str, str] | None = None
    """The command's; None: that of the caller. TOOLS is put first in its PATH."""
    user_namespace: bool | None = None
    """Whether to run in a user namespace, with the caller as its root. None: unless the caller has
    CAP_SYS_ADMIN.
    """
    fuse_device: str = "/dev/fuse"

    def command_environment(self) -> dict[str, str]:
        environment = dict(os.environ if self.environment is None else self.environment)
        return with_tools(environment)


def with_tools(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in whose PATH the tools come first."""
    path = environment.get("PATH", DEFAULT_PATH)
    if path.split(":")[0] == TOOLS:
        return dict(environment)
    return {**environment, "PATH": f"{TOOLS}:{path}"}
