"""A progress line on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from softsnp.explore import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Meter:
    """Counts finished runs, and shows how far the one that spoke last has come."""

    def __init__(
        self,
        bar: Bar | None = None,
        total: int | None = 0,
        finished: int = 0,
        estimate: bool = False,
    ) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total, completed=finished, told="") if bar else None
        self._total = total
        self._before = self.finished = finished
        self._estimate = estimate
        self._began = time.monotonic()

    def watch(self, progress: Progress) -> None:
        bar = self._bar
        if bar is None or self._task is None:
            return
        rate = progress.states / progress.seconds if progress.seconds else 0.0
        told = f"{progress.states:,} states, {rate:,.0f}/s, depth {progress.depth}"
        told = f"{told} ({progress.rung}){self._left()}"
        bar.update(self._task, completed=self.finished, told=told)
        if progress.remark:
            with self.aside():
                print(progress.remark, file=sys.stderr)

    def _left(self) -> str:
        """How long the rest takes, if it is like what was done since the start."""
        done = self.finished - self._before
        if not self._estimate or not done or self._total is None:
            return ""
        seconds = (time.monotonic() - self._began) / done * (self._total - self.finished)
        told = f"{seconds / 60:,.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
        return f", about {told} left"

    @contextmanager
    def aside(self) -> Iterator[None]:
        """The bar is out of the way: what is printed meanwhile goes where it would go without."""
        if self._bar is not None:
            self._bar.stop()
        yield
        sys.stdout.flush()
        if self._bar is not None:
            self._bar.start()


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """The same for what is only counted; gives a function that is told how many are done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def meter(total: int | None, finished: int = 0, estimate: bool = False) -> Iterator[Meter]:
    """A bar on standard error while the body runs, if standard error is a terminal.

    ``finished`` of the ``total`` (None: nobody knows yet) are done already; ``estimate`` says how
    long the rest takes.
    """
    if not sys.stderr.isatty():
        yield Meter()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("exploring"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        yield Meter(bar, total, finished, estimate)
