"""Verbs about tasks that stand where a replay left them."""

from __future__ import annotations

from typing import Any

from ..host import VirtualHost
from .looking import tasks
from .verb import Arguments, VerbError


def step(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    live = host.plane.live
    task = next((t for t in live.tasks if t.lane == args["lane"]), None)
    if task is None:
        lanes = ", ".join(t.lane for t in live.tasks) or "none"
        raise VerbError(f"no task {args['lane']!r}; there are: {lanes}")
    if not live.can_step(task):
        raise VerbError(f"{task.lane} cannot step: it waits {task.step.what or 'to be asked'}")
    live.step(task)
    return tasks(host, args)


def resume(host: VirtualHost, args: Arguments) -> list[dict[str, Any]]:
    for task in host.plane.live.tasks:
        if "lane" not in args or task.lane == args["lane"]:
            task.paused = False
    return tasks(host, args)
