"""Where the compiled table engine is kept, so that it is compiled once and not once a process.

The place has a name made from everything that goes into the code: numba looks at one file's date
only, and a kernel that was changed elsewhere would silently be the old one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

KERNEL = [
    Path(__file__).with_name(name) for name in ("kernel.py", "judging.py", "seen.py", "shared.py")
]
BLAS = "OPENBLAS_NUM_THREADS"
EXPECTED = 10.0  # seconds that compiling takes, where it was never measured


def installed() -> bool:
    """Whether there is a numba to compile with. Does not import it."""
    return find_spec("numba") is not None


def place() -> Path:
    """The directory for this kernel where it is, this numba, this Python and this machine."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import

    try:
        numba = version("numba")
    except PackageNotFoundError:
        numba = "none"
    told = f"{KERNEL} {numba} {sys.version} {platform.machine()} {platform.node()}"
    content = b"".join(file.read_bytes() for file in KERNEL)
    key = hashlib.sha256(content + told.encode()).hexdigest()[:16]
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "softsnp" / f"kernel-{key}"


def seconds_to_compile() -> float | None:
    """How long compiling took when it was done; None when it is still to be done."""
    try:
        return float((place() / "compiled").read_text())
    except (OSError, ValueError):
        return None


def compiled(seconds: float) -> None:
    """Remember that it is done. Where nothing can be written, it is done again next time."""
    with suppress(OSError):
        (place() / "compiled").write_text(f"{seconds:.1f}\n")


@contextmanager
def used() -> Iterator[None]:
    """While the kernel is imported: numba looks for the place when functions are declared.

    numpy starts no threads of its own then, so that the process can still be forked.
    """
    asked = os.environ.get(BLAS)
    os.environ[BLAS] = "1"
    import numba

    if asked is None:
        del os.environ[BLAS]
    else:
        os.environ[BLAS] = asked
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(place())
    yield
    config.CACHE_DIR = before


@contextmanager
def alone(wait: bool) -> Iterator[bool]:
    """Whether nobody else on this machine is compiling; nobody else begins meanwhile.

    ``wait`` until it is so.
    """
    try:
        place().mkdir(parents=True, exist_ok=True)
        lock = (place() / "lock").open("w")
    except OSError:
        yield True
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
