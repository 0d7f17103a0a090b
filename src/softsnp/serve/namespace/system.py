"""System calls that Python has no function for (some: not before 3.12)."""

from __future__ import annotations

import ctypes
import os
from typing import Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000

MS_NOSUID: Final = 1 << 1
MS_NODEV: Final = 1 << 2
MS_NOEXEC: Final = 1 << 3
MS_BIND: Final = 1 << 12
MS_REC: Final = 1 << 14
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2

PR_SET_PDEATHSIG: Final = 1
PR_SET_NAME: Final = 15


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2). An empty ``kind`` or ``data`` is passed as NULL."""
    _check(
        _libc().mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            data.encode() or None,
        ),
        target,
    )


def unmount(target: str) -> None:
    """Detaches a mount: it is gone for whoever comes now, whoever uses it keeps it."""
    _check(_libc().umount2(os.fsencode(target), MNT_DETACH), target)


def unshare(flags: int) -> None:
    _check(_libc().unshare(flags))


def setns(descriptor: int, flags: int) -> None:
    """``descriptor`` is a pidfd: all the namespaces in ``flags`` of that process."""
    _check(_libc().setns(descriptor, flags))


def die_with_parent(signal_number: int) -> None:
    """Asks for a signal when the parent ends. Whether it has ended already is not looked at."""
    _check(_libc().prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal_number), 0, 0, 0))


def set_name(name: str) -> None:
    """The process's comm, of at most 15 bytes."""
    _check(_libc().prctl(PR_SET_NAME, name.encode(), 0, 0, 0))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, place: str | None = None) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), place)
