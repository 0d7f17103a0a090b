"""A host of 512 CPUs, and several clients at once."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.serve.fuzzing.outside import ROOT, environment, softsnp

from .processes import PATIENCE

CPUS = 512


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        softsnp("run", *arguments),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        stdin=subprocess.DEVNULL,
    )


def needs(*commands: str) -> None:
    lacking = [command for command in commands if shutil.which(command) is None]
    if lacking:
        pytest.skip(f"this machine has no {' and no '.join(lacking)} (util-linux, msr-tools)")


def test_lscpu() -> None:
    needs("lscpu")
    ran = run("--cpus", str(CPUS), "--", "sh", "-c", "lscpu; lscpu -p | grep -vc '^#'")
    assert ran.returncode == 0
    assert "On-line CPU(s) list:" in ran.stdout
    lines = {
        line.split(":")[0].strip(): line.split(":")[-1].strip() for line in ran.stdout.split("\n")
    }
    assert lines["CPU(s)"] == str(CPUS)
    assert lines["On-line CPU(s) list"] == f"0-{CPUS - 1}"
    assert lines["Socket(s)"] == "2"
    assert lines["Thread(s) per core"] == "2"
    assert ran.stdout.splitlines()[-1] == str(CPUS)


def test_rdmsr_of_all() -> None:
    needs("rdmsr")
    last = f"/sys/devices/system/cpu/cpu{CPUS - 1}/online"  # chcpu asks the real kernel how many
    script = f"rdmsr -a 0xc0010010; echo 0 > {last}; rdmsr -a 0xc0010010 | wc -l"
    ran = run("--cpus", str(CPUS), "--no-autoload", "--", "sh", "-c", script)
    assert ran.returncode == 0
    *each, fewer = ran.stdout.split()
    assert len(each) == CPUS
    assert len(set(each)) == 1
    assert fewer == str(CPUS - 1)


@pytest.mark.parametrize("seed", [1, 2])
def test_clients_at_once_in_real_time(seed: int) -> None:
    """Whatever the order: all are answered, and the CPUs are where they were sent."""
    script = """
    for cpu in 1 2 3 4 5 6 7; do
        (for turn in 1 2 3; do
            echo 0 > /sys/devices/system/cpu/cpu$cpu/online &&
            echo 1 > /sys/devices/system/cpu/cpu$cpu/online || echo refused
        done) &
    done
    for number in 1 2 3; do python3 -c "
import fcntl, struct, ctypes
buffer = ctypes.create_string_buffer(32)
for _ in range(20):
    fcntl.ioctl(open('/dev/sev', 'rb'), 0xC0105300,
                bytearray(struct.pack('<IQI', 9, ctypes.addressof(buffer), 0)))
print('answered')" & done
    wait
    cat /sys/devices/system/cpu/online
    """
    ran = run("--latency", "--seed", str(seed), "--no-autoload", "--", "sh", "-c", script)
    assert ran.returncode == 0
    assert sorted(ran.stdout.split()) == ["0-7", "answered", "answered", "answered"]
