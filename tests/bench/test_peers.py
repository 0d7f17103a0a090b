"""The model as guarded commands, and the peers that read it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.engine import EngineFailed
from bench.models import MODELS
from bench.models.guarded import Guarded, guarded
from bench.peers.engines import Minicheck, Musil, Peer, Stateright

MODEL = MODELS["hotplug"]
PEERS = (Musil, Minicheck, Stateright)


def explored(model: Guarded) -> tuple[int, int, int]:
    """(states, transitions, bad states), by the meaning of a command and nothing else."""
    seen, order = {0}, [0]
    transitions = bad = 0
    cpus = (1 << model.cpus) - 1
    for state in order:
        unguarded = state >> model.online & ~(state >> model.snp_en) & cpus
        bad += bool(state & model.up and (not state & model.held or unguarded))
        for c in model.commands:
            if state >> 4 * c.process & 15 == c.place and state & c.mask == c.value:
                transitions += 1
                after = state & c.keep | c.put | (state & c.copied) << c.shift
                if after not in seen:
                    seen.add(after)
                    order.append(after)
    return len(seen), transitions, bad


@pytest.mark.parametrize("cpus", [1, 2])
def test_the_commands_are_the_model(cpus: int) -> None:
    known = MODEL.counts[cpus]
    assert explored(guarded(cpus)) == (known.states, known.transitions, 0)


def test_a_state_is_one_word_at_every_size() -> None:
    for cpus in range(1, 9):
        assert all(0 <= c.put < 1 << 64 for c in guarded(cpus).commands)


def unless_missing(engine: Peer) -> Peer:
    if lacking := engine.missing():
        pytest.skip(f"not installed: {', '.join(lacking)}")
    return engine


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("cpus", [1, 3])
def test_a_peer_sees_as_many_states(peer: type[Peer], cpus: int, tmp_path: Path) -> None:
    engine = unless_missing(peer(MODEL, tmp_path))
    engine.prepare(cpus)
    sample = engine.run(cpus)
    known = MODEL.counts[cpus]
    assert sample.states == known.states
    assert sample.transitions in (None, known.transitions)
    assert sample.peak > 0


def never_held(cpus: int) -> Guarded:
    """As if no count kept CPU hotplug off: every state in which SNP is up is bad."""
    return dataclasses.replace(guarded(cpus), held=0)


def stuck(cpus: int) -> Guarded:
    """Nobody leaves its rest."""
    model = guarded(cpus)
    moving = [c for c in model.commands if c.place != 0]
    return dataclasses.replace(model, commands=moving)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("broken", [never_held, stuck])
def test_a_peer_is_asked_what_we_are(peer: type[Peer], broken: object, tmp_path: Path) -> None:
    model = dataclasses.replace(MODEL, guarded=broken)  # type: ignore[arg-type]
    engine = unless_missing(peer(model, tmp_path))
    engine.prepare(1)
    with pytest.raises(EngineFailed, match="exit status 1"):
        engine.run(1)
