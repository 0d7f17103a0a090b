"""Every mutation, and the recordings that they are held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from softsnp.conform.recording import Recording, load, replay
from softsnp.conform.steps import Divergence
from softsnp.spec.activities import Host
from softsnp.spec.catalog import DESIGNS
from tests.mutation import Mutation, mutated

from .mutations_ccp import CCP, OTHERS
from .mutations_hotplug import HOTPLUG
from .mutations_ioctl import DRIVER, IOCTL, PANIC
from .mutations_sev import LINUX_6_12, PREPARE, UNDO
from .mutations_sleep import SLEEP, SMT

MUTATIONS: tuple[Mutation, ...] = (
    *(*HOTPLUG, *SLEEP, *SMT),
    *(*PREPARE, *UNDO, *LINUX_6_12),
    *(*CCP, *IOCTL, *DRIVER, *PANIC, *OTHERS),
)
RECORDINGS = sorted((Path(__file__).parents[2] / "recordings" / "kernels").glob("*.jsonl"))


@dataclass(frozen=True)
class Caught:
    """By which recording, and how."""

    recording: str
    divergence: Divergence

    def __str__(self) -> str:
        count = len(self.divergence.operations)
        first = self.divergence.differences()[0]
        return f"{self.recording}, after {count} operations: {first}"


@cache
def recordings() -> tuple[tuple[str, Recording, type[Host]], ...]:
    loaded = [(path.stem, load(path)) for path in RECORDINGS]
    return tuple((name, each, DESIGNS[each.about.design]) for name, each in loaded)


def caught(mutation: Mutation) -> Caught | None:
    """The first recording that tells the mutation from the specification."""
    return next(_differences(mutation), None)


def _differences(mutation: Mutation) -> Iterator[Caught]:
    for name, recording, design in recordings():
        if mutation.applies_to(design):
            with mutated(mutation):
                divergence = replay(recording, design)
            if divergence is not None:
                yield Caught(name, divergence)
