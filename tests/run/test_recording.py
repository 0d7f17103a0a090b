"""A recording is read again, however much of it is there, and followed."""

from __future__ import annotations

import io
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softsnp.run.deciders import Told
from softsnp.run.driver import TellingDriver
from softsnp.run.errors import RunError
from softsnp.run.follow import Follower
from softsnp.run.live import Live
from softsnp.run.recording import Recorded, Recorder, Recording, Start, Writer, load, parse
from softsnp.run.task import Task

from .toy import House, house

HEADER = {"design": "house", "assume": {"x": True}}
STEPS = st.lists(
    st.builds(
        Recorded,
        st.sampled_from(["porter", "visitor", "größe"]),
        st.lists(st.integers(0, 9), max_size=3).map(tuple),
        st.none() | st.just({"call": "open", "input": "00"}),
    ),
    max_size=6,
)
START = Start((("open",), (), ("open", "oiled")), {"opened": "2"})


def _written(steps: list[Recorded], closed: bool = True) -> str:
    out = io.StringIO()
    writer = Writer(out, HEADER, START)
    for step in steps:
        writer.add(step)
    if closed:
        writer.close()
    return out.getvalue()


@given(STEPS)
def test_what_is_written_is_read_again(steps: list[Recorded]) -> None:
    text = _written(steps)
    assert parse(text, "x") == Recording(HEADER, START, tuple(steps))
    assert json.loads(text) == Recording(HEADER, START, tuple(steps)).to_json()


@given(STEPS, st.data())
def test_a_recording_cut_off_anywhere_has_its_whole_steps(
    steps: list[Recorded], data: st.DataObject
) -> None:
    text = _written(steps, closed=False)
    cut = data.draw(st.integers(0, len(text)))
    try:
        found = parse(text[:cut], "x")
    except RunError as error:
        assert cut < text.index('"steps": [') + len('"steps": ['), error
        return
    assert found.steps == tuple(steps)[: len(found.steps)]
    whole = text[:cut].count("\n")
    assert len(found.steps) >= whole - 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no recording"),
        ("[1]", "is no recording of softsnp\n  make one: softsnp run --record FILE"),
        ('{"softsnp-recording": 99}', "of version 99; this reads 1"),
        ('{"softsnp-recording": 1, "start": {}, "steps": []}', "is damaged: KeyError"),
        ('{"softsnp-recording": 1, "start": {"cpus": [], "state": {}}, "steps": [1]}', "damaged"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_reason(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(RunError) as refused:
        load(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none\.json: cannot be read"):
        load(tmp_path / "none.json")


def _recorded(seed: int) -> tuple[Live, Recording]:
    """A busy house, and how it came to be what it is."""
    live = house(seed)
    spec = live.spec
    assert isinstance(spec, House)
    steps: list[Recorded] = []
    live.observers.append(Recorder(steps.append))
    start = Start.of(spec, live.world)
    random = Random(seed)
    calls = {"open": spec.open_one, "oil": spec.oil, "ring": spec.ring}
    for _ in range(6):
        call = random.choice(list(calls))
        live.begin("porter", calls[call](), begin={"call": call, "operation": call})
        live.work(random.randrange(4))
    return live, Recording({}, start, tuple(steps))


def _follower(recording: Recording) -> Follower:
    told = Told()
    live = house(decider=told)
    live = Live(live.spec, recording.start.world(live.spec), told, Random(0), TellingDriver)
    spec = live.spec
    assert isinstance(spec, House)

    def begin(live: Live, step: Recorded) -> Task:
        assert isinstance(spec, House) and step.begin is not None
        calls = {"open": spec.open_one, "oil": spec.oil, "ring": spec.ring}
        work: Any = calls[step.begin["call"]]()
        return live.begin("porter", work, begin=step.begin, lane=step.lane)

    return Follower(live, told, begin, lambda live, what: None)


@pytest.mark.parametrize("seed", range(8))
def test_a_recording_leads_to_the_same_state(seed: int) -> None:
    live, recording = _recorded(seed)
    follower = _follower(parse(json.dumps(recording.to_json()), "x"))
    follower.follow(recording.steps)
    same = follower.live.world
    assert (same.scalars, same.members) == (live.world.scalars, live.world.members)
    assert sorted(same.picked.values()) == sorted(live.world.picked.values())
    trace = follower.trace()
    assert len(trace.steps) == len(recording.steps)
    assert {s.lane for s in recording.steps} == {s.activity for s in trace.standing}
    opened = [step for step in trace.steps if "a door opens" in step.notes]
    assert len(opened) == sum(door & 1 for door in live.world.members)


def test_the_start_may_be_anything_that_the_specification_knows() -> None:
    spec = House()
    world = Start(((), ("open",)), {"opened": "1", "bell": "0"}).world(spec)
    assert (world.members, world.scalars["opened"], world.scalars["bell"]) == ([0, 1], 1, 0)
    assert Start.of(spec, world).world(spec) == world
    for wrong in (Start((("ajar",),), {}), Start((), {"opened": "9"}), Start((), {"x": "1"})):
        with pytest.raises(RunError, match="does not know"):
            wrong.world(spec)


def test_a_recording_of_something_else_is_refused_at_the_step() -> None:
    _, recording = _recorded(1)
    number, step = next((n, s) for n, s in enumerate(recording.steps, 1) if s.decided)
    for other, said in (
        (Recorded(step.lane, (77,), step.begin), "can only be one of|alternative 77"),
        (Recorded(step.lane, (), step.begin), "that was not recorded"),
        (Recorded(step.lane, (*step.decided, 0), step.begin), "decides less than was recorded"),
        (Recorded("nobody"), "nobody is in the lane 'nobody'"),
    ):
        steps = [*recording.steps[: number - 1], other, *recording.steps[number:]]
        with pytest.raises(RunError, match=f"(?s)step {number} of the recording.*({said})"):
            _follower(recording).follow(steps)
