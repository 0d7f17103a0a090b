"""What a replayed trace says of its steps, and of the state at the end."""

from __future__ import annotations

from softsnp.explore import check
from softsnp.lang import (
    Always,
    Bit,
    Bool,
    Count,
    Kind,
    Never,
    Population,
    Property,
    Specification,
    activity,
)
from softsnp.lang.trace import Trace


class Lamps(Specification):
    """Somebody lights a lamp, and counts."""

    lamps = Population(
        "lamp",
        {
            "first": Bit("it hangs at the door", identity=True),
            "lit": Bit("it burns"),
            "broken": Bit("it cannot burn"),
            "red": Bit("its colour"),
        },
    )
    counted = Count(1, "how many are lit")
    forbidden = Bool(True, "no lamp may burn")
    forgotten = Bool(True, "nobody looks at this")

    def members(self) -> tuple[Kind, ...]:
        return (Kind({"first": True}, 1), Kind({}, 1))

    @activity("lights one, then counts it")
    async def keeper(self) -> None:
        await self.rest()
        self.lamps.where(lit=False).set_one(lit=True)
        self.event("light")
        await self.preempt()
        self.counted = 1
        while True:
            await self.rest()


def trace(prop: Property) -> Trace:
    (found,) = check(Lamps(), 2, [prop], [], traces=True).outcomes
    assert found.trace is not None
    return found.trace


def test_what_changed_and_what_the_property_looks_at_is_relevant() -> None:
    dark = Always(
        "dark",
        "",
        "",
        "",
        when=lambda s: s.forbidden and s.lamps.any(broken=False),
        must=lambda s: s.counted == 0,
    )
    found = trace(dark)
    assert found.relevant == {"lit", "counted", "forbidden", "broken"}
    assert found.state == {"counted": "1", "forbidden": "1", "forgotten": "1"}


def test_of_an_event_only_what_changed_is() -> None:
    assert trace(Never("no-light", "", "", "", never="light", situation="")).relevant == {"lit"}


def test_a_bit_that_tells_members_apart_is_there_for_those_that_have_it() -> None:
    found = trace(Never("no-light", "", "", "", never="light", situation=""))
    assert [set(bits) for bits in found.population.values()] == [
        {"first", "lit", "broken", "red"},
        {"lit", "broken", "red"},
    ]
    assert sorted(bits["lit"] for bits in found.population.values()) == [False, True]


# --- a step is taken for no other that leaves the same fields -------------------------------------


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
