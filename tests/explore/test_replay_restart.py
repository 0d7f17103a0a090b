"""A counterexample's step is taken for no other that leaves the same fields."""

from __future__ import annotations

from softsnp.explore import check
from softsnp.lang import Bool, Never, Specification, activity


class Restarts(Specification):
    """A restart that changes no field, and a step that changes none either."""

    gone = Bool(False, "the second has come to its end")

    @activity("starts the other anew")
    async def first(self) -> None:
        while True:
            await self.rest(atomic="a restart")
            self.restart()

    @activity("takes three steps")
    async def second(self) -> None:
        while True:
            await self.rest()
            await self.preempt()
            await self.preempt()
            self.gone = not self.gone
            self.event("over" if self.observe(Restarts.gone) else "again")


def test_a_step_is_not_taken_for_a_restart() -> None:
    never = Never("never", "it is never over", "", "it is over", never="over", situation="over")
    (outcome,) = check(Restarts(), 0, [never], [], traces=True).outcomes
    assert outcome.trace is not None
    assert [step.activity for step in outcome.trace.steps] == ["second"] * (outcome.steps or 0)
