"""softsnp sweep --cluster: Ray changes nothing but who does the work."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from softsnp.cli.cluster import Address, address
from softsnp.cli.errors import UsageError
from softsnp.spec.catalog import SURVEY

from .conftest import Softsnp

SOFTSNP = Path(sys.executable).with_name("softsnp")
RAY = Path(sys.executable).with_name("ray")
IDEA = Path(__file__).resolve().parents[2] / "examples" / "my_idea.py"
SWEEP = ("sweep", "rmpopt-v9", "rmpopt-v10", "my_idea.py", "--scenario", "thread", "--cpus", "2")
RUNS = 3 * 2 * len(SURVEY)
KILLED = 2
with_ray = pytest.mark.skipif(
    not RAY.exists(), reason="not installed: ray (pip install 'softsnp[cluster]')"
)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one of the tests' own, Ray would make one in the home directory."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))


@pytest.fixture
def idea(tmp_path: Path) -> Path:
    """A user's own design, which no other machine has."""
    path = tmp_path / "my_idea.py"
    path.write_text(IDEA.read_text())
    return path


def skip_where_ray_does_not_start(status: int | None, errors: str) -> None:
    """Ray gives its own processes half a minute, which a machine with other work may not have."""
    if status == 2 and "no connection to" in errors:
        pytest.skip(f"Ray does not start here in time: {errors}")


def rows(path: Path) -> list[str]:
    """A file's lines, sorted: their order is that of finishing."""
    return sorted(path.read_text().splitlines())


def doing(top: int) -> list[int]:
    """The processes below ``top`` that do runs for Ray just now."""
    parents: dict[int, int] = {}
    titles: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            titles[int(entry.name)] = (entry / "cmdline").read_text()

    def below(process: int) -> bool:
        while process in parents and process != top:
            process = parents[process]
        return process == top

    return [p for p, title in titles.items() if title.startswith("ray::_do") and below(p)]


@with_ray
def test_the_same_results_though_workers_are_killed(
    softsnp: Softsnp, tmp_path: Path, idea: Path
) -> None:
    here = softsnp(*SWEEP, "--out", "here.jsonl")
    assert (here.returncode, here.stderr) == (0, "")
    command = [str(SOFTSNP), *SWEEP, "--cluster", "local:2", "--out", "ray.jsonl"]
    killed = 0
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while killed < KILLED and process.poll() is None:
            for worker in doing(process.pid)[:1]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    killed += 1
                    time.sleep(1)
            time.sleep(0.01)
        said, errors = process.communicate(timeout=200)
    skip_where_ray_does_not_start(process.returncode, errors)
    assert killed == KILLED
    assert (process.returncode, said, errors) == (0, here.stdout, "")
    assert rows(tmp_path / "ray.jsonl") == rows(tmp_path / "here.jsonl")
    assert len(rows(tmp_path / "ray.jsonl")) == RUNS + 1


@contextlib.contextmanager
def head(directory: Path) -> Iterator[str]:
    """A Ray cluster of one machine with 2 workers; its address for clients."""
    with socket.socket() as one, socket.socket() as two:
        for free in (one, two):
            free.bind(("127.0.0.1", 0))
        port, clients = one.getsockname()[1], two.getsockname()[1]
    command = [str(RAY), "start", "--head", "--block", "--num-cpus=2", "--include-dashboard=false"]
    command += ["--disable-usage-stats", f"--port={port}", f"--ray-client-server-port={clients}"]
    command += ["--node-ip-address=127.0.0.1", f"--object-store-memory={80 << 20}"]
    process = subprocess.Popen(
        [*command, f"--temp-dir={directory}"],
        env={**os.environ, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"},  # on 127.0.0.1 only
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", clients)):
                break
            time.sleep(0.1)
        yield f"ray://127.0.0.1:{clients}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@with_ray
def test_a_cluster_by_its_address_goes_on_where_another_stopped(
    softsnp: Softsnp, tmp_path: Path, idea: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = softsnp(*SWEEP, "--out", "here.jsonl")
    path = tmp_path / "ray.jsonl"
    command = [str(SOFTSNP), *SWEEP, "--cluster", "local:2", "--out", str(path)]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while process.poll() is None and (not path.exists() or len(rows(path)) < 4):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: Ray's processes hear it too
        _, errors = process.communicate(timeout=60)
    skip_where_ray_does_not_start(process.returncode, errors)
    assert process.returncode == 3
    assert re.fullmatch(
        rf"\ninterrupted: \d+ of {RUNS} runs are in .*; the same command goes on from there\n",
        errors,
    )
    assert 4 <= len(rows(path)) <= RUNS
    with head(tmp_path_factory.mktemp("r")) as place:
        done = softsnp(*SWEEP, "--cluster", place, "--out", "ray.jsonl")
    skip_where_ray_does_not_start(done.returncode, done.stderr)
    assert (done.returncode, done.stdout, done.stderr) == (0, here.stdout, "")
    assert rows(tmp_path / "ray.jsonl") == rows(tmp_path / "here.jsonl")


@with_ray
@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_nobody_at_an_address_is_one_message(softsnp: Softsnp, scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"{scheme}127.0.0.1:{unused.getsockname()[1]}"
        done = softsnp("sweep", "rmpopt-v9", "--cluster", place)
    assert (done.returncode, done.stdout) == (2, "")
    said = f"softsnp: no connection to a Ray cluster at {place}: [Errno 111] Connection refused\n"
    assert done.stderr == said


def test_no_ray_is_one_message(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from softsnp.cli.main import main\n"
        "sys.exit(main(['sweep', 'rmpopt-v9', '--cluster', 'local']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "softsnp: --cluster needs Ray: pip install 'softsnp[cluster]'\n"


@with_ray
def test_machines_with_another_specification_are_refused(tmp_path: Path) -> None:
    code = (
        "import sys; import softsnp.cli.cluster as cluster\n"
        "from softsnp.cli.main import main\n"
        "cluster.fingerprint = lambda: '0' * 16  # here; the workers have their own\n"
        "sys.exit(main(['sweep', 'rmpopt-v9', '--cluster', 'local:1']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "the cluster's machines have another specification (" in done.stderr
    assert "this one is 0000000000000000\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_alone_does_not_load_ray() -> None:
    code = "import sys, softsnp.cli.main; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("none", None),
        ("local:3", Address(workers=3)),
        ("head:6379", Address("head", 6379)),
        ("ray://head.example:10001", Address("head.example", 10001, client=True)),
        ("ray://[::1]:10001", Address("[::1]", 10001, client=True)),
    ],
)
def test_addresses(text: str, meant: Address | None) -> None:
    assert address(text) == meant
    if meant is not None and meant.host:
        assert str(meant) == text


@pytest.mark.parametrize("text", ["", "locally", "local:0", "head", "ray://head", "http://h:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--cluster wants one of none, local"):
        address(text)


def test_details_that_are_switched_on_are_runs_more(softsnp: Softsnp, tmp_path: Path) -> None:
    one = ("sweep", "linux-7.3", "--firmware", "legacy", "--max-states", "50", "--rung", "python")
    both = ("--scenario", "thread", "--scenario", "kexec", "--with", "command-lines")
    assert softsnp(*one, *both, "--out", "both.jsonl").returncode == 3
    told = [json.loads(row) for row in (tmp_path / "both.jsonl").read_text().splitlines()[1:]]
    on = [row["scenario"] for row in told if row["assume"].get("command-lines")]
    assert on == ["thread"] * len(SURVEY), "kexec has them anyway"
    assert len(told) == 3 * len(SURVEY)
    refused = softsnp(*one, "--with", "command-line", "--out", "both.jsonl")
    assert refused.returncode == 2
    assert "no detail 'command-line'; closest: command-lines" in refused.stderr
