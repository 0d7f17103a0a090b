"""Reaching a host that runs: its control socket, and its namespaces."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from softsnp.serve.namespace import hosts
from softsnp.serve.namespace.plan import CONTROL

from .conftest import PATIENCE, ROOT, Options, command_line, environment


@contextmanager
def running(options: Options) -> Iterator[int]:
    """The pid of a host's first process."""
    with subprocess.Popen(
        command_line("sh", "-c", "read line", options=("--announce", *options)),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    ) as process:
        assert process.stderr is not None
        init = None
        while init is None:
            init = re.fullmatch(r"init (\d+)\n", process.stderr.readline())
        yield int(init[1])
        process.communicate("\n", PATIENCE)


def enter(init: int, *command: str) -> subprocess.CompletedProcess[str]:
    script = (
        "import sys\n"
        "from softsnp.serve.namespace import NamespaceError, join\n"
        "try:\n"
        "    sys.exit(join(int(sys.argv[1]), sys.argv[2:]))\n"
        "except NamespaceError as error:\n"
        "    print(error, file=sys.stderr)\n"
        "    sys.exit(error.status)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", script, str(init), *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
    )


def test_a_command_joins_a_host(any_options: Options) -> None:
    with running(any_options) as init:
        assert init in set(hosts())
        ran = enter(init, "sh", "-c", "cat /dev/small/shown; softsnp-tool; pwd; echo $$; exit 6")
        *lines, pid = ran.stdout.splitlines()
        assert ran.stderr == ""
        assert lines == ["shown", "a tool of the host:", str(ROOT)]
        assert int(pid) < 100
        assert ran.returncode == 6
        assert enter(init, "sh", "-c", "kill -TERM $$").returncode == 143
        ran = enter(init, "no-such-command")
        assert (ran.returncode, ran.stderr) == (127, "no-such-command: command not found\n")
    assert init not in set(hosts())


def test_the_control_socket_answers_from_outside(any_options: Options) -> None:
    with running(any_options) as init, socket.socket(socket.AF_UNIX) as connection:
        path = f"/proc/{init}/root{CONTROL}"
        assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116
        connection.settimeout(PATIENCE)
        connection.connect(path)
        connection.send(b"hello")
        assert connection.recv(100) == b"HELLO"
        with socket.socket(socket.AF_UNIX) as another:
            another.connect(path)
            another.send(b"me too")
            assert another.recv(100) == b"ME TOO"
