"""What keeps a namespace from being made, and what helps."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NOT_FOUND = 127
NOT_EXECUTABLE = 126
"""Exit statuses of a shell for a command that it cannot run."""


class NamespaceError(Exception):
    """No private namespace: what was tried, where, what the kernel said, and what helps."""

    status = 1
    """The exit status that suits it."""


class CommandError(NamespaceError):
    """The command cannot be run; its status is 127 if it was not found, else 126."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def described(error: int) -> str:
    """An errno's text and name."""
    return f"{os.strerror(error)} ({errno.errorcode.get(error, error)})"


def device_failed(path: str, error: int) -> NamespaceError:
    """/dev/fuse cannot be opened."""
    if error in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        help_ = (
            "the kernel has no FUSE, or this container has no such device: try `modprobe fuse`, or "
            "give the container the device (docker and podman: --device /dev/fuse)"
        )
    elif error in (errno.EACCES, errno.EPERM):
        help_ = (
            "this user may not open it: try `chmod a+rw` on it as root, or the group that owns it; "
            "or name another node of character device 10:229"
        )
    else:
        help_ = "it must be a node of character device 10:229"
    return NamespaceError(f"{path} cannot be opened: {described(error)}\n  {help_}")


def user_namespace_failed(error: int) -> NamespaceError:
    """unshare(CLONE_NEWUSER) is refused."""
    reasons = []
    for setting, bad, right in (
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ):
        if _setting(setting) == bad:
            reasons.append(f"it is switched off here: `sysctl -w {right}` as root allows it")
    if not reasons:
        reasons.append(
            "a container's seccomp profile, a security module or a chroot may forbid it: run as "
            "root with CAP_SYS_ADMIN (docker and podman: --privileged, or --cap-add SYS_ADMIN)"
        )
    helps = "\n  ".join(reasons)
    return NamespaceError(
        f"no user namespace can be made for an unprivileged user: {described(error)}\n  {helps}"
    )


def step_failed(step: str, place: str, error: int) -> NamespaceError:
    """A system call failed while the namespace was made."""
    message = f"{step} {place}".rstrip() + f" failed: {described(error)}"
    if error in (errno.EPERM, errno.EACCES):
        message += (
            "\n  a security module (AppArmor, SELinux) or a container's seccomp profile forbids it:"
            " mounting in a namespace of its own must be allowed"
        )
        if _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
            message += "; `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root"
    elif error == errno.ENODEV and step.startswith("mounting"):
        message += "\n  the kernel lacks that file system: try `modprobe fuse`"
    elif error == errno.EINVAL and step.startswith("mounting FUSE"):
        message += "\n  the FUSE device must be a node of character device 10:229"
    elif error == errno.ENOSPC:
        message += "\n  a limit is reached: see /proc/sys/user/max_*_namespaces and fs.mount-max"
    return NamespaceError(message)


def command_failed(command: str, error: int) -> CommandError:
    if error in (errno.ENOENT, errno.ENOTDIR):
        return CommandError(f"{command}: command not found", NOT_FOUND)
    return CommandError(f"{command}: cannot be executed: {described(error)}", NOT_EXECUTABLE)


def _setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None
