"""Interleaved rounds, and what is said of them: medians.

Whatever else the machine does for a while then hits every engine, not the one that was on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from .engine import Engine, EngineFailed, Sample
from .machine import pinned, touch
from .models import Model

BYTES = 250
"""Memory that was touched before, for each state: more than any of the engines takes."""


@dataclass
class Measured:
    """All samples of one engine at one size."""

    engine: Engine
    cpus: int
    samples: list[Sample] = field(default_factory=list)

    def median(self, of: Callable[[Sample], float]) -> float:
        return median(of(sample) for sample in self.samples)

    @property
    def states(self) -> int:
        return self.samples[0].states

    @property
    def states_a_second(self) -> float:
        return self.median(lambda s: s.states / s.exploring)

    @property
    def transitions_a_second(self) -> float | None:
        if self.samples[0].transitions is None:
            return None
        return self.median(lambda s: (s.transitions or 0) / s.exploring)


def measure(
    model: Model,
    engines: Sequence[Engine],
    sizes: Iterable[int],
    rounds: int,
    tell: Callable[[str], None],
) -> list[Measured]:
    """Every engine at every size, ``rounds`` times; raises EngineFailed where counts differ.

    Each round begins with another engine.
    """
    measured = [
        Measured(engine, cpus)
        for cpus in sizes
        for engine in engines
        if engine.most_cpus is None or cpus <= engine.most_cpus
    ]
    for number in range(rounds):
        first = number % len(engines)
        order = [*engines[first:], *engines[:first]]
        turns = {engine.name: turn for turn, engine in enumerate(order)}
        for one in sorted(measured, key=lambda m: (m.cpus, turns[m.engine.name])):
            tell(f"round {number + 1} of {rounds}, {one.cpus} CPUs: {one.engine.name}")
            with pinned(one.engine.cores):
                one.engine.prepare(one.cpus)
                touch(BYTES * model.counts[one.cpus].states)
                sample = one.engine.run(one.cpus)
            check(model, one, sample)
            one.samples.append(sample)
    return measured


def check(model: Model, measured: Measured, sample: Sample) -> None:
    """Equal work, or no comparison: every complete engine sees exactly what the model has."""
    known = model.counts[measured.cpus]
    right = sample.states == known.states and sample.transitions in (None, known.transitions)
    if measured.engine.complete and not right:
        raise EngineFailed(
            f"{measured.engine.name} saw {sample.states} states and {sample.transitions} "
            f"transitions at {measured.cpus} CPUs; there are {known.states} and {known.transitions}"
        )
