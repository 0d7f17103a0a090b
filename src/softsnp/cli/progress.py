"""A progress line on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from softsnp.explore import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Meter:
    """Counts finished runs, and shows how far the one that spoke last has come."""

    def __init__(self, bar: Bar | None = None, total: int = 0) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=total, told="") if bar else None
        self.finished = 0

    def watch(self, progress: Progress) -> None:
        bar = self._bar
        if bar is None or self._task is None:
            return
        rate = progress.states / progress.seconds if progress.seconds else 0.0
        told = f"{progress.states:,} states, {rate:,.0f}/s, depth {progress.depth}"
        bar.update(self._task, completed=self.finished, told=f"{told} ({progress.rung})")
        if progress.remark:
            with self.aside():
                print(progress.remark, file=sys.stderr)

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
def meter(total: int) -> Iterator[Meter]:
    """A bar on standard error while the body runs, if standard error is a terminal."""
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
        yield Meter(bar, total)
