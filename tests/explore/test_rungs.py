"""Every rung of the ladder gives the same answers, wherever a search changes between them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from softsnp.explore import Ladder, Limits, Progress, check
from softsnp.explore.layout import machine
from softsnp.explore.memory_use import resident
from softsnp.explore.rungs import cache, crew, store, table
from softsnp.explore.rungs.python import PythonRung
from softsnp.explore.rungs.rung import OutOfRoom, Rung
from softsnp.explore.search import Explored, Search, state_judges
from softsnp.explore.tabulate import tabulate
from softsnp.explore.walk import successors
from softsnp.lang import (
    Always,
    Bool,
    Count,
    Never,
    NoDeadlock,
    Property,
    SpecError,
    Specification,
    activity,
)
from softsnp.spec.designs import RmpoptV9, RmpoptV10
from softsnp.spec.properties import PROPERTIES
from softsnp.spec.reachable import checks

from . import toys

HOST = ("administrator", "hotplugger")
SOME = 97
"""Of so many states, one is asked where it comes from."""


def told(explored: Explored) -> tuple[object, ...]:
    """All that a search finds out, down to the number of every state of interest."""
    rung = explored.rung
    return (
        len(rung.states),
        rung.transitions,
        rung.levels,
        rung.deadlock,
        {e: n for e, (n, _) in rung.hits.items()},
        {n: (f.exercised, f.steps, f.end) for n, f in explored.findings.items()},
        explored.reached,
        explored.concrete_states(),
        [explored.layout.decode(s) for s in rung.states[:: max(1, len(rung.states) // 50)]],
        [rung.parent(n) for n in range(rung.levels[1], len(rung.states), SOME)]
        if len(rung.levels) > 1
        else [],
    )


class ChangesAt(Ladder):
    """Goes on to the table engine once so many states have been expanded."""

    def __init__(self, done: int) -> None:
        super().__init__("table")
        self.at = done

    def climb(self, rung: Rung, memory: int | None, say: Callable[[str], None]) -> Rung:
        return super().climb(rung, memory, say) if rung.done >= self.at else rung


def search(spec: Specification, members: int | None, properties: list[Property]) -> Search:
    tables = tabulate(spec, state_judges(properties, []))
    return Search(machine(tables), members, properties, [])


TOYS: list[tuple[Specification, list[Property], int | None]] = [
    (toys.Peterson(), toys.MUTUAL, 0),
    (toys.RudePeterson(), toys.MUTUAL, 0),
    (toys.Philosophers(), [toys.DEADLOCK], 0),
    (toys.NestedReader(), toys.ALONE, 0),
    (toys.Herd(), toys.SOMEBODY_AWAKE, 4),
    (toys.Herd(), toys.SOMEBODY_AWAKE, None),
]


@pytest.mark.parametrize(
    ("spec", "properties", "members"), TOYS, ids=lambda value: type(value).__name__
)
def test_toys(spec: Specification, properties: list[Property], members: int | None) -> None:
    made = search(spec, members, properties)
    found = [told(made.run(ladder=Ladder(rung))) for rung in ("python", "table", "native")]
    assert found[1:] == [found[0]] * 2


@pytest.mark.parametrize("done", [0, 1, 2048, 7000, 10**9])
def test_a_search_can_change_rungs_at_any_point(done: int) -> None:
    spec = RmpoptV9(HOST, {"cpu-hot-add": True}, firmware="legacy")
    asked = checks(spec)
    tables = tabulate(spec, state_judges(PROPERTIES, asked))
    made = Search(machine(tables), None, PROPERTIES, asked)
    again = Search(machine(tables), None, PROPERTIES, asked)
    assert told(again.run(ladder=ChangesAt(done))) == told(made.run(ladder=Ladder("python")))


@pytest.mark.parametrize("members", [None, 5])
def test_results_are_equal_with_their_traces(members: int | None) -> None:
    spec = RmpoptV10(HOST, firmware="x86-shutdown")
    answers = [
        check(
            RmpoptV10(HOST, firmware="x86-shutdown"),
            members,
            PROPERTIES,
            checks(spec),
            ladder=Ladder(rung),
            traces=True,
        )
        for rung in ("python", "table", "native")
    ]
    assert answers[0] == answers[1] == answers[2]


# --- states of more than a word ------------------------------------------------------------------


class TwoWords(toys.Herd):
    """A herd with 72 bits of counts beside it, some in the second word."""

    low = Count(200, "eight bits that are hardly used, in the first word")
    locals().update({f"wide_{n}": Count(200, "eight more") for n in range(7)})
    high = Count(200, "eight bits, in the second word")

    @activity("counts")
    async def counter(self) -> None:
        while True:
            await self.rest()
            self.low = (self.low + 1) % 3
            await self.preempt()
            self.high = (self.high + 100) % 200

    @activity("writes to the other counts: what is never written takes no room")
    async def writer(self) -> None:
        while True:
            await self.rest(atomic="all at once")
            for name in self.fields:
                if name.startswith(("wide", "more")):
                    setattr(self, name, 1)


BOTH = Always(
    "both",
    "low is never two while high is 100",
    "",
    "both",
    when=lambda s: s.high == 100,
    must=lambda s: s.low != 2,
)


@pytest.mark.parametrize("members", [None, 3])
def test_a_state_of_two_words(members: int | None) -> None:
    made = search(TwoWords(), members, [BOTH, *toys.SOMEBODY_AWAKE])
    assert made.layout.number_at > 64
    by_table, by_python = (made.run(ladder=Ladder(r)) for r in ("table", "python"))
    assert told(by_table) == told(by_python)
    assert told(made.run(ladder=Ladder("native"))) == told(by_python)
    assert by_table.findings["both"].steps == 3
    assert by_table.rung.states[-1] > 1 << 64


class Unwritten(toys.Herd):
    """A herd beside counts that never change."""

    locals().update({f"still_{n}": Count(200, "eight bits", initial=7) for n in range(30)})


STILL = Always(
    "still",
    "what is never written stays",
    "",
    "",
    when=lambda s: True,
    must=lambda s: s.still_9 == 7,
)


@pytest.mark.parametrize("rung", ["python", "table"])
def test_a_field_that_is_never_written_takes_no_room(rung: str) -> None:
    made = search(Unwritten(), 3, [STILL])
    plain = search(toys.Herd(), 3, [])
    assert made.layout.number_at == plain.layout.number_at
    found = made.run(ladder=Ladder(rung))
    assert len(found.states) == len(plain.run(ladder=Ladder(rung)).states)
    assert found.findings["still"].steps is None
    assert {made.layout.decode(s).scalars["still_9"] for s in found.states} == {7}


class ThreeWords(TwoWords):
    """Too wide for the table engine."""

    locals().update({f"more_{n}": Count(200, "and more") for n in range(9)})


def test_what_does_not_fit_two_words_stays_on_the_first_rung() -> None:
    made = search(ThreeWords(), 2, [])
    found = made.run(ladder=Ladder())
    assert found.rung.name == "python"
    assert not found.stopped
    forced = made.run(ladder=Ladder("table"))
    assert "the widest fields: low (8 bits)" in forced.stopped


# --- steps of many ways --------------------------------------------------------------------------


class ManyWays(Specification):
    """More successors of one state than a batch has room for at first."""

    first = Count(99, "one of a hundred")
    second = Count(99, "another")

    @activity("goes anywhere")
    async def walker(self) -> None:
        while True:
            await self.rest(atomic="a jump")
            self.first = self.choose(*range(100))
            self.second = self.choose(*range(100))
            await self.until(lambda: False)


def test_buffers_grow_for_a_state_with_ten_thousand_successors() -> None:
    made = search(ManyWays(), 0, [toys.DEADLOCK])
    by_table, by_python = (made.run(ladder=Ladder(r)) for r in ("table", "python"))
    assert told(by_table) == told(by_python)
    assert told(made.run(ladder=Ladder("native"))) == told(by_python)
    assert len(by_table.states) == 10_001


class Permutes(Specification):
    """A scalar whose every value leads somewhere else."""

    place = Count(2999, "one of three thousand", initial=0)

    @activity("goes round")
    async def walker(self) -> None:
        while True:
            await self.rest()
            self.place = (self.place + 7) % 3000


def test_a_scalar_of_thousands_of_values_is_emitted() -> None:
    made = search(Permutes(), 0, [toys.DEADLOCK])
    by_table, by_python = (made.run(ladder=Ladder(r)) for r in ("table", "python"))
    assert told(by_table) == told(by_python)
    assert told(made.run(ladder=Ladder("native"))) == told(by_python)
    assert len(by_table.states) == 3000


class Explodes(ManyWays):
    third = Count(99, "a third")

    async def jump(self) -> None:
        self.event("far" if self.first + self.second + self.third > 200 else "near")

    @activity("goes anywhere")
    async def walker(self) -> None:
        while True:
            await self.rest(atomic="a look")
            await self.jump()
            await self.preempt()

    @activity("puts things anywhere")
    async def mover(self) -> None:
        while True:
            await self.rest(atomic="a throw")
            self.first = self.second = self.third = 99


def test_a_table_that_explodes_names_the_function_and_the_fields() -> None:
    with pytest.raises(SpecError, match="outcomes: it reads first, second, third") as caught:
        check(Explodes(), 0, [], [])
    assert "one step of walker() has more than 20,000" in str(caught.value)
    assert caught.value.where.startswith(f"{__file__}:")


# --- what a reachable failure and a bound look like on the second rung ---------------------------


class Overflows(Specification):
    total = Count(50, "a count")
    seen = Bool(False, "so that there is something to reach")

    @activity("counts without end")
    async def counter(self) -> None:
        while True:
            await self.rest()
            self.total += 1


def test_a_field_that_overflows_is_named_with_its_place_and_depth() -> None:
    messages = []
    for rung in ("python", "table", "native"):
        with pytest.raises(SpecError) as caught:
            check(Overflows(), 0, [], [], ladder=Ladder(rung))
        messages.append(str(caught.value))
    assert messages[0] == messages[1] == messages[2]
    assert "total = 51 is outside its domain" in messages[0]
    assert f"{__file__}:" in messages[0]
    assert "reached after 50 steps" in messages[0]


class Grows(Specification):
    """A hundred million states."""

    digits = 8
    locals().update({f"digit_{n}": Count(9, "a digit") for n in range(8)})

    @activity("counts up")
    async def counter(self) -> None:
        while True:
            await self.rest(atomic="one of the digits")
            which = self.choose(*(f"digit_{n}" for n in range(self.digits)))
            setattr(self, which, (getattr(self, which) + 1) % 10)


class Digits(Grows):
    """A hundred thousand states, each new one next to many others."""

    digits = 5


@pytest.mark.parametrize("load", [0.3, 0.75, 0.999])
def test_a_set_of_states_grows_however_full_it_gets(
    load: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly full, states are too far from their lines: it has to grow before it wanted to."""
    made = search(Digits(), 0, [toys.DEADLOCK])
    right = told(made.run(ladder=Ladder("python")))
    monkeypatch.setattr(store, "FIRST_SLOTS", 1 << 10)
    monkeypatch.setattr(store, "FEW_SLOTS", 0)
    monkeypatch.setattr(store, "MANY_SLOTS", 0)
    monkeypatch.setattr(store, "LOAD", load)
    monkeypatch.setattr(store, "FULL", 0.9995)
    for rung in ("table", "native"):
        assert told(made.run(ladder=Ladder(rung))) == right


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several threads take rounds however small, and often meet the ends of their buffers."""
    monkeypatch.setattr(crew, "LEAST", 1)
    monkeypatch.setattr(crew, "STATES", 150)
    monkeypatch.setattr(crew, "ROOM", 700)
    monkeypatch.setattr(table, "ALONE", 7)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(("rung", "cores"), [("table", 2), ("table", 5), ("native", 3)])
@pytest.mark.parametrize(
    ("spec", "members"),
    [(Digits(), 0), (TwoWords(), 3), (TwoWords(), None), (ManyWays(), 0), (toys.Herd(), 4)],
    ids=lambda value: type(value).__name__,
)
def test_threads_number_states_as_one_would(
    spec: Specification, members: int | None, rung: str, cores: int
) -> None:
    properties: list[Property] = [toys.DEADLOCK]
    if isinstance(spec, TwoWords):
        properties += [BOTH, *toys.SOMEBODY_AWAKE]
    made = search(spec, members, properties)
    right = told(made.run(ladder=Ladder("python")))
    assert told(made.run(ladder=Ladder(rung, cores))) == right


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("cores", [2, 4])
def test_threads_find_what_happens_for_the_first_time(cores: int) -> None:
    spec = RmpoptV9(HOST, {"cpu-hot-add": True}, firmware="legacy")
    asked = checks(spec)
    made = Search(machine(tabulate(spec, state_judges(PROPERTIES, asked))), None, PROPERTIES, asked)
    right = told(made.run(ladder=Ladder("python")))
    assert told(made.run(ladder=Ladder("table", cores))) == right


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("load", [0.3, 0.999])
def test_the_parts_of_a_set_grow_however_full_they_get(
    load: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = search(Digits(), 0, [toys.DEADLOCK])
    right = told(made.run(ladder=Ladder("python")))
    monkeypatch.setattr(store, "FIRST_SLOTS", 1 << 10)
    monkeypatch.setattr(store, "FEW_SLOTS", 0)
    monkeypatch.setattr(store, "MANY_SLOTS", 0)
    monkeypatch.setattr(store, "LOAD", load)
    monkeypatch.setattr(store, "FULL", 0.9995)
    assert told(made.run(ladder=Ladder("table", 2))) == right


def grown(megabytes: int) -> tuple[str, str, int]:
    """(why it ended, the verdict, the most bytes this process had)."""
    most = 0

    def watch(progress: Progress) -> None:
        nonlocal most
        if progress.rung == "table":
            most = max(most, resident())

    limits = Limits(memory=megabytes << 20)
    found = check(
        Grows(), 0, [toys.DEADLOCK], [], limits=limits, ladder=Ladder("table"), watch=watch
    )
    return found.stopped, found.outcomes[0].verdict, most


@pytest.mark.parametrize("megabytes", [400, 500])
def test_a_bound_on_memory_is_kept_within_a_tenth(megabytes: int) -> None:
    """In a process of its own: what earlier tests have left in this one is no concern of it."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        stopped, verdict, most = pool.submit(grown, megabytes).result()
    assert stopped == f"--max-memory {megabytes} MiB reached"
    assert verdict == "undecided"
    assert 0.9 <= most / (megabytes << 20) <= 1.1


def test_a_machine_that_has_no_more_memory_ends_a_search_as_undecided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "available", lambda: 1 << 20)
    found = check(Grows(), 0, [toys.DEADLOCK], [], ladder=Ladder("table"))
    assert "on this machine" in found.stopped
    assert found.outcomes[0].verdict == "undecided"


# --- the ladder ----------------------------------------------------------------------------------


def test_without_numba_a_search_stays_on_the_first_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "installed", lambda: False)
    ladder = Ladder()
    ladder.spent = 1e9
    found = search(toys.Peterson(), 0, []).run(ladder=ladder)
    assert (found.rung.name, found.stopped) == ("python", "")
    assert "softsnp[native]" in ladder.closed
    asked = search(toys.Peterson(), 0, []).run(ladder=Ladder("table"))
    assert "softsnp[native]" in asked.stopped


def test_a_small_search_does_not_climb_and_a_dear_one_does() -> None:
    search(toys.Peterson(), 0, []).run(ladder=Ladder("table"))  # so that the kernel is compiled
    small = search(toys.Peterson(), 0, []).run(ladder=Ladder())
    assert small.rung.name == "python"
    ladder = Ladder()
    ladder.spent = 1e9
    assert search(toys.Peterson(), 0, []).run(ladder=ladder).rung.name == "table"


def test_compiling_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where the kernel was never compiled, it says so before, and how long it took after."""
    search(toys.Peterson(), 0, []).run(ladder=Ladder("table"))
    place = tmp_path_factory.mktemp("kernel")
    monkeypatch.setattr(cache, "place", lambda: place)
    remarks: list[str] = []

    def watch(progress: Progress) -> None:
        remarks.extend([progress.remark] if progress.remark else [])

    for _ in range(2):
        search(toys.Peterson(), 0, []).run(watch=watch, ladder=Ladder("table"))
    assert len(remarks) == 2
    assert remarks[0].startswith("compiling the table engine; once")
    assert "compiled the table engine in" in remarks[1]
    assert str(place) in remarks[1]


def test_while_another_process_compiles_a_search_goes_on_where_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("kernel")
    monkeypatch.setattr(cache, "place", lambda: place)
    with cache.alone(wait=False) as mine:
        assert mine
        ladder = Ladder()
        ladder.spent = 1e9
        assert search(toys.Peterson(), 0, []).run(ladder=ladder).rung.name == "python"


def test_rungs_are_told_apart_by_what_went_into_the_kernel(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = cache.place()
    changed = tmp_path_factory.mktemp("source") / "kernel.py"
    changed.write_text(cache.KERNEL[0].read_text() + "\n# changed\n")
    monkeypatch.setattr(cache, "KERNEL", [changed, *cache.KERNEL[1:]])
    assert cache.place() != before


def test_a_rung_that_cannot_be_had_says_why() -> None:
    program = search(ThreeWords(), 2, []).program
    with pytest.raises(OutOfRoom, match="a state takes"):
        table.TableRung.taking_over(PythonRung(program, set()), None)


EVENTS: list[Property] = [
    Never("never-far", "it is never far", "", "it is far", never="far", situation="near"),
    NoDeadlock("no-deadlock", "someone can step", "", "stuck"),
]


class Walks(Specification):
    place = Count(20, "where it is")

    @activity("walks")
    async def walker(self) -> None:
        while True:
            await self.rest()
            self.place = min(self.place + 1, 20)
            self.event("far" if self.observe(Walks.place) == 20 else "near")


@pytest.mark.parametrize("rung", ["python", "table", "native"])
def test_events_are_found_at_their_shortest_distance(rung: str) -> None:
    outcomes = check(Walks(), 0, EVENTS, [], ladder=Ladder(rung), traces=True).outcomes
    assert [(o.verdict, o.steps) for o in outcomes] == [("violated", 20), ("holds", None)]


@pytest.mark.parametrize("members", [None, 3])
def test_a_walk_takes_the_steps_of_a_rung_in_its_order(members: int | None) -> None:
    made = search(RmpoptV9(HOST, {"cpu-hot-add": True}, firmware="legacy"), members, [])
    rung = PythonRung(made.program, set())
    for _ in range(3):
        rung.advance()
    for state in rung.states[: rung.done]:
        found: list[int] = []
        rung.emitted.expand(state, found.append)
        assert successors(made.program, state) == found


@pytest.mark.parametrize("members", [None, 0, 2])
def test_without_a_population_their_number_is_no_matter(members: int | None) -> None:
    assert len(search(toys.Peterson(), members, []).run().states) == 20


class Deep(Specification):
    """Five thousand levels of one state each."""

    low = Count(70, "counts up")
    high = Count(70, "counts how often it has")

    @activity("counts")
    async def counter(self) -> None:
        while True:
            await self.rest(atomic="one number of two digits")
            if self.low < 70:
                self.low += 1
            elif self.high < 70:
                self.low, self.high = 0, self.high + 1


@pytest.mark.parametrize("done", [0, 4900])
def test_a_deep_search_can_change_rungs(done: int) -> None:
    made = search(Deep(), 0, [])
    found = made.run(ladder=ChangesAt(done))
    assert (found.rung.name, found.depth, len(found.states)) == ("table", 71 * 71 - 1, 71 * 71)
    assert told(found) == told(made.run(ladder=Ladder("python")))
