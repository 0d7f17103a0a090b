"""Whatever is killed when, nothing is left and nobody hangs."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .conftest import PATIENCE, ROOT, Host, Options, command_line, environment

ROUNDS = int(os.environ.get("SOFTSNP_KILLS", "30"))
"""How often something is killed, half of it in user namespaces."""
CLIENTS = """
for n in 1 2; do
    sh -c "while :; do cat /dev/small/counter; ls /dev/small/many; done >/dev/null 2>&1" &
    setsid sh -c 'cat /dev/small/never' &
    sh -c 'while :; do echo x > /dev/small/written; done 2>/dev/null' &
done
echo 3 > /dev/small/counter
echo ready
cat /dev/small/slow
while :; do cat /dev/small/never; done
"""


def parents() -> dict[int, int]:
    """The parent of every process there is."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            found[int(status.parent.name)] = int(fields[1])
    return found


def offspring(pid: int) -> set[int]:
    tree = parents()
    found = {pid}
    while more := {child for child, parent in tree.items() if parent in found} - found:
        found |= more
    return found


def until(condition: Callable[[], bool]) -> bool:
    """Whether it comes true before the test's patience ends."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class Running:
    """A host that is busy."""

    def __init__(self, process: subprocess.Popen[str], init: int) -> None:
        self.process = process
        self.server = process.pid
        self.init = init
        (self.mounter,) = (c for c, p in parents().items() if p == self.server)
        self.namespace = os.readlink(f"/proc/{init}/ns/pid")  # noqa: PTH115
        self.seen = offspring(self.server)

    def command(self) -> int:
        """The second process of the namespace."""
        for pid in offspring(self.init):
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_text()
                if re.search(r"NSpid:.*\t2\n", status):
                    return pid
        raise AssertionError("the command has ended")

    def clients(self) -> list[int]:
        return sorted(offspring(self.init) - {self.init})

    def left(self) -> set[int]:
        """Those processes that are still there. A number may belong to another by now."""
        left = set()
        for pid in parents():
            try:
                inside = os.readlink(f"/proc/{pid}/ns/pid") == self.namespace  # noqa: PTH115
            except OSError:
                inside = False
            if inside or pid in (self.server, self.mounter, self.init):
                left.add(pid)
        return left


@contextmanager
def busy(*options: str) -> Iterator[Running]:
    with subprocess.Popen(
        command_line("sh", "-c", CLIENTS, options=("--announce", *options)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=environment(),
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline() == "ready\n"
            init = 0
            while not init:
                found = re.fullmatch(r"init (\d+)\n", process.stderr.readline())
                init = int(found[1]) if found else 0
            yield Running(process, init)
        finally:
            process.kill()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.read()


@pytest.mark.parametrize("number", range(ROUNDS // 2))
def test_nothing_is_left(any_options: Options, number: int) -> None:
    generator = random.Random(number)
    before = Path("/proc/self/mountinfo").read_text()
    with busy(*any_options) as running:
        time.sleep(generator.random() * 0.3)
        victim = generator.choice(["server", "mounter", "init", "command", "client"])
        command = running.command()
        if victim == "client":
            for pid in generator.sample(sorted(set(running.clients()) - {command}), 3):
                with suppress(ProcessLookupError):  # some do not live for long
                    os.kill(pid, signal.SIGKILL)
            time.sleep(generator.random() * 0.1)
            assert until(lambda: "cat" not in dying(running))
            pid = running.server
        else:
            pid = command if victim == "command" else getattr(running, victim)
        os.kill(pid, signal.SIGKILL)
        expected = -9 if pid == running.server else 137
        assert running.process.wait(PATIENCE) == expected, victim
        assert until(lambda: not running.left()), (victim, running.left())
    assert Path("/proc/self/mountinfo").read_text() == before


@pytest.mark.parametrize("number", range(ROUNDS // 3))
def test_a_host_that_has_hardly_begun(any_options: Options, number: int) -> None:
    marker = f"{1_000_000 + 1000 * os.getpid() + number}"
    before = Path("/proc/self/mountinfo").read_text()
    with subprocess.Popen(
        command_line("sleep", marker, options=any_options),
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment(),
    ) as process:
        time.sleep(0.03 * random.Random(number).random() + 0.1 + 0.02 * number)
        process.kill()
    assert until(lambda: not any(marker in line for line in command_lines()))
    assert Path("/proc/self/mountinfo").read_text() == before


def command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_text(errors="replace")


def dying(running: Running) -> list[str]:
    """The names of clients with a SIGKILL that they have not died of."""
    found = []
    for pid in running.clients():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        pending = re.search(r"SigPnd:\t(\w+)", status)
        if pending and int(pending[1], 16) & 1 << (signal.SIGKILL - 1):
            found.append(status.split()[1])
    return found


def test_a_broken_server_ends_its_clients_with_an_error(host: Host) -> None:
    ran = host(
        "sh",
        "-c",
        "cat /dev/small/never & echo > /dev/small/break-work; cat /dev/small/shown; sleep 60",
    )
    assert ran.returncode == 70
    assert "the server ends, and the namespace with it:" in ran.stderr
    assert "RuntimeError: the work of this host is broken" in ran.stderr


def test_a_broken_file_ends_nobody(host: Host) -> None:
    ran = host("sh", "-c", "LC_ALL=C cat /dev/small/broken; cat /dev/small/shown")
    assert (ran.returncode, ran.stdout) == (0, "shown\n")
    assert "Input/output error" in ran.stderr
    assert "KeyError: 'a bug'" in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_the_server_is_the_commands(host: Host, number: int) -> None:
    with busy() as running:
        os.kill(running.server, number)
        assert running.process.wait(PATIENCE) == 128 + number
        assert until(lambda: not running.left())


def test_a_signal_that_the_command_handles_does_not_end_it(host: Host) -> None:
    script = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: os._exit(5))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        command_line("python3", "-c", script),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(PATIENCE) == 5
