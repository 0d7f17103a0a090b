"""Rounds, medians, ratios and the table, of engines that are made up."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.__main__ import parse
from bench.engine import EngineFailed, Sample
from bench.machine import ROOT, pinned
from bench.models import MODELS, Counts, Model
from bench.place import END, Place
from bench.plot import plot
from bench.report import bytes_a_state, document, table, to_peer, told
from bench.rounds import Measured, measure
from bench.spin import hash_bits

MODEL = Model(
    MODELS["hotplug"].specification,
    [],
    {1: Counts(10, 20, 0), 2: Counts(100_000, 300_000, 0)},
    "A model",
    (1, 2),
)
FACTS = {
    "cpu": "Some CPU",
    "cores": 2,
    "memory_mib": 8,
    "kernel": "Linux 6.1",
    "python": "CPython 3.11",
    "spin": "Spin 6",
    "gcc": "gcc 12",
    "rustc": "rustc 1.90",
    "commit": "abc",
}


@dataclass
class Fake:
    """Takes the given seconds, one after the other, at size 2, and says which core it ran on."""

    name: str
    times: list[float]
    peer: bool = False
    exported: bool = False
    complete: bool = True
    cores: int = 1
    wrong: int = 0
    most_cpus: int | None = None
    uncounted: bool = False
    ran: list[int] = field(default_factory=list)
    affinity: set[int] = field(default_factory=set)

    def missing(self) -> list[str]:
        return []

    def knows(self) -> bool:
        return True

    def prepare(self, cpus: int) -> None:
        pass

    def run(self, cpus: int) -> Sample:
        self.ran.append(cpus)
        self.affinity |= os.sched_getaffinity(0)
        counts = MODEL.counts[cpus]
        taken = self.times[self.ran.count(cpus) - 1]
        return Sample(
            states=counts.states + self.wrong,
            transitions=None if self.uncounted else counts.transitions,
            exploring=taken,
            ready=1.0,
            verdict=taken + 1,
            wall=taken,
            processor=taken * self.cores / 2,
            peak=counts.states * 50,
        )


def measured(*engines: Fake) -> list[Measured]:
    return measure(MODEL, engines, (1, 2), 3, lambda _: None)


def test_rates_are_medians_and_the_fastest_complete_peer_is_the_measure() -> None:
    ours = Fake("ours", [1.0, 2.0, 9.0])
    slow = Fake("slow", [4.0, 4.0, 4.0], peer=True)
    fast = Fake("fast", [1.0, 1.0, 1.0], peer=True)
    cheat = Fake("cheat", [0.1, 0.1, 0.1], peer=True, complete=False, wrong=-5)
    slow.exported = True
    every = measured(ours, slow, fast, cheat)
    big = {m.engine.name: m for m in every if m.cpus == 2}
    assert big["ours"].states_a_second == 50_000
    assert big["ours"].transitions_a_second == 150_000
    assert [to_peer(big[name], every) for name in ("ours", "slow", "fast")] == [0.5, 0.25, 1.0]
    assert to_peer(big["ours"], every, exported=True) == 2.0
    assert to_peer(big["cheat"], every) is None
    assert bytes_a_state(big["ours"], every) == 50
    assert bytes_a_state(every[0], every) is None


def test_each_round_runs_every_engine_on_a_core_of_its_own() -> None:
    before = os.sched_getaffinity(0)
    one, two = Fake("one", [1.0] * 3), Fake("two", [1.0] * 3, cores=2)
    measured(one, two)
    assert one.ran == two.ran == [1, 2] * 3
    assert len(one.affinity) == 1
    assert len(two.affinity) == min(2, len(before))
    assert os.sched_getaffinity(0) == before


def test_rounds_take_turns_in_beginning() -> None:
    told: list[str] = []
    measure(MODEL, [Fake("a", [1.0] * 2), Fake("b", [1.0] * 2)], (1,), 2, told.append)
    assert [line[-1] for line in told] == ["a", "b", "b", "a"]


def test_wrong_counts_end_it() -> None:
    with pytest.raises(EngineFailed, match="liar saw 11 states"):
        measured(Fake("liar", [1.0] * 3, wrong=1))


def test_an_affinity_is_given_back_after_a_failure() -> None:
    before = os.sched_getaffinity(0)
    with pytest.raises(EngineFailed), pinned(1):
        raise EngineFailed("no")
    assert os.sched_getaffinity(0) == before


def test_the_table_says_nothing_of_rates_when_there_is_nothing_to_say() -> None:
    rows = table(
        measured(Fake("ours", [1.0] * 3), Fake("theirs", [0.5] * 3, peer=True))
    ).splitlines()
    assert rows[2] == "| 1 | ours | 10 |  |  |  |  |  | 1.00 s | 2.00 s |"
    assert rows[4] == "| 2 | ours | 100,000 | 0.10 M | 0.50 |  | 0.30 M | 50 | 1.00 s | 2.00 s |"
    assert rows[5] == "| 2 | theirs | 100,000 | 0.20 M | 1.00 |  | 0.60 M | 50 | 1.00 s | 1.50 s |"


def test_who_counts_no_transitions_has_no_rate_of_them() -> None:
    every = measured(Fake("ours", [1.0] * 3), Fake("theirs", [1.0] * 3, uncounted=True))
    assert [m.transitions_a_second for m in every if m.cpus == 2] == [300_000, None]
    assert "| 2 | theirs | 100,000 | 0.10 M |  |  |  | 50 |" in table(every)


def test_a_size_that_is_too_large_for_one_is_left_out() -> None:
    every = measured(Fake("ours", [1.0] * 3), Fake("slow", [1.0] * 3, most_cpus=1))
    assert [(m.engine.name, m.cpus) for m in every] == [("ours", 1), ("slow", 1), ("ours", 2)]


def test_the_plot_has_a_line_for_each_that_can_be_compared() -> None:
    every = measured(
        Fake("ours & mine", [1.0] * 3),
        Fake("theirs", [0.5] * 3, peer=True),
        Fake("cheat", [0.1] * 3, complete=False),
    )
    drawn = ElementTree.fromstring(plot(every))
    svg = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in drawn.iter(f"{svg}text")]
    assert len(list(drawn.iter(f"{svg}path"))) == 2
    assert {"ours & mine", "theirs", "100 k", "1 M", "2"} <= set(texts)
    assert "cheat" not in texts


def test_every_sample_is_in_the_json() -> None:
    data = document(measured(Fake("ours", [1.0, 2.0, 3.0])), FACTS, 3)
    assert [s["exploring"] for s in data["measured"][1]["samples"]] == [1.0, 2.0, 3.0]
    assert data["machine"] == FACTS


def test_figures_go_between_the_markers(tmp_path: Path) -> None:
    once = measured(Fake("ours", [1.0] * 3))
    file, place = tmp_path / "page.md", Place("somebody")
    file.write_text(f"before\n{place.begin}\nold\n{END}\nafter\n")
    for _ in range(2):
        place.write(file, told(once, FACTS, 3))
    text = file.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert "old" not in text and text.count("Some CPU") == 1
    assert "which had 50% of their cores" in text


def test_the_page_has_the_place_that_the_command_writes_to() -> None:
    page = ROOT / "docs" / "performance.md"
    assert parse(["--write", str(page)]).write == page


@pytest.mark.parametrize(
    "arguments", [["--cpus", "40"], ["--rounds", "0"], ["--write", "README.md"], ["--only", "tlc"]]
)
def test_what_cannot_be_measured_is_refused_first(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(arguments)
    assert refused.value.code == 2


def test_the_hash_table_has_room_but_not_twice() -> None:
    for counts in MODELS["hotplug"].counts.values():
        slots = 1 << hash_bits(counts.states)
        assert 1.25 * counts.states < slots < 2.5 * counts.states + 4
