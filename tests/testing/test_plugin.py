"""The pytest plugin, in other projects' test suites."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from softsnp.serve.testing import SnpHost

pytest_plugins = ["pytester"]
DEADLINE = 30.0


@pytest.fixture
def hosts(snp_session_host: SnpHost) -> None:
    """Skips where no virtual host can run."""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\n")
    return pytester


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-v", "-W", "error", "-p", "no:xdist", *args, timeout=120)


# --- what a host is ------------------------------------------------------------------------------


def test_a_list_of_values_gives_a_run_for_each(hosts: None, project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.snp_host(generation=["milan", "turin"], cpus=2)
        def test_it(snp_host):
            status = snp_host.status()
            assert status["generation"] == snp_host.options.generation
            assert status["cpus"] == 2
        """
    )
    result = run(project)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_it?milan? PASSED*", "*::test_it?turin? PASSED*"])


def test_the_nearest_marker_counts_and_the_command_line_where_none_is(
    hosts: None, project: pytest.Pytester
) -> None:
    project.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.snp_host(cpus=2, firmware="legacy")

        @pytest.fixture
        def status(snp_host):
            return snp_host.status()

        @pytest.mark.snp_host(cpus=3)
        class TestNearer:
            def test_class(self, status):
                assert (status["cpus"], status["firmware"]) == (3, "legacy")

            @pytest.mark.snp_host(cpus=4)
            def test_function(self, status):
                assert (status["cpus"], status["firmware"]) == (4, "legacy")

        def test_module(status):
            assert (status["cpus"], status["firmware"]) == (2, "legacy")
            assert status["generation"] in ("milan", "genoa")
        """
    )
    result = run(project, "--snp-cpus=9", "--snp-generation=milan,genoa")
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["*::test_module?genoa? PASSED*"])


def test_a_host_can_be_parametrized_by_the_test(hosts: None, project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize(
            ("snp_host", "count"), [({"cpus": 2}, 2), ({"cpus": 3}, 3)], indirect=["snp_host"]
        )
        def test_it(snp_host, count):
            assert snp_host.status()["cpus"] == count
        """
    )
    run(project).assert_outcomes(passed=2)


def test_one_host_for_a_whole_session(hosts: None, project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        seen = []

        def test_one(snp_session_host):
            seen.append(snp_session_host.init)

        def test_other(snp_session_host):
            seen.append(snp_session_host.init)
            assert seen[0] == seen[1]
            assert snp_session_host.status()["cpus"] == 3
        """
    )
    run(project, "--snp-cpus=3").assert_outcomes(passed=2)


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("cpu=2", "a virtual host has no option 'cpu'; it has design, *"),
        ("generation='rome'", "the virtual SNP host does not start: no generation 'rome'*"),
        ("fuse_device=['/dev/null'], cpu=1", "a virtual host has no option 'cpu'; *"),
    ],
)
def test_a_mistake_is_an_error_and_says_what_is_right(
    hosts: None, project: pytest.Pytester, marker: str, told: str
) -> None:
    project.makepyfile(
        f"""
        import pytest

        @pytest.mark.snp_host({marker})
        def test_it(snp_host):
            pass
        """
    )
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{told}"])


def test_a_marker_wants_options_by_name(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.snp_host("turin")
        def test_it(snp_host):
            pass
        """
    )
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR or result.ret == pytest.ExitCode.INTERRUPTED
    told = '*the marker snp_host wants options by name, such as snp_host(generation="turin"); got*'
    assert any(told.strip("*") in line for line in (*result.outlines, *result.errlines))


def test_where_no_host_can_run_the_reason_is_told(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.snp_host(fuse_device="/nowhere/fuse")
        def test_it(snp_host):
            pass
        """
    )
    reason = "no virtual SNP host can run here: /nowhere/fuse cannot be opened: No such file *"
    skipped = run(project, "-rs")
    skipped.assert_outcomes(skipped=1)
    skipped.stdout.fnmatch_lines([f"SKIPPED *{reason}"])
    failed = run(project, "--snp-required")
    failed.assert_outcomes(errors=1)
    failed.stdout.fnmatch_lines([reason])


# --- the report, and the end ----------------------------------------------------------------------


def test_a_failure_s_report_has_the_kernel_s_log(hosts: None, project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.snp_host(cpus=2)
        def test_it(snp_host):
            snp_host.offline(1)
            assert snp_host.status()["online"] == [0, 1]
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*virtual SNP host: its kernel's log*", "*CPU 1 is now offline"])


def test_a_host_does_not_outlive_a_pytest_that_is_killed(
    hosts: None, project: pytest.Pytester
) -> None:
    project.makepyfile(
        """
        import os, time

        def test_it(snp_host):
            sleeping = snp_host.popen(["sleep", "4321"])
            with open("pids", "w") as file:
                file.write(f"{snp_host.init} {sleeping.pid}\\n")
            time.sleep(1000)
        """
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist"]
    with subprocess.Popen(command, cwd=project.path, stdout=subprocess.DEVNULL) as process:
        pids = project.path / "pids"
        until(lambda: pids.exists() and pids.read_text().endswith("\n"))
        process.send_signal(signal.SIGKILL)
    for pid in pids.read_text().split():
        until(lambda pid=pid: not runs(pid))


def runs(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # a zombie is its parent's affair


def until(done: object) -> None:
    assert callable(done)
    end = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def test_a_suite_that_wants_no_host_loads_little(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_it():
            assert "softsnp.serve.testing.plugin" in sys.modules
            heavy = ("softsnp.spec", "softsnp.lang", "softsnp.cli", "cryptography", "rich")
            assert not [name for name in heavy if name in sys.modules]
        """
    )
    run(project).assert_outcomes(passed=1)


# --- without privileges ---------------------------------------------------------------------------

NOBODY = 65534


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_nobody(command: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.run(
        command,
        cwd=directory,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={**os.environ, "PYTHONPATH": path, "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def python_for_nobody(directory: Path) -> str:
    """This Python, or another of the same version that lies where everybody may read."""
    tried = (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}")
    for python in tried:
        try:
            done = as_nobody([python, "-c", "import softsnp, pytest, cryptography"], directory)
        except OSError:
            continue
        if done.returncode == 0:
            return python
    pytest.skip(f"user {NOBODY} may run none of {', '.join(tried)} with what is installed here")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_privileges_has_hosts_where_fuse_may_be_opened(
    hosts: None, public: Path
) -> None:
    device = public / "fuse"
    try:
        os.mknod(device, 0o20666, os.makedev(10, 229))
    except PermissionError:
        pytest.skip("no device node can be made here (mknod: EPERM)")
    device.chmod(0o666)
    (public / "test_it.py").write_text(
        f"""
import os, pytest

@pytest.mark.snp_host(fuse_device="{device}", cpus=2)
def test_it(snp_host):
    assert os.geteuid() == {NOBODY}
    snp_host.offline(1)
    assert snp_host.read_text("/sys/devices/system/cpu/online") == "0\\n"
"""
    )
    python = python_for_nobody(public)
    options = ["-v", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = as_nobody([python, "-m", "pytest", *options], public)
    if "no user namespace can be made" in done.stdout:
        pytest.skip("an unprivileged user may make no user namespace here")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
