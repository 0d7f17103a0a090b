"""The smallest program there is, to compile or load the table engine with."""

from __future__ import annotations

from softsnp.lang import Always, Bool, Specification, activity

from ..layout import Layout, machine
from ..lower import Program, lower
from ..tabulate import tabulate


class Idle(Specification):
    """Nobody does anything."""

    quiet = Bool(True, "nothing happens")

    @activity("does nothing")
    async def nobody(self) -> None:
        while True:
            await self.rest()


def idle() -> Program:
    """Idle, with a property to judge it by."""
    quiet = Always("quiet", "", "", "", when=lambda _: True, must=lambda s: s.quiet)
    return lower(Layout(machine(tabulate(Idle(), {quiet.name: quiet})), 0))
