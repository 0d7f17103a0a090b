"""What was measured, as a table for people and as JSON with every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from .rounds import Measured

TELLING = 50_000
"""With fewer states an exploration is over before a rate, or memory a state, says anything."""
COLUMNS = (
    "CPUs",
    "engine",
    "states",
    "states a second",
    "times Spin",
    "on our export",
    "transitions a second",
    "bytes a state",
    "ready after",
    "verdict after",
)


def bytes_a_state(one: Measured, measured: Sequence[Measured]) -> float | None:
    """Peak memory above the engine's own at its smallest size, which stands for its empty self."""
    least = min((m for m in measured if m.engine is one.engine), key=lambda m: m.cpus)
    if least is one or one.states < TELLING:
        return None
    more = one.median(lambda s: s.peak) - least.median(lambda s: s.peak)
    return more / (one.states - least.states)


def to_peer(one: Measured, measured: Sequence[Measured], exported: bool = False) -> float | None:
    """States a second, as a multiple of the fastest complete peer's at the same size.

    ``exported``: only peers that were fed with our export.
    """
    peers = [
        m
        for m in measured
        if m.cpus == one.cpus
        and m.engine.complete
        and m.engine.peer
        and (m.engine.exported or not exported)
    ]
    if not peers or one.states < TELLING or not one.engine.complete:
        return None
    return one.states_a_second / max(peer.states_a_second for peer in peers)


def table(measured: Sequence[Measured]) -> str:
    """Markdown, one row for each size and engine."""
    rows = [COLUMNS, ("---:", ":---", *["---:"] * (len(COLUMNS) - 2))]
    for one in measured:
        ratio, exported = to_peer(one, measured), to_peer(one, measured, exported=True)
        size = bytes_a_state(one, measured)
        transitions = one.transitions_a_second
        telling = one.states >= TELLING
        rows.append(
            (
                str(one.cpus),
                one.engine.name,
                f"{one.states:,}",
                millions(one.states_a_second) if telling else "",
                "" if ratio is None else f"{ratio:.2f}",
                "" if exported is None else f"{exported:.2f}",
                "" if transitions is None or not telling else millions(transitions),
                "" if size is None else f"{size:.0f}",
                seconds(one.median(lambda s: s.ready)),
                seconds(one.median(lambda s: s.verdict)),
            )
        )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def millions(value: float) -> str:
    return f"{value / 1e6:.2f} M"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def share(measured: Sequence[Measured]) -> float:
    """How much of its cores a run had to itself, of all runs together."""
    samples = [(m.engine.cores, sample) for m in measured for sample in m.samples]
    given = sum(cores * sample.wall for cores, sample in samples)
    return sum(sample.processor for _, sample in samples) / given


def told(measured: Sequence[Measured], facts: Mapping[str, object], rounds: int) -> str:
    """The machine, and how much it had to do besides."""
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_mib']} MiB; {facts['kernel']}; "
        f"{facts['python']}; {facts['spin']}; {facts['gcc']}; {facts['rustc'] or 'no Rust'}. "
        f"Commit {facts['commit']}. "
        f"Medians of {rounds} interleaved rounds, which had {share(measured):.0%} of their cores.\n"
    )


def document(
    measured: Sequence[Measured], facts: Mapping[str, object], rounds: int
) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "machine": dict(facts),
        "rounds": rounds,
        "share_of_cores": share(measured),
        "measured": [
            {
                "engine": one.engine.name,
                "cpus": one.cpus,
                "states_a_second": one.states_a_second,
                "transitions_a_second": one.transitions_a_second,
                "times_peer": to_peer(one, measured),
                "times_exported": to_peer(one, measured, exported=True),
                "bytes_a_state": bytes_a_state(one, measured),
                "samples": [asdict(sample) for sample in one.samples],
            }
            for one in measured
        ],
    }
