"""A recording followed, by a host that then goes on as a live one, or to tell what happened."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from softsnp.lang.trace import Trace
from softsnp.run.deciders import Told
from softsnp.run.driver import TellingDriver
from softsnp.run.errors import RunError
from softsnp.run.follow import Follower
from softsnp.run.live import Live
from softsnp.run.recording import PROPERTY, Recorded, Recording
from softsnp.run.task import Begin, Task

from .circumstances import Circumstances
from .control_plane import ControlPlane
from .host import VirtualHost


def steps_to_follow(recording: Recording) -> tuple[Recorded, ...]:
    """Of a counterexample all but the last step, which is the user's."""
    return recording.steps[:-1] if PROPERTY in recording.header else recording.steps


def _follower(
    plane: ControlPlane,
    recording: Recording,
    begin_again: Callable[[Begin], Task],
    power_cycled: Callable[[], None],
) -> Follower:
    told = Told()
    plane.begin_with(recording.start.world(plane.spec))
    plane.live.driver.decider = told

    def begin(live: Live, recorded: Recorded) -> Task:
        try:
            return begin_again({**(recorded.begin or {}), "lane": recorded.lane})
        except (KeyError, ValueError) as error:
            raise RunError(f"{recorded.begin} is nothing that this specification does") from error

    def outside(live: Live, what: dict[str, Any]) -> None:
        if "bits" in what:
            plane.set_cpu(int(what["cpu"]), **what["bits"])
        elif what.get("power") == "cycle":
            live.power_off(plane.power_on())
            power_cycled()

    return Follower(plane.live, told, begin, outside)


def take_over(host: VirtualHost, recording: Recording) -> None:
    """Follow it; what is then in the middle of something stands there until it is told to go on.

    Raises RunError.
    """
    autoload, host.autoload = host.autoload, False
    host.start = recording.start
    follower = _follower(host.plane, recording, host.mailbox.begin_again, host.firmware.power_cycle)
    follower.follow(steps_to_follow(recording))
    host.plane.live.driver.decider = host.plane.decider
    host.autoload = autoload
    host.begin_workers()
    for task in host.plane.live.tasks:
        task.paused = not (task.background and task.resting)


def traced(circumstances: Circumstances, recording: Recording) -> Trace:
    """What happened, for a chart. Raises RunError."""
    plane = ControlPlane(
        circumstances.specification(), circumstances.possible, Told(), Random(0), TellingDriver
    )
    follower = _follower(plane, recording, plane.begin, lambda: None)
    follower.follow(recording.steps)
    return follower.trace()
