"""Tasks that come and go, and who goes next."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from softsnp.run.deciders import Seeded
from softsnp.run.live import Live
from softsnp.run.recording import Recorded, Recorder
from softsnp.run.task import ENDED, Task

from .toy import DOORS, House, house


def _busy(seed: int) -> list[Recorded]:
    """Two who open doors and one who oils them, all at once."""
    live = house(seed)
    spec = live.spec
    assert isinstance(spec, House)
    steps: list[Recorded] = []
    live.observers.append(Recorder(steps.append))
    live.begin("porter", spec.open_one())
    live.begin("porter", spec.open_one())
    live.begin("visitor", spec.oil())
    assert live.work(1000) is None
    assert live.tasks == []
    return steps


def test_the_same_seed_gives_the_same_run_and_others_give_others() -> None:
    assert _busy(7) == _busy(7)
    orders = {tuple((step.lane, step.decided) for step in _busy(seed)) for seed in range(10)}
    assert len(orders) > 5


def test_who_does_the_same_at_once_has_a_lane_of_its_own() -> None:
    assert {step.lane for step in _busy(0)} == {"porter", "porter-2", "visitor"}


def test_a_task_tells_what_it_came_to() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    heard: list[Any] = []
    live.begin("porter", spec.open_one(), heard.append)
    live.work(100)
    assert heard == ["opened"]


def test_an_operation_about_one_door_sees_that_door_alone() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    heard: list[Any] = []
    for _ in range(2):
        live.begin("porter", spec.open_one(), heard.append, target=2)
        live.work(100)
    assert heard == ["opened", "all are open"]
    assert live.world.members == [0, 0, 1, 0]


def test_who_waits_for_a_lock_is_not_runnable() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    first = live.begin("porter", spec.open_one())
    second = live.begin("porter", spec.open_one())
    live.step(first)
    assert live.runnable() == [first]
    assert not live.can_step(second)
    assert second.step.what == "for key"
    live.work(100)
    assert live.tasks == []


def test_a_step_that_goes_beyond_the_specification_changes_nothing() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    told: list[Task] = []
    live.failures.append(told.append)
    for _ in range(3):
        live.begin("porter", spec.open_one())
        live.work(100)
    assert "opened = 3 is outside its domain" in told[0].failed
    assert live.tasks == told
    assert sum(door & 1 for door in live.world.members) == 2
    assert live.world.picked == {told[0].number: live.world.picked[told[0].number]}
    heard: list[Any] = []
    live.begin("visitor", spec.oil(), heard.append)
    live.work(100)
    assert heard == [0]


def test_a_restart_ends_everybody_else() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    heard: list[Any] = []
    live.step(live.begin("porter", spec.open_one(), heard.append))
    live.step(live.begin("visitor", spec.burn_down()))
    assert heard == [ENDED]
    assert live.tasks == []


def test_what_may_fail_does_not_unless_somebody_wants_it() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    live.begin("visitor", spec.ring())
    live.work(10)
    assert live.world.scalars["bell"] == 1

    class Breaks(Seeded):
        def choose(self, count: int, label: str) -> int:
            return int(label == "the bell fails")

    live = house(decider=Breaks(Random(0)))
    spec = live.spec
    assert isinstance(spec, House)
    live.begin("visitor", spec.ring())
    live.work(10)
    assert live.world.scalars["bell"] == 0


def test_a_task_takes_its_time() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    clock = [0.0]
    live.now = lambda: clock[0]
    live.delay = lambda task: 2.0 if task.role == "porter" else 0.0
    live.begin("porter", spec.open_one())
    live.begin("visitor", spec.oil())
    assert live.work(100) == 2.0
    assert [task.role for task in live.tasks] == ["porter"]
    assert live.runnable() == []
    clock[0] = 2.0
    assert live.work(1) == 0.0
    assert live.work(100) == 2.0


def test_an_endless_activity_begins_nothing_by_itself() -> None:
    live = house()
    spec = live.spec
    number = list(spec.activity_names).index("porter")
    live.begin("porter", spec.coroutine(number), endless=True)
    assert live.work(100) is None
    live.begin("visitor", spec.coroutine(1), endless=True, background=True)
    assert live.work(10) == 0.0
    assert sum(live.world.members) == 0


def test_a_task_that_is_paused_stands() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    task = live.begin("visitor", spec.oil())
    task.paused = True
    assert live.work(10) is None
    live.step(task)
    task.paused = False
    live.work(100)
    assert live.world.members == [2] * DOORS


def test_a_decider_hears_only_of_who_can_be_taken() -> None:
    asked: list[Sequence[int]] = []

    class Last(Seeded):
        def take(self, candidates: Sequence[int]) -> int:
            asked.append(candidates)
            return candidates[-1]

    live = house(decider=Last(Random(0)))
    spec = live.spec
    assert isinstance(spec, House)
    for _ in range(2):
        live.begin("porter", spec.open_one())
        live.work(100)
    assert asked == [[0, 1, 2, 3], [0, 1, 2]]


def _closed(live: Live) -> list[int]:
    return [number for number, door in enumerate(live.world.members) if not door & 1]


def test_another_world_ends_everybody() -> None:
    live = house()
    spec = live.spec
    assert isinstance(spec, House)
    heard: list[Any] = []
    live.step(live.begin("porter", spec.open_one(), heard.append))
    fresh = house().world
    live.power_off(fresh)
    assert (heard, live.tasks, _closed(live)) == ([ENDED], [], [0, 1, 2, 3])
    live.begin("porter", spec.open_one(), heard.append)
    live.work(100)
    assert heard[-1] == "opened"
