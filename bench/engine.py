"""What an engine is to the harness. A new one is one small class; see rungs.py, spin.py, peers/."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class EngineFailed(Exception):
    """An engine did not come to a verdict; the message is what it said."""


@dataclass(frozen=True)
class Sample:
    """One exploration. Times are in seconds, ``peak`` is the most resident memory in bytes."""

    states: int
    transitions: int | None
    """None from who does not count them."""
    exploring: float
    ready: float
    """What came before the first state: tabulating and emitting, or generating and compiling."""
    verdict: float
    """From nothing but the model's source to the verdict."""
    wall: float
    processor: float
    """Of the process that explores, from start to end. Less than ``wall`` says it was disturbed."""
    peak: int


class Engine(Protocol):
    """``name`` is what a table calls it, ``cores`` how many it may use.

    ``complete`` says that it visits every state. One that leaves some out, knowing that they do
    not matter, is timed, but its counts and rates are its own. ``peer`` says that it is Spin: the
    fastest complete one is what all others are compared with, and besides the fastest of those that
    are ``exported``: fed with what we export. ``most_cpus`` is the largest size that is worth
    waiting for, or None.
    """

    name: str
    cores: int
    complete: bool
    peer: bool
    exported: bool
    most_cpus: int | None

    def missing(self) -> list[str]:
        """What it needs and this machine lacks."""

    def knows(self) -> bool:
        """Whether there is the model in its notation."""

    def prepare(self, cpus: int) -> None:
        """Whatever a run needs that is done once for a model. Each round does it anew."""

    def run(self, cpus: int) -> Sample:
        """Explore in a process of its own; raises EngineFailed."""
