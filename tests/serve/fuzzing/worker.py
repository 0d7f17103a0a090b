"""A process of several threads, each with memory and files of its own, that calls /dev/sev."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from errno import EINVAL, ENOTTY, errorcode
from random import Random
from typing import Any, Final

from softsnp.abi.sev import SEV_ISSUE_CMD, Ioctl

from .calls import random_call
from .memory import Memory
from .report import Report
from .rules import ERROR_AT, ISSUE, expected

DEVICE: Final = "/dev/sev"
MODES: Final = (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR)
PATIENCE: Final = 120.0
"""Seconds without an answer, before a reply is taken for lost."""


class Worker:
    """One thread. Its files lie on numbers that stay, so that another thread may close them."""

    def __init__(self, name: str, seed: str, calls: int, calm: bool) -> None:
        self.name = name
        self.random = Random(seed)
        self.calls = calls
        self.calm = calm
        self.done = 0
        self.report = Report()
        self.memory = Memory(self.random)
        self.files = [os.open(DEVICE, mode) for mode in MODES]
        self._ioctl = ctypes.CDLL(None, use_errno=True).ioctl

    def run(self) -> None:
        while self.done < self.calls:
            if self.random.random() < 0.02:
                self._not_an_ioctl()
            else:
                self._call()
            self.done += 1

    def _call(self) -> None:
        which = self.random.randrange(len(MODES))
        number, argument = random_call(self.random, self.memory, self.calm)
        may_write = MODES[which] != os.O_RDONLY
        rule = expected(self.memory, number, argument, may_write)
        if not all(self.memory.ours(*extent) for extent in rule.inputs + rule.outputs):
            return  # structs that overlap have made an address of their own: Python's, perhaps
        before = self.memory.snapshot()
        named = self._named(number, argument)
        given = self._struct(argument)
        result = self._ioctl(
            ctypes.c_int(self.files[which]), ctypes.c_ulong(number), ctypes.c_ulong(argument)
        )
        error = ctypes.get_errno() if result else 0
        came = errorcode.get(error, str(error)) if error else "done"
        self.report.count(f"{named} {came}")
        told = (
            f"{self.name} call {self.done}: {named}, given {given.hex()} at {argument:#x}: {came}"
        )
        if error == ENOTTY and number == SEV_ISSUE_CMD:  # it has been closed meanwhile
            self._open_again(which)
        elif error not in rule.errnos or result > 0:
            wanted = ", ".join(errorcode.get(e, "done") for e in sorted(rule.errnos))
            self.report.add(f"{told}; wanted {wanted}")
        elif rule.asked and error == 0 and not self._overlaps(argument, rule.outputs):
            self._check_error(argument, told)
        changed = self.memory.changed(before, rule.outputs)
        if changed:
            where = ", ".join(f"{length} at {address:#x}" for address, length in changed)
            self.report.add(f"{told}; bytes that are none of its outputs changed: {where}")

    def _check_error(self, argument: int, told: str) -> None:
        error = ISSUE.unpack(self.memory.read(argument, ISSUE.size))[2]
        if error:
            self.report.add(f"{told}; done, and yet the firmware's status is {error:#x}")

    @staticmethod
    def _overlaps(argument: int, outputs: tuple[tuple[int, int], ...]) -> bool:
        own = argument + ERROR_AT
        return any(
            address < own + 4 and own < address + length
            for address, length in outputs
            if (address, length) != (own, 4)
        )

    def _struct(self, argument: int) -> bytes:
        """As far as the client itself may read it."""
        if self.memory.readable(argument, ISSUE.size):
            return self.memory.read(argument, ISSUE.size)
        return b""

    def _named(self, number: int, argument: int) -> str:
        if number != SEV_ISSUE_CMD:
            return "another number"
        given = self._struct(argument)
        if not given:
            return "no struct"
        command = ISSUE.unpack(given)[0]
        return Ioctl(command).name if command < len(Ioctl) else "no command"

    def _not_an_ioctl(self) -> None:
        """A file that is no file of bytes refuses to be one."""
        file = self.random.choice(self.files)
        calls: dict[str, Callable[[], Any]] = {
            "read": lambda: os.read(file, 16),
            "write": lambda: os.write(file, b"x" * 16),
        }
        what = self.random.choice(list(calls))
        try:
            calls[what]()
            came = 0
        except OSError as error:
            came = error.errno or 0
        self.report.count(f"{what} {errorcode.get(came, 'done')}")
        # EBADF: it is not open for that; nothing at all: it has become /dev/null meanwhile.
        if came not in (EINVAL, 9, 0):
            self.report.add(f"{self.name} call {self.done}: {what}: {errorcode.get(came, came)}")

    def _open_again(self, which: int) -> None:
        new = os.open(DEVICE, MODES[which])
        os.dup2(new, self.files[which], inheritable=False)
        os.close(new)


def work(process: int, threads: int, calls: int, seed: int, calm: bool) -> Report:
    """All the threads of a process. The first catches signals of a timer all the time."""
    workers = [
        Worker(f"{process}.{thread}", f"{seed} worker {process}.{thread}", calls, calm)
        for thread in range(threads)
    ]
    running = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    if process == 0:
        signal.signal(signal.SIGALRM, lambda number, frame: None)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.007)
    for thread in running:
        thread.start()
    report = Report()
    lost = _close_their_files(workers, running, Random(f"{seed} closing {process}"))
    signal.setitimer(signal.ITIMER_REAL, 0)
    for worker in workers:
        report.merge(worker.report)
    for told in lost:
        report.add(told)
    return report


def _close_their_files(
    workers: list[Worker], running: list[threading.Thread], random: Random
) -> list[str]:
    """Until all have ended: closes what they have open, now and then, and waits for who hangs."""
    nothing = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    seen = [(worker.done, time.monotonic()) for worker in workers]
    while any(thread.is_alive() for thread in running):
        time.sleep(0.02)
        if random.random() < 0.5:
            os.dup2(nothing, random.choice(random.choice(workers).files), inheritable=False)
        now = time.monotonic()
        for number, worker in enumerate(workers):
            if not running[number].is_alive() or worker.done != seen[number][0]:
                seen[number] = worker.done, now
        lost = [
            f"{worker.name} call {worker.done}: no answer in {PATIENCE:.0f} s, given "
            f"its seed's call of that number"
            for worker, (_, since) in zip(workers, seen, strict=True)
            if now - since > PATIENCE
        ]
        if lost:
            return lost
    # A thread that died of a bug of its own did not do all its calls.
    return [
        f"{w.name} ended after {w.done} of {w.calls} calls" for w in workers if w.done < w.calls
    ]
