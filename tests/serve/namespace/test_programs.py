"""Programs that are not ours, in a host of a few files."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PATIENCE, ROOT, Host, command_line, environment


def shell(host: Host, script: str) -> list[str]:
    ran = host("bash", "-c", script)
    assert ran.stderr == ""
    assert ran.returncode == 0
    return ran.stdout.splitlines()


def test_files_are_read_and_written(any_host: Host) -> None:
    assert shell(
        any_host,
        "cd /dev/small && cat counter && echo 5 > counter && cat counter link"
        " && stat -c '%A %s %U' counter secret many link && ls many",
    ) == [
        "0",
        "5",
        "5",
        "-rw-r--r-- 4096 root",
        "-rw------- 4096 root",
        "drwxr-xr-x 0 root",
        "lrwxrwxrwx 7 root",
        *(f"file-with-a-longish-name-{number}" for number in range(5)),
    ]


def test_a_long_listing(any_host: Host) -> None:
    assert shell(any_host, "cd /dev/small && echo 700 > counter && ls many | wc -l") == ["700"]
    assert shell(
        any_host, "cd /dev/small && echo 9 > counter && cat many/* && echo 0 > counter && ls many"
    ) == [str(number) for number in range(9)]


def test_errors_are_errors(any_host: Host) -> None:
    ran = any_host(
        "bash", "-c", "export LC_ALL=C; cd /dev/small; echo x > counter; > new; mkdir x; rm shown"
    )
    assert ran.returncode == 1
    assert [line.rpartition(": ")[2] for line in ran.stderr.splitlines()] == [
        "Invalid argument",
        "Permission denied",
        "Operation not permitted",
        "Operation not permitted",
    ]


def test_places(any_host: Host) -> None:
    """Over what there is, beside it, below what there is not; and the rest is as it was."""
    assert shell(any_host, "cat /proc/version /sys/kernel/notes") == ["a version of its own"] * 2
    assert shell(
        any_host, "ls /sys/softsnp-test/below /sys/softsnp-test/below/files | head -3"
    ) == [
        "/sys/softsnp-test/below:",
        "files",
        "",
    ]
    inside = shell(any_host, "ls /sys; ls /dev")
    outside = os.listdir("/sys") + os.listdir("/dev")  # noqa: PTH208
    assert set(outside) <= set(inside)
    assert set(inside) - set(outside) == {"softsnp-test", "small", "device", "softsnp"}
    assert shell(any_host, "echo x > /dev/null; head -c 3 /dev/zero | wc -c; ls /dev/fd/0") == [
        "3",
        "/dev/fd/0",
    ]
    assert shell(any_host, "ls /dev/softsnp; stat -c %a /dev/softsnp /dev/softsnp/ctl") == [
        "bin",
        "ctl",
        "700",
        "600",
    ]


def test_what_cannot_be_placed_is_told(host: Host) -> None:
    ran = host("true", options=("--announce",))
    missing, init = ran.stderr.splitlines()
    assert missing == "missing /proc/no-such-name"
    assert init.startswith("init ")


def test_the_processes_inside(any_host: Host) -> None:
    assert shell(any_host, "echo $$; cat /proc/1/comm; id -u")[1:] == ["softsnp-init", "0"]


def test_tools_come_first_and_hide_programs_of_their_name(any_host: Host) -> None:
    assert shell(any_host, "softsnp-tool 1 2; echo ${PATH%%:*}") == [
        "a tool of the host: 1 2",
        "/dev/softsnp/bin",
    ]
    if Path("/usr/bin/users").is_file():
        assert shell(any_host, "/usr/bin/users") == ["a tool of the host:"]


def test_nothing_is_open_in_the_command_but_what_it_was_given(any_host: Host) -> None:
    ran = any_host("bash", "-c", "readlink /proc/$$/fd/*")
    assert not any("fuse" in line or "socket" in line for line in ran.stdout.splitlines())


def test_nothing_outside_changes(any_host: Host) -> None:
    def mounts() -> str:
        return Path("/proc/self/mountinfo").read_text()

    before = mounts()
    assert shell(any_host, "cat /dev/small/counter") == ["0"]
    assert mounts() == before
    assert not Path("/dev/softsnp").exists()


@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_status_is_the_commands(any_host: Host, script: str, status: int) -> None:
    assert any_host("bash", "-c", script).returncode == status


def test_whatever_runs_ends_with_the_command(any_host: Host) -> None:
    marker = f"86{os.getpid()}"
    shell(any_host, f"setsid sleep {marker} & sleep 0.1")
    running = [
        command.read_bytes() for command in Path("/proc").glob("[0-9]*/cmdline") if command.exists()
    ]
    assert f"sleep\0{marker}\0".encode() not in running


def test_it_begins_where_the_caller_is(any_host: Host) -> None:
    assert shell(any_host, "pwd") == [str(ROOT)]


def test_a_host_in_a_host(any_host: Host) -> None:
    script = "cat /dev/small/counter; ls /dev/softsnp"
    assert shell(any_host, f"{shlex.join(command_line('sh', '-c', script))}") == ["0", "bin", "ctl"]


def test_a_user_namespace_in_which_no_new_proc_may_be_mounted(host: Host) -> None:
    """As in a container, where parts of /proc are masked."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("masking a part of /proc needs root and unshare(1)")
    inner = command_line("cat", "/proc/version", options=("--userns", "--announce"))
    masked = f"mount -t tmpfs none /proc/tty && exec {shlex.join(inner)}"
    ran = subprocess.run(
        ["unshare", "-m", "sh", "-c", masked],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
    )
    if "unshare" in ran.stderr or "mount:" in ran.stderr:
        pytest.skip(f"nothing can be mounted here: {ran.stderr.strip()}")
    assert ran.stdout == "a version of its own\n"
    assert "missing /proc\n" in ran.stderr


def test_what_the_caller_has_opened_for_the_command_is_open(host: Host) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"for the command\n")
    os.close(writing)
    ran = subprocess.run(
        command_line("bash", "-c", f"cat <&{reading}"),
        pass_fds=[reading],
        capture_output=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
    )
    os.close(reading)
    assert ran.stdout == b"for the command\n"


OF_LIBC = 1 << 31 | 1 << 32
"""Signals 32 and 33: no program can set them through libc, so they stay as they were."""


def test_a_caller_that_ignores_its_children(host: Host) -> None:
    """And one that begins in the background: what it ignores, the command ignores."""
    ignoring = (
        "import os, signal, sys\n"
        "for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP):\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "os.execvp(sys.argv[1], sys.argv[1:])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", ignoring, *command_line("cat", "/proc/self/status", "/no/file")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
    )
    assert ran.returncode == 1
    status = dict(line.split(":\t", 1) for line in ran.stdout.splitlines())
    expected = sum(1 << (n - 1) for n in (signal.SIGCHLD, signal.SIGINT, signal.SIGHUP))
    assert int(status["SigIgn"], 16) & ~OF_LIBC == expected


def test_signals_are_default_again(host: Host) -> None:
    ran = host("cat", "/proc/self/status")
    status = dict(line.split(":\t", 1) for line in ran.stdout.splitlines())
    found = [int(status[name], 16) & ~OF_LIBC for name in ("SigIgn", "SigCgt", "SigBlk")]
    assert found == [0, 0, 0]
