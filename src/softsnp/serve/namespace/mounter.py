"""The process that makes the namespace: it mounts, starts the first process in it, and waits."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Final

from . import init, system
from .messages import Reporter, in_child, step
from .places import Places
from .plan import CONTROL, HOME, TOOLS
from .task import HEARD_BY_ALL, PASSED_ON, TREE, Task, exit_status, in_proc

BACKLOG: Final = 16


def run(task: Task, reporter: Reporter) -> int:
    """Everything. The exit status is the command's, or 128 and the signal that ended it."""
    system.set_name("softsnp-mounter")
    for number in (*PASSED_ON, *HEARD_BY_ALL):
        signal.signal(number, signal.SIG_IGN)
    _close_all_but(reporter.fileno(), task.control)
    _tie(task.server)
    if task.user_namespace:
        _enter_user_namespace()
        _tie(task.server)  # new credentials may have undone it
    places = _mount(task, reporter)
    # Only now: the numbers of processes in requests are those of the mounter's own PID namespace.
    with step("unsharing the PID namespace"):
        system.unshare(system.CLONE_NEWPID)
    return _wait_for_init(task, reporter, places)


def _wait_for_init(task: Task, reporter: Reporter, places: Places) -> int:
    alive, held = os.pipe()
    first = os.fork()
    if first == 0:
        os.close(held)
        os._exit(in_child(reporter, lambda: init.run(task, reporter, places, alive)))
    os.close(alive)
    reporter.init(first)
    reporter.close()
    _, status = os.waitpid(first, 0)
    return exit_status(status)


def _tie(server: int) -> None:
    """From now on this process does not outlive the server."""
    system.die_with_parent(signal.SIGKILL)
    if os.getppid() != server:
        os._exit(128 + signal.SIGKILL)


def _close_all_but(kept: int, control: socket.socket | None) -> None:
    """What the server has open is not ours; what it would hand to a command, the command gets."""
    keep = {0, 1, 2, kept} | ({control.fileno()} if control else set())
    for link in list(Path("/proc/self/fd").iterdir()):
        number = int(link.name)
        try:
            if number not in keep and not os.get_inheritable(number):
                os.close(number)
        except OSError:
            continue  # the listing's own


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    with step("unsharing", stage="user namespace"):
        system.unshare(system.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {uid} 1"),
        ("gid_map", f"0 {gid} 1"),
    ):
        path = f"/proc/self/{name}"
        with step("writing", path, stage="user namespace"):
            Path(path).write_text(text)


def _mount(task: Task, reporter: Reporter) -> Places:
    plan = task.plan
    with step("opening", plan.fuse_device, stage="device"):
        device = os.open(plan.fuse_device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    with step("unsharing the mount namespace"):
        system.unshare(system.CLONE_NEWNS)
    with step("making private", "/"):
        system.mount("none", "/", "", system.MS_REC | system.MS_PRIVATE)
    places = Places(TREE)
    places.open_up("/dev", without=[Path(HOME).name])  # in which we may be running ourselves
    places.make_directory(HOME, 0o700)
    places.make_directory(TOOLS, 0o755)
    places.make_directory(TREE, 0o700)
    options = f"fd={device},rootmode=40755,user_id=0,group_id=0,allow_other"
    with step("mounting FUSE at", TREE):
        flags = system.MS_NOSUID | system.MS_NODEV | system.MS_NOEXEC
        system.mount("softsnp", TREE, "fuse", flags, options)
    reporter.device(device)
    os.close(device)  # the server's is the only one: when it ends, the connection does
    for bind in plan.binds:
        if not in_proc(bind.place):
            places.put(bind)
    places.put_files(plan.files)
    places.put_tools(plan.tools)
    if task.control is not None:
        with step("binding the socket", CONTROL):
            task.control.bind(CONTROL)
            Path(CONTROL).chmod(0o600)
            task.control.listen(BACKLOG)
            task.control.close()
    return places
