"""The other side: /dev/sev of a virtual host, called alike. FUSE's own part is acted."""

from __future__ import annotations

import os
from dataclasses import replace
from errno import EFAULT
from typing import Any

from softsnp.abi.sev import Command
from softsnp.lang.world import World
from softsnp.run.driver import LiveDriver
from softsnp.run.task import Task
from softsnp.serve.circumstances import LIVE, Circumstances
from softsnp.serve.control_plane import answered
from softsnp.serve.faults import NO_ANSWER, Injected
from softsnp.serve.firmware import Request
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.host import VirtualHost
from softsnp.serve.sev_device import SevDevice
from softsnp.serve.vfs import Call, Handle, Later
from softsnp.spec.catalog import DESIGNS

from .canned import Canned
from .cases import ISSUE, STATES, Case
from .told import told

CPUS = 4
ALWAYS = 1000


class VirtualSide:
    """A virtual host of a design, in each of the states."""

    def __init__(self, name: str) -> None:
        circumstances = Circumstances(
            DESIGNS[name],
            {"design": name},
            GENERATIONS["genoa"],
            "x86-shutdown",
            CPUS,
            {**LIVE, "smt": False, "cpu-hot-add": False},
            0,
        )
        self.host = VirtualHost(circumstances, Canned(), autoload=False)
        self.device = SevDevice(self.host.mailbox)
        self.asked: list[dict[str, Any]] = []
        self.host.plane.live.observers.insert(0, self._observe)
        self.host.boot()
        booted = self._now()
        self.states: dict[str, tuple[World, int]] = {}
        for state, steps in STATES.items():
            self._restore(booted)
            for step in steps:
                if isinstance(step, Case):
                    self.issue(step)
                else:
                    self.host.perform(step)
                    self.host.settle()
            self.states[state] = self._now()

    def _now(self) -> tuple[World, int]:
        plane = self.host.plane
        return plane.world.copy(), plane.driver.holds

    def _restore(self, moment: tuple[World, int]) -> None:
        driver = self.host.plane.driver
        driver.world, driver.holds = moment[0].copy(), moment[1]

    def _observe(self, task: Task, driver: LiveDriver, before: World) -> None:
        """The firmware commands that are asked, with what they carry."""
        for note in driver.notes:
            answer = answered(note)
            if answer is None:
                continue
            command, status = answer
            own = command.name == task.begin.get("command")
            request = task.kept["request"] if own else Request(command)
            if command is Command.SNP_VLEK_LOAD:  # whose pointer is the driver's
                request = replace(request, data=request.data[:8])
            said = task.kept.get("status", status.value) if status.value else 0
            self.asked.append(told(request, said))

    def call(self, case: Case) -> dict[str, Any]:
        """One call in its state; what came of it."""
        self._restore(self.states[case.state])
        return self.issue(case)

    def issue(self, case: Case) -> dict[str, Any]:
        memory = case.memory()
        self.asked.clear()
        faults = self.host.faults
        faults.clear()
        for name, status in case.failing:
            faults.add(Injected(name, status, ALWAYS))
        if case.no_answer:
            faults.add(Injected(NO_ANSWER))
        heard: list[int] = []

        def done(result: bytes | int) -> None:
            assert isinstance(result, int)
            heard.append(result)

        def fail(errno: int) -> None:
            heard.append(-errno)

        call = Call(0, 0, 0, memory, done, fail, argument=case.argument)
        handle = Handle(os.O_RDWR if case.writable else os.O_RDONLY)
        self.device.open(handle, call)
        try:
            given = memory.read(case.argument, ISSUE.size)
            reply = self.device.ioctl(handle, call, case.number, given)
            if not isinstance(reply, Later):
                if reply.out is not None:
                    memory.write(case.argument, reply.out)
                heard.append(reply.result)
        except OSError as refused:
            heard.append(-(refused.errno or EFAULT))
        self.host.settle()
        self.device.release(handle)
        (returned,) = heard
        return {"returned": returned, "written": memory.changes(), "asked": [*self.asked]}
