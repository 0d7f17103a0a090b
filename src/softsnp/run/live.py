"""A live run: tasks that come and go, one step at a time, in an order that a seed decides."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from softsnp.lang import Impossible, SpecError, Specification, Step
from softsnp.lang.position import advance
from softsnp.lang.world import World

from .driver import Decider, LiveDriver
from .task import ENDED, Begin, Task

Observer = Callable[[Task, LiveDriver, World], None]
"""Called after each step, with the world as it was before it."""


class Live:
    """A specification's world, and the tasks in it. Nothing else changes the world meanwhile.

    Which task goes next is decided by ``order``; what a step leaves open, by the driver's decider.
    A step that fails leaves everything as it was, and its task never goes on.
    """

    def __init__(
        self,
        spec: Specification,
        world: World,
        decider: Decider,
        order: Random,
        driver: type[LiveDriver] = LiveDriver,
    ) -> None:
        self.spec = spec
        self.order = order
        self.driver = driver(spec, world, decider)
        self.driver.resting = self._at_rest
        self.driver.restarts = self._end_others
        self.tasks: list[Task] = []
        self.current: Task | None = None
        self.now: Callable[[], float] = lambda: 0.0
        """The run's clock, in seconds."""
        self.delay: Callable[[Task], float] = lambda _: 0.0
        """How long a task takes before its next step, in seconds."""
        self.observers: list[Observer] = []
        self.failures: list[Callable[[Task], None]] = []
        spec.driver = self.driver

    @property
    def world(self) -> World:
        return self.driver.world

    # --- tasks come -------------------------------------------------------------------------------

    def begin(
        self,
        role: str,
        coroutine: Coroutine[Step, None, Any],
        done: Callable[[Any], None] = lambda _: None,
        *,
        begin: Begin | None = None,
        target: int | None = None,
        endless: bool = False,
        background: bool = False,
        lane: str | None = None,
    ) -> Task:
        """A task that stands before its first step, in a lane that nobody else is in."""
        lane = lane or self._free_lane(role)
        number = self._free_number()
        spec = self.spec
        spec.driver = self.driver
        spec.begin_step(number, atomic="a task begins", fresh=True)
        step = advance(coroutine)
        task = Task(
            lane, role, number, begin or {}, coroutine, step, done, target, endless, background
        )
        self.tasks.append(task)
        return task

    def _free_lane(self, role: str) -> str:
        taken = {task.lane for task in self.tasks}
        count = 1
        lane = role
        while lane in taken:
            count += 1
            lane = f"{role}-{count}"
        return lane

    def _free_number(self) -> int:
        """Numbers below those of the declared activities are never used: they mean roles."""
        taken = {task.number for task in self.tasks}
        number = len(self.spec.activity_names)
        while number in taken:
            number += 1
        return number

    # --- tasks go on ------------------------------------------------------------------------------

    def can_step(self, task: Task) -> bool:
        """Whether a task can take its next step, be it time for that or not."""
        if task.failed or (task.resting and task.endless and not task.background):
            return False
        guard = task.step.guard
        if guard is None:
            return True
        self.driver.begin(task)
        self.spec.begin_step(task.number, atomic="a look, not a step")
        return guard()

    def runnable(self) -> list[Task]:
        now = self.now()
        return [
            task
            for task in self.tasks
            if not task.paused and task.ready <= now and self.can_step(task)
        ]

    def work(self, steps: int) -> float | None:
        """Take at most so many steps. When there is more to do, in seconds; None if never."""
        for _ in range(steps):
            ready = self.runnable()
            if not ready:
                break
            self.step(ready[0] if len(ready) == 1 else self.order.choice(ready))
        else:
            return 0.0
        now = self.now()
        waiting = [task.ready - now for task in self.tasks if task.ready > now]
        return max(0.0, min(waiting)) if waiting else None

    def step(self, task: Task) -> None:
        """One step of a task that can take it."""
        spec, driver = self.spec, self.driver
        before, parked = driver.world.copy(), spec.parked(task.number)
        self.current = task
        driver.begin(task)
        spec.begin_step(task.number, atomic=task.step.atomic)
        ended, result = False, None
        try:
            task.step = advance(task.coroutine)
        except StopIteration as end:
            ended, result = True, end.value
        except (SpecError, Impossible) as error:
            driver.world = before
            spec.unpark(task.number, parked)
            task.failed = str(error)
            for told in self.failures:
                told(task)
            return
        finally:
            self.current = None
        task.steps += 1
        if ended:
            self.tasks.remove(task)
        for observer in self.observers:
            observer(task, driver, before)
        if ended:
            task.done(result)
            return
        delay = self.delay(task)
        if delay:
            task.ready = self.now() + delay

    # --- tasks end --------------------------------------------------------------------------------

    def _end_others(self) -> None:
        """A kernel ends, and everything with it but who ended it."""
        for task in self.tasks:
            if task is not self.current:
                task.coroutine.close()
                task.done(ENDED)
        self.tasks = [task for task in self.tasks if task is self.current]

    def power_off(self, world: World) -> None:
        """Everybody ends, and the world is another one."""
        self.current = None
        self._end_others()
        self.driver.world = world

    def _at_rest(self, activity: int) -> bool:
        """Whether everybody in a role is between two operations, but who asks."""
        role = self.spec.activity_names[activity]
        others = [task for task in self.tasks if task is not self.current and task.role == role]
        return all(task.resting for task in others)
