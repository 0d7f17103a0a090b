"""Runs done by Ray: here, or by a cluster's machines. The only place that knows Ray.

A run is plain data, what comes of it too, and it does not depend on who does it: so a run whose
process or machine dies is done again, by whoever is there.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from softsnp.explore import Ladder, Progress

from .designs import DesignRef
from .errors import Stopped, UsageError
from .fingerprint import fingerprint
from .runs import Answer, Run, Watch, execute
from .workers import MANY

FORMS = "none, local, local:WORKERS, HOST:PORT, ray://HOST:PORT"
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell its makers
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # it would warn that this will be the default
}
ALONE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # it listens on 127.0.0.1 only, on Linux too
    "RAY_AUTH_MODE": "token",  # which is RAY_AUTH_TOKEN; else it would keep one in ~/.ray
}
OBJECTS = 80 << 20  # bytes of shared memory, the least that Ray takes; answers are small
REACHING = 5.0  # seconds to wait for somebody to answer at an address
STARTS = 3  # of a Ray of our own
ATTEMPTS = 4  # of a run whose process dies
QUEUED = 3  # parcels for each core, done or waiting
CORES_A_RUN = 128
"""For so many cores more a parcel has a run more, or who hands out parcels would be too slow."""

Parcel = list[tuple[int, Run]]
Finished = Iterator[tuple[int, Answer]]


@dataclass(frozen=True)
class Address:
    """Where Ray is. ``host`` is empty for one that is started here, with so many ``workers``."""

    host: str = ""
    port: int = 0
    client: bool = False
    """Whether it is reached as ray://, which any machine can; else from one of the cluster's."""
    workers: int | None = None

    def __str__(self) -> str:
        return f"{'ray://' if self.client else ''}{self.host}:{self.port}"


def address(text: str) -> Address | None:
    """What ``--cluster`` says; None for no Ray."""
    if text == "none":
        return None
    if found := re.fullmatch(r"local(?::([1-9]\d{0,3}))?", text):
        return Address(workers=int(found[1]) if found[1] else os.cpu_count() or 1)
    if found := re.fullmatch(r"(ray://)?((?!local:)[^\s:/]+|\[[^\s\]/]+\]):(\d{1,5})", text):
        return Address(found[2], int(found[3]), client=bool(found[1]))
    raise UsageError(f"--cluster wants one of {FORMS}; got {text!r}")


@contextmanager
def clustered(runs: list[Run], place: Address) -> Iterator[Callable[[Watch], Finished]]:
    """As workers.finishing(): gives a function that gives each answer as it is there.

    Ctrl-C ends it; what was under way is lost. Raises UsageError without Ray, without anybody at
    the address and for another softsnp there; Stopped when the cluster goes away.
    """
    with (
        TemporaryDirectory(prefix="softsnp-", ignore_cleanup_errors=True) as directory,
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),  # on which Ray tells of what it has lost
    ):
        ray = _connected(place, directory)
        try:
            yield lambda watch: _finished(ray, runs, watch)
        finally:
            ray.shutdown()


def _connected(place: Address, directory: str) -> Any:
    """The module ray, connected."""
    os.environ.update(QUIET)
    if not place.host:
        os.environ.update(ALONE, RAY_AUTH_TOKEN=secrets.token_hex(32))
    try:
        import ray
    except ImportError:
        raise UsageError("--cluster needs Ray: pip install 'softsnp[cluster]'") from None
    silent = {"log_to_driver": False, "logging_level": "critical"}
    there: dict[str, Any] = {"address": str(place)}
    here: dict[str, Any] = {
        "address": "local",
        "num_cpus": place.workers,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": OBJECTS,
        "_node_ip_address": "127.0.0.1",
        "_temp_dir": directory,
    }
    try:
        if place.host:
            _reach(place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is wrong is raised as well
            if place.host:
                ray.init(**there, **silent)
            else:
                _started(ray, {**here, **silent})
    except Exception as error:  # which is all that Ray raises when it was too slow to start
        told = " ".join(str(error).split()) or type(error).__name__
        where = f"a Ray cluster at {place}" if place.host else "a local Ray"
        raise UsageError(f"no connection to {where}: {told}") from None
    return ray


def _started(ray: Any, options: dict[str, Any]) -> None:
    """Ray gives itself half a minute to start, which is little on a busy machine."""
    for attempt in range(STARTS):
        try:
            ray.init(**options)
            return
        except Exception:
            ray.shutdown()
            if attempt + 1 == STARTS:
                raise


def _reach(place: Address) -> None:
    """Raises OSError when nobody is there. Ray itself would go on trying for half a minute."""
    with socket.create_connection((place.host.strip("[]"), place.port), REACHING):
        pass


def _finished(ray: Any, runs: list[Run], watch: Watch) -> Finished:
    do = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_do)
    content = {run.design: _content(run.design) for run in runs}
    todo = list(enumerate(runs))[::-1]
    busy: dict[Any, Parcel] = {}
    lost: list[Run] = []
    try:
        while todo or busy:
            cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
            while todo and len(busy) < QUEUED * cores:
                size = 1 + cores // CORES_A_RUN
                parcel = [todo.pop() for _ in range(min(size, len(todo)))]
                sent = [(run, content[run.design]) for _, run in parcel]
                busy[do.remote(sent, fingerprint(), len(runs) >= MANY)] = parcel
            for ready in _ready(ray, list(busy)):
                parcel = busy.pop(ready)
                answers = _answers(ray, ready)
                if answers is None:
                    lost += [run for _, run in parcel]
                    continue
                for (number, run), answer in zip(parcel, answers, strict=True):
                    if isinstance(answer, Exception):
                        raise answer
                    watch(Progress(answer.states, answer.depth, answer.seconds, "cluster"))
                    yield number, replace(answer, run=run)
    except KeyboardInterrupt:
        return  # what has no answer is still to be done
    except (ray.exceptions.RayError, ConnectionError) as error:
        raise Stopped(f"the cluster is gone: {' '.join(str(error).split())}") from None
    if lost:
        raise Stopped(
            f"{len(lost)} runs lost their process {ATTEMPTS} times, the first of "
            f"{lost[0].design.shown} in {lost[0].scenario}; is there too little memory? "
            "See --max-memory"
        )


def _ready(ray: Any, busy: list[Any]) -> list[Any]:
    """All that is finished, once something is."""
    first, rest = ray.wait(busy, num_returns=1)
    if rest:
        more, _ = ray.wait(rest, num_returns=len(rest), timeout=0)
        first += more
    found: list[Any] = first
    return found


def _answers(ray: Any, ready: Any) -> list[Answer | Exception] | None:
    """What came of a parcel; None when its process died each time."""
    died = (
        ray.exceptions.WorkerCrashedError,
        ray.exceptions.OutOfMemoryError,
        ray.exceptions.NodeDiedError,
    )
    try:
        answers: list[Answer | Exception] = ray.get(ready)
        return answers
    except died:
        return None
    except (ray.exceptions.RayTaskError, ImportError, AttributeError) as error:
        told = str(error).strip().splitlines()[-1]
        raise UsageError(
            f"the cluster's machines cannot do this softsnp's runs: {told}\n"
            "  on each of them: pip install 'softsnp[cluster,native]', the same version"
        ) from None


def _content(design: DesignRef) -> bytes:
    """A user's file as it is here; empty for a design by name."""
    return Path(design.path).read_bytes() if design.path else b""


# --- in a worker ---------------------------------------------------------------------------------


def _do(parcel: list[tuple[Run, bytes]], wanted: str, many: bool) -> list[Answer | Exception]:
    """Do runs one by one; up to the first that raises something, and what it raises."""
    if fingerprint() != wanted:
        here = f"{fingerprint()} on {socket.gethostname()}"
        return [
            UsageError(
                f"the cluster's machines have another specification ({here}); this one is {wanted}"
                "\n  on each of them: pip install 'softsnp[cluster,native]', the same version"
            )
        ] * len(parcel)
    answers: list[Answer | Exception] = []
    for run, content in parcel:
        try:
            with _there(run.design, content) as design:
                there = replace(run, design=design)
                answers.append(execute(there, None, _ladder(run.rung, many)))
        except Exception as error:
            answers += [error] * (len(parcel) - len(answers))
            break
    return answers


@cache
def _ladder(rung: str, many: bool) -> Ladder:
    """The process's own, for all runs that it will do."""
    ladder = Ladder(rung)
    if many:
        ladder.load()
    return ladder


@contextmanager
def _there(design: DesignRef, content: bytes) -> Iterator[DesignRef]:
    """The design on this machine, which need not have the user's file."""
    path = Path(design.path)
    if not design.path or (path.is_file() and path.read_bytes() == content):
        yield design
        return
    digest = hashlib.sha256(content).hexdigest()
    directory = Path(gettempdir(), f"softsnp-{_process()}-{digest[:16]}")
    directory.mkdir(0o700)
    try:
        copy = directory / path.name
        copy.write_bytes(content)
        yield replace(design, path=str(copy))
    finally:
        shutil.rmtree(directory)


@cache
def _process() -> str:
    """This process's own: a file that comes again is a module that was loaded before."""
    return secrets.token_hex(8)
