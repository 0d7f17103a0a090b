"""The model has as many states and transitions in every notation and for every engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.engine import Engine, EngineFailed
from bench.models import MODELS
from bench.models.hotplug import PROPERTIES, Hotplug, hotplug
from bench.rungs import Beside, Native, Python, Rung, Table, TwoNative, TwoTable
from bench.spin import DepthFirst, Exported, ExportedDepthFirst, Reduced, Spin
from softsnp.lang.source_rules import check_class
from tests.explore.explorers import by_tables, of_oracle, of_tables

MODEL = MODELS["hotplug"]
SMALL = (1, 2, 3)


def unless_missing(engine: Engine) -> Engine:
    """The engine, or a skipped test that says which command is not there."""
    if lacking := engine.missing():
        pytest.skip(f"not installed: {', '.join(lacking)}")
    return engine


@pytest.mark.parametrize("cpus", SMALL)
@pytest.mark.parametrize("merge", [False, True], ids=["plain", "merged"])
def test_our_search_sees_what_is_known_merged_or_not(cpus: int, merge: bool) -> None:
    found = of_tables(by_tables(hotplug(cpus), PROPERTIES, 0, merge=merge))
    known = MODEL.counts[cpus]
    assert (found.states, found.transitions) == (known.states, known.transitions)
    assert found.violated == {}
    assert found.exercised == {p.name for p in PROPERTIES}


def test_our_oracle_agrees() -> None:
    tables = of_tables(by_tables(hotplug(1), PROPERTIES, 0, merge=False))
    assert of_oracle(hotplug(1), PROPERTIES, 0) == tables


def test_the_specification_follows_the_rules_of_the_language() -> None:
    check_class(type(hotplug(2)))


@pytest.mark.parametrize(
    ("spin", "cpus"), [(Spin, 1), (Spin, 2), (Spin, 3), (DepthFirst, 2), (Exported, 2)]
)
def test_spin_agrees(spin: type[Spin], cpus: int, tmp_path: Path) -> None:
    engine = unless_missing(spin(MODEL, tmp_path))
    engine.prepare(cpus)
    sample = engine.run(cpus)
    known = MODEL.counts[cpus]
    assert (sample.states, sample.transitions) == (known.states, known.transitions)


def test_spin_may_reduce(tmp_path: Path) -> None:
    engine = unless_missing(Reduced(MODEL, tmp_path))
    engine.prepare(2)
    assert engine.run(2).states < MODEL.counts[2].states


@pytest.mark.parametrize("cpus", SMALL)
@pytest.mark.parametrize("rung", [Python, Table, Native, TwoTable, TwoNative, Beside])
def test_our_rungs_agree_in_processes_of_their_own(rung: type[Rung], cpus: int) -> None:
    sample = rung("hotplug").run(cpus)
    known = MODEL.counts[cpus]
    assert (sample.states, sample.transitions) == (known.states, known.transitions)
    assert sample.peak > 0


# --- and all are asked the same: what is broken in both notations is found broken by both ---------


class Careless(Hotplug):
    """Nobody looks at hotplug_disabled before a CPU is brought up."""

    async def write_online(self, cpu: int) -> None:
        await self.mutex_lock(Hotplug.cpu_add_remove_lock)
        await self.down_write(Hotplug.cpu_hotplug_lock)
        if getattr(self, f"online{cpu}"):
            await self.cpu_down(cpu)
        else:
            await self.cpu_up(cpu)
        self.up_write(Hotplug.cpu_hotplug_lock)
        self.mutex_unlock(Hotplug.cpu_add_remove_lock)


def careless(promela: str) -> str:
    refuses = (
        "    :: d_step { !cpu_add_remove_lock && hotplug_disabled -> cpu = 0 } -> goto end_rest\n"
    )
    looks = "!cpu_add_remove_lock && !hotplug_disabled ->"
    assert promela.count(refuses) == promela.count(looks) == 1
    return promela.replace(refuses, "").replace(looks, "!cpu_add_remove_lock ->")


def test_both_notations_are_violated_in_as_many_steps(tmp_path: Path) -> None:
    ours = of_tables(by_tables(hotplug(1, Careless), PROPERTIES, 0, merge=True))
    promela = tmp_path / "careless.pml"
    assert MODEL.promela is not None
    promela.write_text(careless(MODEL.promela.read_text()))
    engine = unless_missing(Spin(dataclasses.replace(MODEL, promela=promela), tmp_path))
    engine.prepare(1)
    with pytest.raises(EngineFailed, match="assertion violated") as failed:
        engine.run(1)
    # Spin counts the steps before the one that violates.
    assert f"(at depth {ours.violated['online-cpus-guarded'] - 1})" in str(failed.value)


@pytest.mark.parametrize("name", sorted(set(MODELS) - {"hotplug"}))
def test_designs_with_cpus_told_apart(name: str, tmp_path: Path) -> None:
    known = MODELS[name].counts[2]
    ours = TwoTable(name).run(2)
    assert (ours.states, ours.transitions) == (known.states, known.transitions)
    engine = unless_missing(ExportedDepthFirst(MODELS[name], tmp_path))
    engine.prepare(2)
    theirs = engine.run(2)
    assert (theirs.states, theirs.transitions) == (known.states, known.transitions)
