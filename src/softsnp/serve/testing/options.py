"""What a virtual host is to be, as the options of ``softsnp run`` say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class HostOptions:
    """The options of ``softsnp run``, by the same names; None is its default.

    ``assume`` holds names with spaces or commas between them: ``"cpu-hot-add, no-smt"``.
    """

    design: str | Path | None = None
    firmware: str | None = None
    generation: str | None = None
    cpus: int | None = None
    assume: str | None = None
    ioctls: str | None = None
    append: str | None = None
    autoload: bool = True
    cpuid: bool = False
    state: str | Path | None = None
    seed: int | None = None
    latency: bool = False
    record: str | Path | None = None
    replay: str | Path | None = None
    real_kvm: bool = False
    user_namespace: bool = False
    fuse_device: str | Path | None = None

    def arguments(self) -> list[str]:
        """For the command line, without the command to run."""
        given: list[str] = []
        for name in (*WITH_VALUE, *WHERE):
            value = getattr(self, name)
            if value is not None:
                given.append(f"--{name.replace('_', '-')}={value}")
        for name in (self.assume or "").replace(",", " ").split():
            given.append(f"--assume={name}")
        given += [f"--{name.replace('_', '-')}" for name in SWITCHES if getattr(self, name)]
        return given if self.autoload else [*given, "--no-autoload"]

    def without_the_host(self) -> HostOptions:
        """What decides whether a namespace can be made, and nothing else."""
        return HostOptions(user_namespace=self.user_namespace, fuse_device=self.fuse_device)


WITH_VALUE = (
    "design", "firmware", "generation", "cpus", "ioctls", "append", "state", "seed", "record",
    "replay",
)  # fmt: skip
WHERE = ("fuse_device",)
SWITCHES = ("cpuid", "latency", "real_kvm", "user_namespace")
NAMES = tuple(field.name for field in fields(HostOptions))


def options_of(given: Mapping[str, Any]) -> HostOptions:
    """Raises ValueError for a name that is no option."""
    for name in given:
        if name not in NAMES:
            raise ValueError(f"a virtual host has no option {name!r}; it has {', '.join(NAMES)}")
    return HostOptions(**given)


def combinations(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Of options that may be lists or tuples, every combination of their values."""
    choices = [value if isinstance(value, list | tuple) else [value] for value in given.values()]
    for values in product(*choices):
        yield dict(zip(given, values, strict=True))
