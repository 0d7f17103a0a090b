"""The peers, each installed into build/peers the way its users get it.

musil and minicheck from PyPI, in an environment of their own; stateright from crates.io. Spin comes
from the distribution. A peer that cannot be had is one sentence, and no failure: the rest runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..machine import ROOT

PEERS = ROOT / "build" / "peers"
ENVIRONMENT = PEERS / "python"
LIBRARIES = {"musil": "0.36.7", "minicheck": "0.4.0"}
CRATE = ROOT / "bench" / "peers" / "stateright"
STATERIGHT = PEERS / "stateright" / "release" / "hotplug"
DEBIAN = ("spin", "gcc", "libc6-dev")
OLDEST = (3, 12)
"""The Python that musil needs."""
NEWEST = 20
PATIENCE = 600  # seconds for one command


def install(say: Callable[[str], None]) -> None:
    """Whatever is not there yet. Says what cannot be had, and why."""
    PEERS.mkdir(parents=True, exist_ok=True)
    for name, get in (("Spin", _spin), ("musil, minicheck", _python), ("stateright", _rust)):
        if lacking := get():
            say(f"bench: without {name}: {lacking}")


def python() -> Path:
    """The interpreter that has the libraries."""
    return ENVIRONMENT / "bin" / "python"


def has(library: str) -> bool:
    """Whether the environment has that library, in the version that is asked for."""
    found = ENVIRONMENT.glob(
        f"lib/python3.*/site-packages/{library}-{LIBRARIES[library]}.dist-info"
    )
    return any(found)


def _spin() -> str:
    if shutil.which("spin") and shutil.which("gcc"):
        return ""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"on Debian: apt install {' '.join(DEBIAN)}"
    return _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *DEBIAN])


def _python() -> str:
    if all(has(library) for library in LIBRARIES):
        return ""
    newer = _newer_python()
    if newer is None:
        return f"musil needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and there is none in PATH"
    wanted = [f"{name}=={version}" for name, version in LIBRARIES.items()]
    pip = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return _run([str(newer), "-m", "venv", "--clear", str(ENVIRONMENT)]) or _run([*pip, *wanted])


def _newer_python() -> Path | None:
    """The oldest that will do, in PATH or among pyenv's. What is there need not run."""
    for minor in range(OLDEST[1], NEWEST):
        for place in _places():
            found = Path(place, f"python3.{minor}")
            if found.exists() and not _run([str(found), "-c", "import venv, ensurepip"]):
                return found
    return None


def _places() -> Iterator[str]:
    yield from os.get_exec_path()
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(root.glob("versions/*/bin")))


def _rust() -> str:
    if not shutil.which("cargo"):
        return "" if STATERIGHT.exists() else "there is no cargo (https://rustup.rs)"
    build = ["cargo", "build", "--quiet", "--release", "--locked"]
    return _run([*build, "--manifest-path", str(CRATE / "Cargo.toml")], PEERS / "stateright")


def _run(command: Sequence[str], target: Path | None = None) -> str:
    """What went wrong, in its own last words; or an empty string."""
    environment = {**os.environ, **({"CARGO_TARGET_DIR": str(target)} if target else {})}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than {PATIENCE} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stdout.splitlines() if line.strip()]
    return f"{Path(command[0]).name}: {said[-1] if said else f'exit status {done.returncode}'}"
