"""A user who may do nothing but open the FUSE device."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import MODULE, PATIENCE, ROOT, Ran, environment

NOBODY = 65534
FUSE = os.makedev(10, 229)
OLDEST = "import sys; sys.exit(sys.version_info < (3, 11))"
AsNobody = Callable[..., Ran]


def as_nobody(*command: str) -> Ran:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )


@pytest.fixture(scope="module")
def device() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root; every other test is unprivileged already")
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        node = Path(directory, "fuse")
        os.mknod(node, stat.S_IFCHR | 0o666, FUSE)
        node.chmod(0o666)
        try:
            as_nobody("/bin/sh", "-c", f"exec 3<>{node}").check_returncode()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"a FUSE device cannot be opened: {error.stderr.strip()}")
        yield str(node)


@pytest.fixture(scope="module")
def python() -> str:
    for path in (sys.executable, shutil.which("python3", path="/usr/bin:/bin")):
        if path:
            try:
                if as_nobody(path, "-c", f"import softsnp.serve.namespace; {OLDEST}").returncode:
                    continue
            except PermissionError:
                continue
            return path
    pytest.skip("no Python from 3.11 on that another user may run, with our sources")


@pytest.fixture(scope="module")
def unprivileged(device: str, python: str) -> AsNobody:
    def run(*command: str) -> Ran:
        options = ["--fuse-device", device, "--"]
        return as_nobody(python, "-m", MODULE, *options, *command)

    ran = run("true")
    if ran.returncode and "user namespace" in ran.stderr:
        pytest.skip(ran.stderr.strip().replace("\n", ";"))
    return run


def test_files(unprivileged: AsNobody) -> None:
    script = "id -u; echo 5 > /dev/small/counter; cat /dev/small/counter /proc/version"
    ran = unprivileged("sh", "-c", f"{script}; softsnp-tool; head -c 2 /dev/zero | wc -c")
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "0",
        "5",
        "a version of its own",
        "a tool of the host:",
        "2",
    ]


@pytest.mark.parametrize(
    "name", ["nested_pointers", "pointer_into_a_file", "killed_while_it_waits"]
)
def test_clients(unprivileged: AsNobody, python: str, name: str) -> None:
    ran = unprivileged(python, "-m", "tests.serve.namespace.clients", name)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_device_that_may_not_be_opened(device: str, python: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        ran = as_nobody(python, "-m", MODULE, "--fuse-device", f"{directory}/fuse", "--", "true")
    assert ran.returncode == 1
    assert "cannot be opened: Permission denied (EACCES)" in ran.stderr
    assert "chmod a+rw" in ran.stderr
