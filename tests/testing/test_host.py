"""A virtual host in the hands of a test suite."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from softsnp.abi.sev import Status
from softsnp.serve.control import ControlError
from softsnp.serve.testing import HostError, HostUnavailable, SnpHost

DEADLINE = 30.0
"""Seconds for what is to happen soon."""


def until(done: object) -> None:
    """Waits until a function says yes."""
    assert callable(done)
    end = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


@pytest.fixture
def hosts(snp_session_host: SnpHost) -> None:
    """For tests that start hosts themselves: skips where none can run."""


# --- commands ------------------------------------------------------------------------------------


@pytest.mark.snp_host(cpus=4)
def test_commands_run_on_the_host_and_not_beside_it(snp_host: SnpHost) -> None:
    done = snp_host.run(["cat", "/sys/devices/system/cpu/online"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "0-3\n", "")
    done = snp_host.run("cat; echo here >&2; exit 3", input="given")
    assert (done.returncode, done.stdout, done.stderr) == (3, "given", "here\n")


def test_a_failure_that_is_checked_tells_what_was_printed(snp_host: SnpHost) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        snp_host.run("echo out; echo err >&2; exit 3", check=True)
    assert failed.value.returncode == 3
    assert failed.value.stderr == "err\n"
    assert failed.value.__notes__ == ["it printed:\nout\nerr\n"]


def test_a_command_that_is_not_there_is_127_as_in_a_shell(snp_host: SnpHost) -> None:
    done = snp_host.run(["no-such-program"])
    assert (done.returncode, done.stderr) == (127, "no-such-program: command not found\n")


def test_the_environment_is_the_caller_s_or_what_it_says(
    snp_host: SnpHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINE", "ärger")
    shown = ["sh", "-c", "echo $MINE; pwd; command -v modprobe"]
    tool = "/dev/softsnp/bin/modprobe"
    assert snp_host.run(shown, cwd=tmp_path).stdout.splitlines() == ["ärger", str(tmp_path), tool]
    only = snp_host.run(shown, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path)
    assert only.stdout.splitlines() == ["", str(tmp_path), tool]


def test_what_times_out_is_killed_with_its_children(snp_host: SnpHost) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        snp_host.run("sleep 4321 & sleep 4322", timeout=1)
    until(lambda: "sleep" not in running(snp_host))


def test_a_command_in_the_background_gets_its_signals(snp_host: SnpHost) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        process = snp_host.popen(["sleep", "4321"])
        until(lambda: "sleep" in running(snp_host))
        process.send_signal(number)
        assert process.wait(DEADLINE) != 0
        until(lambda: "sleep" not in running(snp_host))


def running(host: SnpHost) -> list[str]:
    script = "for f in /proc/[0-9]*/comm; do cat $f 2>/dev/null; done; true"
    return host.run(script, check=True).stdout.split()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.snp_host(cpuid=True, generation="turin", cpus=2)
def test_commands_have_the_host_s_cpuid_whatever_environment_they_are_given(
    snp_host: SnpHost,
) -> None:
    for env in (None, {"PATH": "/usr/bin:/bin"}):
        preloaded = snp_host.run("echo $LD_PRELOAD", env=env, check=True).stdout
        assert "cpuid-" in preloaded
    snp_host.cpuid("sev-snp")
    with pytest.raises(ControlError, match=r"without wants .*got 'sev-snq'"):
        snp_host.cpuid("sev-snq")


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.snp_host(design="rmpopt-v10", firmware="legacy", cpus=4)
def test_files_answer_with_the_host_s_errno(snp_host: SnpHost) -> None:
    online = "/sys/devices/system/cpu/cpu3/online"
    with pytest.raises(OSError) as refused:
        snp_host.write_text(online, "0")
    assert refused.value.errno == errno.EBUSY
    assert snp_host.read_text(online) == "1\n"
    with pytest.raises(FileNotFoundError) as missing:
        snp_host.read_text("/sys/devices/system/cpu/cpu4/online")
    assert missing.value.filename == "/sys/devices/system/cpu/cpu4/online"


@pytest.mark.snp_host(cpus=4)
def test_cpus_go_and_come_and_the_log_says_so(snp_host: SnpHost) -> None:
    snp_host.offline(3)
    assert snp_host.status()["online"] == [0, 1, 2]
    assert "smpboot: CPU 3 is now offline" in snp_host.kernel_log().splitlines()
    snp_host.online(3)
    assert snp_host.read_text("/sys/devices/system/cpu/online") == "0-3\n"


# --- what no program on the host can do -----------------------------------------------------------


@pytest.mark.snp_host(cpus=2)
def test_a_fault_waits_for_its_occasion_or_is_forgotten(snp_host: SnpHost) -> None:
    waiting = snp_host.inject("SNP_COMMIT", status="INVALID_CONFIG", times=2)
    assert waiting == [{"what": "SNP_COMMIT", "status": Status.INVALID_CONFIG.value, "times": 2}]
    assert snp_host.status()["faults"] == waiting
    assert snp_host.run([sys.executable, "-c", COMMIT]).returncode != 0
    assert [fault["times"] for fault in snp_host.status()["faults"]] == [1]
    snp_host.heal()
    snp_host.run([sys.executable, "-c", COMMIT], check=True)
    assert snp_host.status()["faults"] == []


def test_a_refusal_is_an_error_with_the_kernel_s_errno(snp_host: SnpHost) -> None:
    with pytest.raises(ControlError) as refused:
        snp_host.rmmod("ccp")  # kvm-amd uses it
    assert refused.value.errno
    with pytest.raises(ControlError, match="no fault 'nothing'"):
        snp_host.inject("nothing")


@pytest.mark.snp_host(cpus=2, assume="cpu-hot-add")
def test_kernels_and_power(snp_host: SnpHost) -> None:
    snp_host.power_cycle()
    snp_host.reboot()
    assert (snp_host.status()["snp"], snp_host.status()["online"]) == ("INIT", [0, 1])
    snp_host.suspend()
    snp_host.hot_add(2)
    assert 2 in snp_host.status()["present"]
    snp_host.kexec(append="maxcpus=1")
    assert snp_host.status()["online"] == [0]


def test_a_firmware_is_staged_and_is_committed_by_a_tool(snp_host: SnpHost) -> None:
    before = snp_host.status()["tcb"]
    running = int(before["running"].split(" snp ")[1].split()[0])
    snp_host.stage_firmware(snp=running + 1, version="1.55.41")
    after = snp_host.status()
    assert f" snp {running + 1} " in after["tcb"]["running"]
    assert after["tcb"]["committed"] == before["committed"]
    assert after["firmware_version"] == "1.55.41"
    assert len(snp_host.hashstick()) == 432


def test_a_guest_and_modules(snp_host: SnpHost) -> None:
    snp_host.start_guest()
    assert snp_host.status()["guests"] == 1
    with pytest.raises(ControlError):
        snp_host.rmmod("kvm-amd")
    snp_host.stop_guest()
    snp_host.rmmod("kvm-amd")
    assert "kvm_amd" not in snp_host.status()["modules"]
    snp_host.modprobe("kvm-amd")
    assert "kvm_amd" in snp_host.status()["modules"]


@pytest.mark.snp_host(cpus=2)
def test_a_trace_can_be_explained(snp_host: SnpHost, tmp_path: Path) -> None:
    snp_host.offline(1)
    saved = snp_host.save_trace(tmp_path / "trace.json")
    softsnp = [sys.executable, "-m", "softsnp.cli.main", "explain", str(saved)]
    done = subprocess.run(softsnp, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "offline CPU 1" in done.stdout


# --- from the beginning to the end ----------------------------------------------------------------


def test_two_hosts_are_two(hosts: None) -> None:
    with SnpHost(cpus=2) as one, SnpHost(cpus=2, generation="milan") as other:
        one.offline(1)
        assert one.status()["online"] == [0]
        assert other.status()["online"] == [0, 1]
        assert one.init != other.init


def test_nothing_runs_when_it_has_ended(hosts: None) -> None:
    with SnpHost(cpus=2) as host:
        process = host.popen(["sleep", "4321"])
        until(lambda: "sleep" in running(host))
        init = Path("/proc", str(host.init))
        assert init.exists()
    assert not init.exists()
    assert process.wait(DEADLINE) != 0
    with pytest.raises(HostError, match="not running"):
        host.run(["true"])


def test_a_host_that_dies_is_told_of(hosts: None) -> None:
    with pytest.raises(HostError, match="softsnp run ended with status"), SnpHost(cpus=2) as host:
        host.popen("kill -KILL 2").wait(DEADLINE)  # the one it was made for


def test_state_is_kept_in_a_directory(hosts: None, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    with SnpHost(cpus=2, state=state) as host:
        host.stage_firmware(snp=26)
        host.run([sys.executable, "-c", COMMIT], check=True)
        committed = host.status()["tcb"]["committed"]
    with SnpHost(cpus=2, state=state) as host:
        assert host.status()["tcb"]["committed"] == committed
    assert " snp 26 " in committed


COMMIT = """
import fcntl, os, struct
sev = os.open("/dev/sev", os.O_RDWR)
issue = bytearray(struct.pack("<IQI", 10, 0, 0))
fcntl.ioctl(sev, 0xC0105300, issue)
"""
"""SNP_COMMIT."""


def test_options_are_those_of_softsnp_run(hosts: None) -> None:
    with pytest.raises(ValueError, match="a virtual host has no option 'cpu'; it has design"):
        SnpHost(cpu=2)
    with pytest.raises(HostError, match="no generation 'rome'"), SnpHost(generation="rome"):
        pass
    with pytest.raises(HostError, match="--cpus wants a number from 1 to 4096"), SnpHost(cpus=0):
        pass


def test_what_a_host_is_can_be_seen_from_its_options(snp_host: SnpHost) -> None:
    assert snp_host.options.generation is None
    assert json.dumps(snp_host.status())


def test_without_fuse_no_host_is_available(tmp_path: Path) -> None:
    nothing = tmp_path / "fuse"
    with pytest.raises(HostUnavailable, match=f"{nothing} cannot be opened: No such file"):
        SnpHost(fuse_device=nothing).start()


@pytest.mark.snp_host(user_namespace=True, cpus=2)
def test_a_user_namespace_makes_no_difference(snp_host: SnpHost) -> None:
    assert snp_host.run(["id", "-u"]).stdout == "0\n"
    assert snp_host.read_text("/sys/devices/system/cpu/online") == "0-1\n"
    snp_host.offline(1)
    assert "smpboot: CPU 1 is now offline" in snp_host.kernel_log()
