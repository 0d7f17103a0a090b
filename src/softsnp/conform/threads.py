"""Several kernel threads on one machine: each runs until it is about to be seen doing something.

A thread is a greenlet with stacks and a task of its own. It pauses where the emulator stands still
anyway: around instructions that touch the machine, firmware commands, CPUs that come and go, and
where the kernel's own code waits in schedule(). Who goes on is the scheduler's decision.
"""

from __future__ import annotations

from collections.abc import Callable

import greenlet

from .machine import Machine

FINISHED = "finished"
REFERENCES = 1 << 20  # to a task: it is never freed


class Thread(greenlet.greenlet):
    """One system call of a task, on one CPU."""

    def __init__(self, number: int, task: int, work: Callable[[], object], cpu: int) -> None:
        super().__init__(self._body)
        self.number = number
        self.task = task
        self.work = work
        self.cpu = cpu
        self.depth = 0
        self.result: object = None
        self.paused_at = "begins"

    def _body(self) -> str:
        self.result = self.work()
        return FINISHED


class Threads:
    """The threads of a machine; while none runs, the machine is as without threads."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.init_task = machine.kernel.address("init_task")
        self.spawned = 0
        machine.pausing = self.pause

    def spawn(self, work: Callable[[], object], cpu: int) -> Thread:
        kernel, memory = self.machine.kernel, self.machine.memory
        task = memory.allocate(kernel.size("struct task_struct"))
        memory.put32(task + kernel.offset("struct task_struct", "usage"), REFERENCES)
        self.spawned += 1
        return Thread(self.spawned, task, work, cpu)

    def advance(self, thread: Thread) -> str:
        """Run a thread to its next pause; what it is about to do, or FINISHED."""
        machine = self.machine
        machine.set_current(thread.task)
        machine.thread, machine.depth = thread.number, thread.depth
        machine.on_cpu(thread.cpu)
        try:
            thread.paused_at = thread.switch()
        finally:
            thread.depth = machine.depth
            machine.thread = machine.depth = 0
            machine.set_current(self.init_task)
            machine.on_cpu(0)
        return thread.paused_at

    def pause(self, why: str) -> None:
        """Called in a thread: others may go on here."""
        thread = greenlet.getcurrent()
        if not isinstance(thread, Thread):
            return
        machine = self.machine
        context = machine.emulator.uc.context_save()
        thread.cpu = machine.cpu
        scheduler = thread.parent
        assert scheduler is not None
        scheduler.switch(why)
        machine.emulator.uc.context_restore(context)
        machine.on_cpu(thread.cpu)  # another one, if it has migrated
