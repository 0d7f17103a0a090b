"""Runs: one exploration each, done here or by worker processes, in the order they were asked."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Event

from softsnp.explore import Ladder, Limits, Progress, Result, check
from softsnp.lang.trace import Trace
from softsnp.spec.catalog import BY_NAME
from softsnp.spec.properties import REACHABLE

from .designs import DesignRef

TICK = 0.1  # seconds between two words of progress from one worker


class Interrupted(Exception):
    """Ctrl-C came before a run had anything to tell."""


@dataclass(frozen=True)
class Run:
    """What to explore. ``members`` is None for any number of CPUs."""

    design: DesignRef
    firmware: str
    assume: tuple[tuple[str, bool], ...]
    ioctls: str | None
    scenario: str
    activities: tuple[str, ...]
    members: int | None
    properties: tuple[str, ...]
    limits: Limits
    traces: bool
    rung: str = "auto"


@dataclass(frozen=True)
class Verdict:
    """What is known of one property: holds, violated or undecided (for this reason)."""

    name: str
    verdict: str
    exercised: bool
    steps: int | None
    members: int | None
    trace: Trace | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """What a run found; plain data, so that it can come from another process."""

    run: Run
    ioctls: str
    assumptions: dict[str, bool]
    states: int
    concrete_states: int | None
    transitions: int
    depth: int
    stopped: str
    verdicts: tuple[Verdict, ...]
    reached: dict[str, bool]
    seconds: float

    def verdict(self, name: str) -> Verdict:
        return next(v for v in self.verdicts if v.name == name)


Watch = Callable[[Progress], None]


def execute(run: Run, watch: Watch | None = None, ladder: Ladder | None = None) -> Answer:
    """Do one run in this process. Raises SpecError for what is wrong in the design.

    A ``ladder`` that several runs share is climbed once for all of them.
    """
    began = time.monotonic()
    design = run.design.load(run.ioctls)
    spec = design(run.activities, dict(run.assume), firmware=run.firmware)
    result: Result = check(
        spec,
        run.members,
        [BY_NAME[name] for name in run.properties],
        REACHABLE,
        limits=run.limits,
        watch=watch,
        ladder=ladder if ladder and ladder.rung == run.rung else Ladder(run.rung),
        traces=run.traces,
    )
    return Answer(
        run,
        design.ioctls,
        dict(spec.assumptions),
        result.states,
        result.concrete_states,
        result.transitions,
        result.depth,
        result.stopped,
        tuple(
            Verdict(o.prop.name, o.verdict, o.exercised, o.steps, o.members, o.trace, o.reason)
            for o in result.outcomes
        ),
        result.reached,
        time.monotonic() - began,
    )


def all_of(runs: list[Run], watch: Watch) -> Iterator[Answer]:
    """The answers, in the order of the runs, each as soon as it and those before it are there.

    Ctrl-C ends what is under way as interrupted, and gives its answers; the rest never starts.
    """
    workers = min(len(runs), os.cpu_count() or 1)
    if workers < 2:
        ladder = Ladder(runs[0].rung)
        for run in runs:
            answer = execute(run, watch, ladder)
            yield answer
            if answer.stopped == "interrupted":
                return
        return
    yield from _in_parallel(runs, workers, watch)


def _in_parallel(runs: list[Run], workers: int, watch: Watch) -> Iterator[Answer]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    todo = list(enumerate(runs))[::-1]
    lines: list[Connection] = []
    try:
        for _ in range(workers):
            mine, theirs = context.Pipe()
            context.Process(target=_serve, args=(theirs, stop), daemon=True).start()
            theirs.close()
            mine.send(todo.pop())
            lines.append(mine)
        yield from _collect(lines, todo, stop, watch)
    finally:
        stop.set()
        for line in lines:
            line.close()


def _collect(
    lines: list[Connection], todo: list[tuple[int, Run]], stop: Event, watch: Watch
) -> Iterator[Answer]:
    """Give out what is to do, and yield what comes back, in the order of the runs."""
    busy = set(lines)
    answers: dict[int, Answer] = {}
    given = 0
    while busy:
        try:
            for line in wait(list(busy)):
                assert isinstance(line, Connection)
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


def _serve(line: Connection, stop: Event) -> None:
    """Run what is sent, and send back what comes of it, until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and says so
    last = 0.0
    ladder = Ladder()

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
