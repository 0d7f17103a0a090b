"""softsnp run and softsnp ctl: options, statuses, errors, recordings, replays, kept state."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.virtual_hosts import ENVIRONMENT, SOFTSNP, needs, on_host, softsnp, unusable

SYSCFG = "0xc0010010"
COUNTEREXAMPLE = ("rmpopt-v9", "online-cpus-guarded", "--assume", "cpu-hot-add")


# --- what it does with the command ----------------------------------------------------------------


def test_the_status_is_the_commands() -> None:
    assert on_host("exit 0").returncode == 0
    assert on_host("exit 42").returncode == 42
    assert on_host("kill -9 $$").returncode == 128 + 9


def test_a_command_that_is_not_there_is_named() -> None:
    done = on_host(["no-such-command"])
    assert (done.returncode, done.stderr) == (127, "softsnp: no-such-command: command not found\n")
    assert on_host([str(Path(__file__))]).returncode == 126


def test_input_and_output_are_the_callers() -> None:
    if unusable():
        pytest.skip(unusable())
    done = subprocess.run(
        [SOFTSNP, "run", "--", "tr", "a-z", "A-Z"], input=b"hello", capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"HELLO", b"")


def test_nothing_outside_changes() -> None:
    def outside() -> tuple[object, ...]:
        mounts = Path("/proc/self/mountinfo").read_text()
        cpus = sorted(Path("/sys/devices/system/cpu").iterdir())
        return mounts, sorted(Path("/dev").iterdir()), cpus

    before = outside()
    assert on_host("chcpu -d 3; modprobe -r kvm_amd; echo mem > /sys/power/state").returncode == 0
    assert outside() == before


def test_devices_are_where_and_what_they_should_be() -> None:
    done = on_host(
        "stat -c '%n %a %u' /dev/sev /dev/kmsg /dev/kvm /dev/cpu/0/msr /dev/softsnp/ctl; id -u;"
        "cat /sys/devices/system/cpu/possible"
    )
    assert done.stdout.splitlines() == [
        "/dev/sev 600 0",
        "/dev/kmsg 644 0",
        "/dev/kvm 666 0",
        "/dev/cpu/0/msr 600 0",
        "/dev/softsnp/ctl 600 0",
        "0",
        "0-7",
    ]


# --- without privileges ---------------------------------------------------------------------------


def test_a_user_namespace_does_as_well() -> None:
    needs("rdmsr", "chcpu")
    done = on_host(f"chcpu -d 3; rdmsr -a {SYSCFG} | wc -l; id -u", "--user-namespace")
    assert done.stdout.splitlines() == ["CPU 3 disabled", "7", "0"]


def test_an_unprivileged_user_needs_only_a_device_to_open() -> None:
    """A root who may only map root into a namespace; what others may not open, this one may."""
    needs("setpriv")
    if unusable():
        pytest.skip(unusable())
    dropped = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all,+setfcap"]
    script = "head -c 1 /dev/cpu/0/msr; grep CapEff /proc/$PPID/status; nproc --all"
    done = subprocess.run(
        [*dropped, SOFTSNP, "run", "--", "bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    if "user namespace" in done.stderr:
        pytest.skip(done.stderr)
    assert "error reading '/dev/cpu/0/msr': Invalid argument" in done.stderr
    assert done.stdout.splitlines()[-1] == "8"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    none = softsnp("run", "--fuse-device", str(tmp_path / "none"), "--", "true")
    assert none.returncode == 2
    assert f"{tmp_path}/none cannot be opened: No such file or directory (ENOENT)" in none.stderr
    assert "modprobe fuse" in none.stderr
    (tmp_path / "file").touch()
    wrong = softsnp("run", "--fuse-device", str(tmp_path / "file"), "--", "true")
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr


# --- bad usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["--cpus", "0", "--", "true"], "--cpus wants a number from 1 to 4096; got '0'"),
        (["--generation", "rome", "--", "true"], "no generation 'rome'"),
        (["--firmware", "new", "--", "true"], "no firmware profile 'new'"),
        (["--design", "rmpopt-v11", "--", "true"], "closest: rmpopt-v10"),
        (["--assume", "cpu-hotadd", "--", "true"], "closest: cpu-hot-add"),
        (["--ioctls", "new", "--", "true"], "no ioctl era 'new'"),
        (["--seed", "x", "--", "true"], "--seed wants a number"),
        (["--append", "quiet", "--", "true"], "append wants maxcpus=N, nosmt or nr_cpus=7"),
        (["--replay", "none.json", "--", "true"], "none.json: cannot be read"),
        (["--replay", "x", "--cpus", "2", "--", "true"], "--cpus cannot change that"),
        (["--record", "/none/x", "--", "true"], "--record /none/x: No such file or directory"),
    ],
)
def test_bad_usage_is_one_clear_message(arguments: list[str], said: str) -> None:
    done = softsnp("run", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.startswith("softsnp: ")
    assert "Traceback" not in done.stderr


# --- what a host is -------------------------------------------------------------------------------


def test_the_command_line_leaves_cpus_out() -> None:
    online = "cat /sys/devices/system/cpu/{online,present}"
    assert on_host(online, "--append", "maxcpus=3").stdout.split() == ["0-2", "0-7"]
    assert on_host(online, "--append", "nosmt").stdout.split() == ["0-3", "0-7"]
    assert on_host(online, "--append", "nr_cpus=7").stdout.split()[1] in ("0,2-7", "0-6")


def test_kexecs_command_line_is_that_kernels_alone() -> None:
    done = on_host(
        "look() { cat /proc/cmdline /sys/devices/system/cpu/online; }; look;"
        "softsnp ctl kexec maxcpus=2 >/dev/null; look; softsnp ctl reboot >/dev/null; sleep 0.2;"
        "look; dmesg | grep -c maxcpus",
        "--append",
        "maxcpus=4",
        "--cpus",
        "6",
    )
    lines = done.stdout.splitlines()
    assert [line.split()[-1] for line in lines[:-1:2]] == ["maxcpus=4", "maxcpus=2", "maxcpus=4"]
    assert lines[1:-1:2] == ["0-3", "0-1", "0-3"]
    assert lines[-1] == "1"


def test_smt_control_does_what_the_kernel_does() -> None:
    smt = "/sys/devices/system/cpu/smt/control"
    done = on_host(
        f"cat {smt}; echo off > {smt}; cat {smt} /sys/devices/system/cpu/online;"
        f"echo on > {smt}; cat /sys/devices/system/cpu/online; echo maybe > {smt}"
    )
    assert done.stdout.split() == ["on", "off", "0-3", "0-7"]
    assert "Invalid argument" in done.stderr
    assert on_host(f"cat {smt}", "--assume", "no-smt").stdout.strip() == "notsupported"


def test_the_state_of_the_hardware_is_kept(tmp_path: Path) -> None:
    needs("snphost")
    state = ["--state", str(tmp_path / "chip"), "--cpuid"]
    show = "snphost show identifier; snphost show tcb | grep SNP"
    first = on_host(f"{show}; softsnp ctl stage-firmware snp=40 >&2; snphost commit", *state)
    second = on_host(show, *state, "--seed", "9")
    identifier, *_ = first.stdout.splitlines()
    assert second.stdout.splitlines() == [identifier, "  SNP:         40", "  SNP:         40"]
    other = on_host(show, "--state", str(tmp_path / "chip"), "--generation", "turin")
    assert other.returncode == 2
    assert "keeps a genoa, and this host was to be a turin" in other.stderr
    both = on_host(f"softsnp run --state {tmp_path}/chip -- true", *state)
    assert both.returncode == 2
    assert "Traceback" not in both.stderr


def test_the_same_seed_is_the_same_host_step_by_step(tmp_path: Path) -> None:
    def recorded(name: str, seed: str) -> dict[str, object]:
        path = tmp_path / name
        script = "modprobe -r kvm_amd; modprobe kvm_amd; chcpu -d 2"
        done = on_host(script, "--record", str(path), "--seed", seed, "--cpus", "16")
        assert done.returncode == 0
        found = json.loads(path.read_text())
        assert isinstance(found, dict)
        return found

    assert recorded("a", "5") == recorded("b", "5")
    assert recorded("c", "6")["steps"] != recorded("d", "7")["steps"]


# --- recordings and counterexamples ---------------------------------------------------------------


def test_a_recording_explains_itself_and_is_replayed(tmp_path: Path) -> None:
    needs("rdmsr", "wrmsr")
    look = f"rdmsr -a {SYSCFG}; cat /sys/devices/system/cpu/online; softsnp ctl status | grep snp"
    script = f"chcpu -d 3 >/dev/null; wrmsr -p 2 {SYSCFG} 0x1f40000; {look}"
    first = on_host(script, "--record", "run.json", "--seed", "4", cwd=tmp_path)
    again = on_host(look, "--replay", "run.json", cwd=tmp_path)
    assert again.stdout == first.stdout
    told = softsnp("explain", "run.json", cwd=tmp_path)
    assert told.returncode == 0
    assert "* offline CPU 3" in told.stdout
    assert "from outside" in told.stdout
    assert "Then this is the state:" in told.stdout
    assert all(len(line) <= 78 for line in told.stdout.splitlines())


def test_a_recording_of_a_killed_host_is_read(tmp_path: Path) -> None:
    if unusable():
        pytest.skip(unusable())
    with subprocess.Popen(
        [SOFTSNP, "run", "--record", "run.json", "--", "bash", "-c", "echo ready; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=ENVIRONMENT,
    ) as host:
        assert host.stdout and host.stdout.readline() == b"ready\n"
        host.kill()
    told = softsnp("explain", "run.json", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert "kvm_enable_virtualization()" in told.stdout


def test_a_counterexample_is_replayed_until_its_last_step(tmp_path: Path) -> None:
    needs("rdmsr")
    saved = softsnp("explain", *COUNTEREXAMPLE, "--save", "bug.json", cwd=tmp_path)
    assert saved.returncode == 0
    chart = saved.stdout[saved.stdout.index("\n step") :]
    told = softsnp("explain", "bug.json", cwd=tmp_path)
    assert told.stdout[told.stdout.index("\n step") :] == chart
    script = (
        f"rdmsr -a {SYSCFG}; cat /sys/devices/system/cpu/{{online,present}};"
        "softsnp ctl step hotplugger >/dev/null;"
        f"rdmsr -a {SYSCFG}; cat /sys/devices/system/cpu/online"
    )
    done = on_host(script, "--replay", "bug.json", cwd=tmp_path)
    before, online, present, *after = done.stdout.splitlines()
    assert int(before, 16) >> 24 & 1
    assert (online, present) == ("0", "0-1")
    assert [int(value, 16) >> 24 & 1 for value in after[:2]] == [0, 1]  # rdmsr -a sorts by name
    assert after[2] == "0-1"
    assert "the last would be: softsnp ctl step hotplugger" in done.stderr


def test_a_recording_of_another_design_is_refused(tmp_path: Path) -> None:
    saved = softsnp("explain", *COUNTEREXAMPLE, "--save", "bug.json", cwd=tmp_path)
    assert saved.returncode == 0
    text = (tmp_path / "bug.json").read_text()
    (tmp_path / "bug.json").write_text(text.replace('"rmpopt-v9"', '"linux-6.12"', 1))
    for arguments in (["explain", "bug.json"], ["run", "--replay", "bug.json", "--", "true"]):
        done = softsnp(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert re.search(r"step \d+ of the recording cannot be done again", done.stderr)


# --- softsnp ctl ----------------------------------------------------------------------------------


def test_without_a_host_there_is_nothing_to_control() -> None:
    done = softsnp("ctl", "--host", "1", "status")
    assert done.returncode == 2
    assert "--host wants the pid of a running host" in done.stderr


def test_a_host_is_controlled_from_outside_and_entered() -> None:
    if unusable():
        pytest.skip(unusable())
    waits = ["bash", "-c", "echo ready; read line; cat /sys/devices/system/cpu/online"]
    with subprocess.Popen(
        [SOFTSNP, "run", "--", *waits],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as host:
        assert host.stdin and host.stdout
        assert host.stdout.readline() == "ready\n"
        init = _init_of(host.pid)
        told = json.loads(softsnp("ctl", "--host", init, "status").stdout)
        assert told["snp"] == "INIT"
        softsnp("ctl", "--host", init, "offline", "5")
        refused = softsnp("ctl", "--host", init, "modprobe", "kvm-amd")
        assert (refused.returncode, refused.stderr) == (1, "softsnp: modprobe kvm-amd: EEXIST\n")
        entered = softsnp("ctl", "--host", init, "enter", "cat", "/sys/devices/system/cpu/offline")
        assert entered.stdout == "5\n"
        out, _ = host.communicate("go on\n")
        assert out == "0-4,6-7\n"
    assert host.returncode == 0


def _init_of(server: int) -> str:
    """The first process of a host's namespace: the mounter's child, which is the server's."""
    (mounter,) = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    (init,) = Path(f"/proc/{mounter}/task/{mounter}/children").read_text().split()
    return init


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nonsense", "no verb 'nonsense'"),
        ("offline", "offline wants cpu: the CPU's number"),
        ("offline 99", "cpu wants a number from 0 to 7; got 99"),
        ("offline 1 2", "softsnp ctl offline takes CPU; got '2' as well"),
        ("inject SNP_COMIT", "no fault 'SNP_COMIT'"),
        ("inject SNP_COMMIT status=x", "status wants a number or a name of one; got 'x'"),
        ("modprobe kvm-intel", "modprobe wants ccp or kvm-amd; got 'kvm-intel'"),
        ("kexec append=nosmp", "append wants maxcpus=N, nosmt or nr_cpus=7"),
        ("step nobody", "no task 'nobody'"),
        ("hot-add 3", "CPU 3 is there already"),
        ("cpuid without=sme", "CPUID is not answered on this host"),
    ],
)
def test_what_ctl_cannot_do_is_one_clear_message(arguments: str, said: str) -> None:
    done = on_host(f"softsnp ctl {arguments}")
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_power_cycle_a_panic_and_a_reboot_begin_again() -> None:
    for verb in ("power-cycle", "panic", "reboot"):
        done = on_host(
            f"chcpu -d 3 >/dev/null; softsnp ctl {verb} >/dev/null; sleep 0.2;"
            "cat /sys/devices/system/cpu/online; softsnp ctl status | grep '\"snp\"'"
        )
        assert done.stdout.splitlines() == ["0-7", '  "snp": "INIT",'], verb


def test_what_is_hot_added_was_not_prepared() -> None:
    needs("rdmsr")
    done = on_host(
        "softsnp ctl hot-add 8 >/dev/null; cat /sys/devices/system/cpu/present; "
        f"chcpu -e 8; rdmsr -p 8 {SYSCFG}; rdmsr -p 0 {SYSCFG}",
        "--assume",
        "cpu-hot-add",
    )
    present, _, added, first = done.stdout.splitlines()
    assert present == "0-8"
    assert [int(value, 16) >> 24 & 1 for value in (added, first)] == [0, 1]


def test_with_latency_commands_take_their_time_and_others_go_on() -> None:
    needs("snphost")
    done = on_host(
        "modprobe -r kvm_amd; modprobe kvm_amd & sleep 0.5; softsnp ctl tasks | grep function;"
        "cat /sys/devices/system/cpu/online; wait; snphost show version",
        "--latency",
    )
    assert "psp_command" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["0-7", "1.55"]


def test_the_whole_list_of_verbs_is_told() -> None:
    done = softsnp("ctl", "help")
    assert done.returncode == 0
    assert "power-cycle" in done.stdout and "enter [-- COMMAND]" in done.stdout
