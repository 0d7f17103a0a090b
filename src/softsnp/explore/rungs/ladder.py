"""When a search leaves one rung for the next.

A higher rung is faster, and costs something to get on to: loading the table engine takes longer
than many a whole search, and compiling it, once on a machine, longer still. So a process stays on
the lower one until it has spent there what the climb costs. Whatever comes, that is never worse
than twice the better of the two.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from . import cache
from .idle import idle
from .python import PythonRung
from .rung import OutOfRoom, Rung

RUNGS = ("auto", "python", "table", "native")
NATIVE = ("table", "native")
LOADING = 0.6  # seconds to load what was compiled before
WAIT = 2.0  # seconds until asking again whether another process has done compiling
Say = Callable[[str], None]


class Ladder:
    """The rungs as one process has them. ``rung`` is one of RUNGS: auto, or always that one."""

    def __init__(self, rung: str = "auto", cores: int = 1) -> None:
        self.rung = rung
        self.cores = cores
        """How many threads a search may have, where its rung knows of them."""
        self.loaded = False
        self.closed = "" if rung != "python" else "--rung python"
        """Why there is no next rung, or an empty string."""
        self.unfit = False
        """Whether this search does not fit the next rung."""
        self.cost = 0.0
        """Seconds that the climb takes; 0 until it has been looked up."""
        self.spent = 0.0
        """Seconds on the first rung, while the next is not loaded."""

    def load(self) -> None:
        """Load the next rung now if it is compiled, before forking: for who has much to do."""
        if not self.closed and cache.installed() and cache.seconds_to_compile() is not None:
            with cache.used():
                warm()
            self.loaded = True

    def begin(self) -> None:
        """A search begins, on the first rung."""
        self.unfit = False

    def advance(self, rung: Rung) -> None:
        began = time.monotonic()
        rung.advance()
        self.spent += time.monotonic() - began

    def climb(self, rung: Rung, memory: int | None, say: Say) -> Rung:
        """The rung to go on with: the same one, or the next one at the same point.

        ``say`` hears of what takes long. Raises OutOfRoom when the next was asked for and cannot
        be.
        """
        if (
            self.unfit
            or not isinstance(rung, PythonRung)
            or (self.closed and self.rung not in NATIVE)
        ):
            return rung
        if self.rung == "auto" and self.spent < self._cost():
            return rung
        if self.loaded:
            return self._take_over(rung, memory)
        if not cache.installed():
            self.closed = "numba is not installed: pip install 'softsnp[native]'"
            if self.rung in NATIVE:
                raise OutOfRoom(self.closed)
            return rung
        with cache.alone(wait=self.rung in NATIVE) as mine:
            if cache.seconds_to_compile() is not None:
                return self._take_over(rung, memory)
            if mine:
                return self._compile(rung, memory, say)
        self.spent = self._cost() - WAIT  # somebody else is compiling
        return rung

    def _cost(self) -> float:
        if self.loaded:
            return 0.0
        if not self.cost:
            known = cache.seconds_to_compile() is not None
            self.cost = LOADING if known else cache.EXPECTED
        return self.cost

    def _take_over(self, rung: PythonRung, memory: int | None) -> Rung:
        with cache.used():
            from .native import NativeRung
            from .table import TableRung

        self.loaded = True
        above = NativeRung if self.rung == "native" else TableRung
        try:
            return above.taking_over(rung, memory, self.cores)
        except OutOfRoom:
            if self.rung in NATIVE:
                raise
            self.unfit = True
            return rung

    def _compile(self, rung: PythonRung, memory: int | None, say: Say) -> Rung:
        say("compiling the table engine; once on this machine, and it takes some seconds")
        began = time.monotonic()
        taken = self._take_over(rung, memory)
        if isinstance(taken, PythonRung):
            return taken
        warm()
        seconds = time.monotonic() - began
        cache.compiled(seconds)
        say(f"compiled the table engine in {seconds:.1f} s; kept in {cache.place()}")
        return taken


def warm() -> None:
    """Have every function of the kernel compiled or loaded, by a search that ends at once."""
    from .table import TableRung

    TableRung.beginning(idle(), set(), None).try_all()
