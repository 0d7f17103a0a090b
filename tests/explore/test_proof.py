"""What is proved for every number of members is so for each that can be tried."""

from __future__ import annotations

from itertools import product

from hypothesis import HealthCheck, given, note, settings

from softsnp.explore import Ladder, check
from softsnp.explore.counted import MANY
from softsnp.explore.descent import descending
from softsnp.explore.game import Game
from softsnp.explore.layout import Layout, Machine, machine
from softsnp.explore.lower import Program
from softsnp.explore.proof import Proof
from softsnp.explore.rungs.rung import ASKS, SURE
from softsnp.explore.search import Explored, Limits, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.explore.walk import successors
from softsnp.lang import (
    AlwaysPossible,
    Bit,
    Bool,
    Count,
    Kind,
    NoDeadlock,
    Population,
    Property,
    Specification,
    activity,
)

from . import toys
from .random_specs import loaded, sources

MOST_STATES = 1500
NUMBERS = range(5)
BY_CHANCE = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
REST = NoDeadlock("no-deadlock", "everybody can come to rest again", "", "stuck")


def searched(shared: Machine, members: int | None, properties: list[Property]) -> Explored:
    bound = Limits(states=MOST_STATES)
    return Search(shared, members, properties, []).run(bound, ladder=Ladder("python"))


def by_chance(source: str) -> tuple[Machine, list[Property]]:
    note(source)
    made, properties = loaded(source)
    return machine(tabulate(made(), state_judges(properties, []))), properties


# --- the game ----------------------------------------------------------------------------------


@given(sources())
@BY_CHANCE
def test_every_exact_step_has_its_image(source: str) -> None:
    shared, properties = by_chance(source)
    every = searched(shared, None, properties)
    if every.stopped:
        return
    program = every.rung.program
    for members in NUMBERS:
        exact = searched(shared, members, properties)
        image = every.layout.abstraction(exact.layout)
        for state in exact.states:
            there = {image(after) for after in successors(exact.rung.program, state)}
            assert there <= set(successors(program, image(state)))


@given(sources())
@BY_CHANCE
def test_whoever_goes_a_way_comes_to_one_of_its_outcomes(source: str) -> None:
    """From every exact state of which a state is the image, with no, one, two, three or four in
    each class; and the classes lose and gain members as the outcome says.
    """
    shared, properties = by_chance(source)
    every = searched(shared, None, properties)
    if every.stopped:
        return
    game = Game(every.rung.program)
    exact = Search(shared, 60, properties, []).program
    image = every.layout.abstraction(exact.layout)
    for state in every.states[:200]:
        ways = list(game.ways(state))
        assert {one.state for way in ways for one in way} <= set(
            successors(every.rung.program, state)
        )
        for concrete in concretions(every.layout, exact, state):
            after = [(s, image(s)) for s in successors(exact, concrete)]
            for way in ways:
                assert any(
                    there == one.state and moved(shared, exact.layout, concrete, s, one)
                    for s, there in after
                    for one in way
                ), (every.layout.decode(state), exact.layout.decode(concrete))


def concretions(layout: Layout, exact: Program, state: int) -> list[int]:
    """Some exact states of which a state is the image."""
    there = layout.decode(state)
    many = [cls for cls, count in there.free.items() if count == MANY][:3]
    found = []
    for counts in product((MANY, MANY + 1, MANY + 2), repeat=len(many)):
        free = {**there.free, **dict(zip(many, counts, strict=True))}
        populations = exact.layout.populations
        number = populations.number(populations.pack(free, there.picked))
        low = state & (1 << layout.number_at) - 1
        found.append(low | number << exact.layout.number_at)
    return found


def moved(shared: Machine, layout: Layout, before: int, after: int, outcome: object) -> bool:
    """Whether classes with fewer members have lost some, and no other than those told gained."""
    here, there = layout.decode(before).free, layout.decode(after).free
    fewer, more = outcome.fewer, outcome.more  # type: ignore[attr-defined]
    return all(
        (there.get(cls, 0) < here.get(cls, 0) or not fewer >> bit & 1)
        and (there.get(cls, 0) <= here.get(cls, 0) or more >> bit & 1)
        for bit, cls in enumerate(shared.classes)
    )


# --- the proof ---------------------------------------------------------------------------------


@given(sources())
@BY_CHANCE
def test_what_is_sure_can_be_reached_with_every_number(source: str) -> None:
    shared, properties = by_chance(source)
    every = searched(shared, None, properties)
    if every.stopped:
        return
    possible = [prop for prop in properties if isinstance(prop, AlwaysPossible)]
    goals: list[int | str] = [prop.arrival().name for prop in possible]
    goals += range(len(every.layout.at))
    proof, open_states = Proof(every.rung), []
    for goal in goals:
        marks = every.rung.marks(None, goal)
        assert proof.lacks(marks) == (ASKS in marks)
        open_states.append({s for s, m in zip(every.states, marks, strict=True) if not m & SURE})
    for members in NUMBERS:
        exact = searched(shared, members, properties)
        image = every.layout.abstraction(exact.layout)
        for goal, unsure in zip(goals, open_states, strict=True):
            lost = without_way(exact, goal)
            assert {image(state) for state in lost} <= unsure, (members, goal)


def without_way(exact: Explored, goal: int | str) -> list[int]:
    """The states from which the goal cannot be reached."""
    proof_judges = exact.rung.emitted.judges  # type: ignore[attr-defined]
    can = set()
    before: dict[int, list[int]] = {}
    for state in exact.states:
        if isinstance(goal, str):
            there = proof_judges[goal](state, None)
        else:
            shift, mask = exact.layout.at[goal]
            there = exact.layout.machine.resting[goal][state >> shift & mask]
        if there:
            can.add(state)
        for after in successors(exact.rung.program, state):
            before.setdefault(after, []).append(state)
    todo = list(can)
    while todo:
        for state in before.get(todo.pop(), ()):
            if state not in can:
                can.add(state)
                todo.append(state)
    return [state for state in exact.states if state not in can]


# --- what is proved, and what is not -----------------------------------------------------------


def all_awake() -> AlwaysPossible:
    return AlwaysPossible(
        "all-awake",
        "all sheep can wake",
        "",
        "some sheep sleeps for ever",
        when=lambda s: s.sheep.any(asleep=True),
        goal=lambda s: s.sheep.all(asleep=False),
        goal_sentence="all are awake",
    )


class Flock(Specification):
    """Any number of sheep, asleep."""

    sheep = Population("sheep", {"asleep": Bit("it is asleep"), "fed": Bit("it has eaten")})
    rung = Bool(False, "the bell is rung")

    def members(self) -> tuple[Kind, ...]:
        return (Kind({"asleep": True}, None),)


class OneByOne(Flock):
    """They are woken one by one, and all fall asleep when the last one is awake."""

    @activity("wakes them")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="one at a time")
            if not self.sheep.where(asleep=True).set_one(asleep=False):
                self.sheep.set(asleep=True)


class Bell(Flock):
    """One after the other is taken, which takes several steps; others ring a bell meanwhile."""

    @activity("wakes and feeds them")
    async def shepherd(self) -> None:
        while True:
            await self.rest()
            while sheep := await self.pick(asleep=True):
                sheep.set(asleep=False)
                await self.preempt()
                sheep.set(fed=True)
                await self.preempt()
                sheep.release()
                await self.preempt()
            self.sheep.set(asleep=True)

    @activity("rings")
    async def ringer(self) -> None:
        while True:
            await self.rest()
            self.rung = not self.rung


class FeedsThenWakes(Flock):
    """Two loops, one after the other, and no rest in between."""

    @activity("feeds all, and wakes all")
    async def shepherd(self) -> None:
        while True:
            await self.rest()
            while sheep := await self.pick(fed=False):
                sheep.set(fed=True)
                await self.preempt()
                sheep.release()
                await self.preempt()
            while sheep := await self.pick(asleep=True):
                sheep.set(asleep=False)
                await self.preempt()
                sheep.release()
                await self.preempt()
            await self.preempt(atomic="a new day")
            self.sheep.set(asleep=True, fed=False)


class WakesThenFeeds(Flock):
    """The other way round."""

    @activity("wakes all, and feeds all")
    async def shepherd(self) -> None:
        while True:
            await self.rest()
            while sheep := await self.pick(asleep=True):
                sheep.set(asleep=False)
                await self.preempt()
                sheep.release()
                await self.preempt()
            while sheep := await self.pick(fed=False):
                sheep.set(fed=True)
                await self.preempt()
                sheep.release()
                await self.preempt()
            await self.preempt(atomic="a new day")
            self.sheep.set(asleep=True, fed=False)


class OneForAnother(Flock):
    """For each that wakes another one falls asleep: the images cannot tell."""

    @activity("wakes one, and lulls one")
    async def shepherd(self) -> None:
        while True:
            await self.rest(atomic="one for another")
            if self.sheep.where(asleep=True).set_one(asleep=False, fed=True):
                self.sheep.where(asleep=False).set_one(asleep=True)


class Unlucky(Flock):
    """They are woken one by one; whoever has woken just so many wakes nobody any more."""

    woken = Count(9, "how many were woken", ghost=True)
    unlucky = 2

    @activity("wakes one after the other, and counts")
    async def shepherd(self) -> None:
        while True:
            await self.rest(lambda: not self.rung, atomic="one at a time")
            if self.sheep.where(asleep=True).set_one(asleep=False):
                self.woken = min(self.woken + 1, 9)
            elif self.woken == self.unlucky:
                self.rung = True
            else:
                self.sheep.set(fed=True)


class UnluckyEight(Unlucky):
    unlucky = 8


ALL_FED: list[Property] = [
    AlwaysPossible(
        "all-fed",
        "from the beginning all can be fed",
        "",
        "they are never fed",
        when=lambda s: s.woken == 0 and s.sheep.any(asleep=True),
        goal=lambda s: s.sheep.all(fed=True),
        goal_sentence="all are fed",
    )
]


def test_what_some_number_lacks_is_not_proved() -> None:
    found = check(Unlucky(), None, ALL_FED, []).outcomes[0]
    assert (found.verdict, found.members) == ("violated", 2)
    found = check(UnluckyEight(), None, ALL_FED, []).outcomes[0]
    assert (found.verdict, found.members) == ("undecided", None)
    assert "no proof" in found.reason


def test_a_loop_that_takes_one_after_the_other_ends() -> None:
    for spec in (OneByOne(), Bell(), FeedsThenWakes(), WakesThenFeeds()):
        found = check(spec, None, [all_awake(), REST], []).outcomes
        assert [(one.verdict, one.reason) for one in found] == [("holds", "")] * 2


def test_a_loop_that_puts_back_what_it_takes_proves_nothing() -> None:
    found = check(OneForAnother(), None, [all_awake()], []).outcomes[0]
    assert (found.verdict, found.members) == ("violated", 1)


def test_toys_come_to_rest_with_any_number() -> None:
    found = check(toys.Herd(), None, [REST], []).outcomes[0]
    assert found.verdict == "holds"


@given(sources())
@BY_CHANCE
def test_what_both_rules_say_of_all_states_is_found_by_looking_at_some(source: str) -> None:
    """Looking near the goal first, and no further than it takes, loses nothing."""
    shared, properties = by_chance(source)
    every = searched(shared, None, properties)
    if every.stopped:
        return
    game = Game(every.rung.program)
    number = {state: n for n, state in enumerate(every.states)}
    ways = {
        n: [tuple((number[o.state], o.fewer, o.more) for o in way) for way in game.ways(state)]
        for state, n in number.items()
    }
    proof = Proof(every.rung)
    for goal in range(len(every.layout.at)):
        marks = every.rung.marks(None, goal)
        left = {n: ways[n] for n, marked in enumerate(marks) if not marked & SURE}
        while found := descending(left):
            left = {n: ways[n] for n in left if n not in found}
        assert proof.lacks(marks) == bool(left)
