"""A recording followed on a host, which then goes on as a live one."""

from __future__ import annotations

from typing import Any

from softsnp.run.deciders import Told
from softsnp.run.errors import RunError
from softsnp.run.follow import Follower
from softsnp.run.live import Live
from softsnp.run.recording import Recorded, Recording
from softsnp.run.task import Task

from .host import VirtualHost


def steps_to_follow(recording: Recording) -> tuple[Recorded, ...]:
    """Of a counterexample all but the last step, which is the user's."""
    return recording.steps[:-1] if "property" in recording.header else recording.steps


def follower(host: VirtualHost, recording: Recording) -> Follower:
    """Raises RunError if the start is none of the specification's."""
    live, told = host.plane.live, Told()
    live.driver.world = recording.start.world(host.plane.spec)
    live.driver.decider = told

    def begin(live: Live, recorded: Recorded) -> Task:
        try:
            return host.begin_again({**(recorded.begin or {}), "lane": recorded.lane})
        except (KeyError, ValueError) as error:
            raise RunError(f"{recorded.begin} is nothing that this specification does") from error

    def outside(live: Live, what: dict[str, Any]) -> None:
        if "bits" in what:
            host.set_cpu(int(what["cpu"]), **what["bits"])
        elif what.get("power") == "cycle":
            live.power_off(host.plane.power_on())
            host.firmware.power_cycle()

    return Follower(live, told, begin, outside)


def take_over(host: VirtualHost, recording: Recording) -> None:
    """Follow it; what is then in the middle of something stands there until it is told to go on.

    Raises RunError.
    """
    autoload, host.autoload = host.autoload, False
    host.start = recording.start
    follower(host, recording).follow(steps_to_follow(recording))
    host.plane.live.driver.decider = host.plane.decider
    host.autoload = autoload
    for task in host.plane.live.tasks:
        task.paused = not (task.background and task.resting)
