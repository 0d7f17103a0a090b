"""Runs done in this process or by workers, one a core, answered in the order they were asked."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event
from typing import Any, cast

from softsnp.explore import Ladder, Progress

from .errors import Interrupted
from .runs import Answer, Run, Watch, execute

TICK = 0.1  # seconds between two words of progress from one worker
START = "fork" if sys.platform == "linux" else "spawn"
MANY = 12  # runs for which it pays to have the table engine from the start
Answers = Callable[[Watch], Iterator[Answer]]


class Workers:
    """Does runs that are given to it one by one, each under a number of the giver's.

    Without lines to worker processes, in this one.
    """

    def __init__(self, lines: list[Connection], stop: Event, ladder: Ladder) -> None:
        self._idle = list(lines)
        self._busy: dict[Connection, int] = {}
        self._here: list[tuple[int, Run]] = []
        self._alone = not lines
        self._stop = stop
        self._ladder = ladder

    @property
    def idle(self) -> bool:
        """Whether one more run would start at once. Nothing does after a Ctrl-C."""
        if self._stop.is_set():
            return False
        return not self._here if self._alone else bool(self._idle)

    @property
    def busy(self) -> bool:
        return bool(self._busy or self._here)

    def give(self, number: int, run: Run) -> None:
        """Start a run; only while there is somebody idle."""
        if self._alone:
            self._here.append((number, run))
            return
        line = self._idle.pop()
        line.send((number, run))
        self._busy[line] = number

    def take(self, watch: Watch) -> tuple[int, Answer]:
        """The next answer that is there, and its number; only while somebody is busy.

        Ctrl-C ends what is under way as interrupted; a second one is raised.
        """
        if self._alone:
            number, run = self._here.pop()
            answer = execute(run, watch, self._ladder)
            if answer.stopped == "interrupted":
                self._stop.set()
            return number, answer
        while True:
            try:
                for ready in wait(list(self._busy)):
                    line = cast("Connection", ready)
                    said = _receive(line)
                    if isinstance(said, Progress):
                        watch(said)
                        continue
                    del self._busy[line]
                    self._idle.append(line)
                    return said
            except KeyboardInterrupt:
                if self._stop.is_set():
                    raise
                self._stop.set()


@contextmanager
def workers(
    most: int, rung: str = "auto", many: bool = False, cores: int | None = None
) -> Iterator[Workers]:
    """As many workers as there are ``cores``, ``most`` at most.

    They start here, before anybody starts a thread: they are forked where that is safe. ``many``
    runs make it pay to have the table engine from the start. Cores that would be left over are
    threads of the runs.
    """
    cores = cores or os.cpu_count() or 1
    count = min(most, cores)
    context: Any = multiprocessing.get_context(START)
    stop = context.Event()
    lines: list[Connection] = []
    ladder = Ladder(rung, cores // count)
    if count > 1 and many:
        ladder.load()  # once, for all workers
    try:
        for _ in range(count if count > 1 else 0):
            mine, theirs = context.Pipe()
            forked = [*lines, mine] if START == "fork" else []
            context.Process(target=_serve, args=(theirs, stop, forked, ladder), daemon=True).start()
            theirs.close()
            lines.append(mine)
        yield Workers(lines, stop, ladder)
    finally:
        stop.set()
        for line in lines:
            line.close()


@contextmanager
def answering(runs: list[Run], cores: int | None = None) -> Iterator[Answers]:
    """Gives a function that gives the answers, each as soon as it and those before it are there.

    Ctrl-C ends what is under way as interrupted, and gives its answers; the rest never starts.
    """
    with finishing(runs, cores) as finished:
        yield lambda watch: _in_order(finished(watch))


@contextmanager
def finishing(
    runs: list[Run], cores: int | None = None
) -> Iterator[Callable[[Watch], Iterator[tuple[int, Answer]]]]:
    """The same in order of finishing, each answer with the index of its run."""
    with workers(len(runs), runs[0].rung, len(runs) >= MANY, cores) as pool:
        yield lambda watch: _finished(pool, runs, watch)


def _finished(pool: Workers, runs: list[Run], watch: Watch) -> Iterator[tuple[int, Answer]]:
    todo = list(enumerate(runs))[::-1]
    while True:
        while todo and pool.idle:
            pool.give(*todo.pop())
        if not pool.busy:
            return
        yield pool.take(watch)


def _in_order(finished: Iterator[tuple[int, Answer]]) -> Iterator[Answer]:
    """Each answer once it and those before it are there."""
    answers: dict[int, Answer] = {}
    given = 0
    for number, answer in finished:
        answers[number] = answer
        while given in answers:
            yield answers.pop(given)
            given += 1


def _receive(line: Connection) -> Progress | tuple[int, Answer]:
    try:
        said = line.recv()
    except EOFError:
        raise MemoryError("a worker process was killed; is there too little memory?") from None
    if isinstance(said, Exception):
        raise said
    heard: Progress | tuple[int, Answer] = said
    return heard


# --- in a worker ---------------------------------------------------------------------------------


def _serve(line: Connection, stop: Event, forked: list[Connection], ladder: Ladder) -> None:
    """Run what is sent, and send back what comes of it, until the line is closed.

    ``forked``: the other ends, which a fork has copied; a line closes when nobody has its end.
    """
    for end in forked:
        end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and says so
    last = 0.0

    def watch(progress: Progress) -> None:
        nonlocal last
        if stop.is_set():
            raise KeyboardInterrupt
        now = time.monotonic()
        if now - last > TICK or progress.remark:
            last = now
            line.send(progress)

    while True:
        try:
            number, run = line.recv()
        except EOFError:
            return
        try:
            line.send((number, execute(run, watch, ladder)))
        except BrokenPipeError:
            return
        except (Exception, KeyboardInterrupt) as error:
            line.send(error if isinstance(error, Exception) else Interrupted())
