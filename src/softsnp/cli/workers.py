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

from .runs import Answer, Interrupted, Run, Watch, execute

TICK = 0.1  # seconds between two words of progress from one worker
START = "fork" if sys.platform == "linux" else "spawn"
MANY = 12  # runs for which it pays to have the table engine from the start
Answers = Callable[[Watch], Iterator[Answer]]


@contextmanager
def answering(runs: list[Run]) -> Iterator[Answers]:
    """Gives a function that gives the answers, each as soon as it and those before it are there.

    Ctrl-C ends what is under way as interrupted, and gives its answers; the rest never starts.
    Workers start here, before anybody starts a thread: they are forked where that is safe.
    """
    workers = min(len(runs), os.cpu_count() or 1)
    if workers < 2:
        yield lambda watch: _one_by_one(runs, watch)
        return
    ladder = Ladder()
    if len(runs) >= MANY:
        ladder.load()  # once, for all workers
    context: Any = multiprocessing.get_context(START)
    stop = context.Event()
    lines: list[Connection] = []
    try:
        for _ in range(workers):
            mine, theirs = context.Pipe()
            forked = [*lines, mine] if START == "fork" else []
            context.Process(target=_serve, args=(theirs, stop, forked, ladder), daemon=True).start()
            theirs.close()
            lines.append(mine)
        yield lambda watch: _collect(lines, list(enumerate(runs))[::-1], stop, watch)
    finally:
        stop.set()
        for line in lines:
            line.close()


def _one_by_one(runs: list[Run], watch: Watch) -> Iterator[Answer]:
    ladder = Ladder(runs[0].rung)
    for run in runs:
        answer = execute(run, watch, ladder)
        yield answer
        if answer.stopped == "interrupted":
            return


def _collect(
    lines: list[Connection], todo: list[tuple[int, Run]], stop: Event, watch: Watch
) -> Iterator[Answer]:
    """Give out what is to do, and yield what comes back, in the order of the runs."""
    for line in lines:
        line.send(todo.pop())
    busy = set(lines)
    answers: dict[int, Answer] = {}
    given = 0
    while busy:
        try:
            for ready in wait(list(busy)):
                line = cast("Connection", ready)
                said = _receive(line)
                if isinstance(said, Progress):
                    watch(said)
                    continue
                number, answer = said
                answers[number] = answer
                if todo and not stop.is_set():
                    line.send(todo.pop())
                else:
                    busy.discard(line)
            while given in answers:
                yield answers[given]
                given += 1
        except KeyboardInterrupt:
            if stop.is_set():
                raise
            stop.set()


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
