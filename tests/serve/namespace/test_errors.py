"""What is said when there can be no namespace, or no command."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from softsnp.serve.namespace import NamespaceError, Plan, join, launch
from softsnp.serve.namespace.errors import device_failed, step_failed, user_namespace_failed
from softsnp.serve.vfs import Fixed

from .conftest import Host, run


def test_a_command_that_is_not_there(any_host: Host) -> None:
    ran = any_host("no-such-command")
    assert (ran.returncode, ran.stderr) == (
        127,
        "NamespaceError: no-such-command: command not found\n",
    )


def test_a_command_that_is_no_program(any_host: Host) -> None:
    ran = any_host("/etc/passwd")
    assert ran.returncode == 126
    assert "/etc/passwd: cannot be executed: Permission denied (EACCES)" in ran.stderr


def test_no_device(host: Host, tmp_path: Path) -> None:
    ran = run("true", options=("--fuse-device", str(tmp_path / "fuse")))
    assert ran.returncode == 1
    assert f"{tmp_path}/fuse cannot be opened: No such file or directory (ENOENT)" in ran.stderr
    assert "modprobe fuse" in ran.stderr


def test_a_device_that_is_something_else(host: Host) -> None:
    ran = run("true", options=("--fuse-device", "/dev/null"))
    assert ran.returncode == 1
    assert "mounting FUSE at /dev/softsnp/tree failed: Invalid argument (EINVAL)" in ran.stderr
    assert "10:229" in ran.stderr


def test_a_node_that_the_tree_does_not_have(host: Host) -> None:
    ran = run("true", options=("--bind", "no/such=/dev/there"))
    assert ran.returncode == 1
    assert "finding, in the tree of files, no/such failed" in ran.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (device_failed("/dev/fuse", errno.EACCES), "chmod a+rw"),
        (device_failed("/dev/fuse", errno.ENXIO), "modprobe fuse"),
        (user_namespace_failed(errno.EPERM), "no user namespace can be made"),
        (step_failed("mounting", "/x", errno.EPERM), "security module"),
        (step_failed("mounting", "/x", errno.ENODEV), "modprobe fuse"),
    ],
)
def test_what_helps_is_said(error: NamespaceError, told: str) -> None:
    assert told in str(error)


def test_there_is_nothing_to_run() -> None:
    with pytest.raises(ValueError, match="no command"):
        launch(Fixed({}), Plan(), [], lambda text: None)


@pytest.mark.parametrize("pid", [1, 1 << 30])
def test_joining_what_is_no_host(pid: int) -> None:
    with pytest.raises(NamespaceError, match="is not the first of a virtual host"):
        join(pid, ["true"])
