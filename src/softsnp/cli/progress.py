"""A progress line on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from softsnp.explore import Progress

from .runs import Watch


class Meter:
    """Counts finished runs, and shows how far the one that spoke last has come."""

    def __init__(self, show: Watch | None = None) -> None:
        self._show = show
        self.finished = 0

    def watch(self, progress: Progress) -> None:
        if self._show is not None:
            self._show(progress)


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
    )
    with bar:
        task = bar.add_task("", total=total, told="")
        shown = Meter()

        def show(progress: Progress) -> None:
            rate = progress.states / progress.seconds if progress.seconds else 0.0
            told = f"{progress.states:,} states, {rate:,.0f}/s, depth {progress.depth}"
            told += f" ({progress.rung})"
            if progress.remark:
                bar.console.print(progress.remark, highlight=False)
            bar.update(task, completed=shown.finished, told=told)

        shown._show = show
        yield shown
