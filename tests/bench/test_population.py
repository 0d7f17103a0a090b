"""Cost against the number of CPUs: the same counts every time, a table, and two pictures."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.place import END
from bench.population import PLACE, Cost, Question, asked, main, parse, plots, table, write

FOUND = {
    Question("rmpopt-v10", "legacy", 2): [Cost(700, 1000, 2000, "", 1 << 20, 1.0, 1.0)],
    Question("rmpopt-v10", "legacy", 32): [Cost(9000, 10**40, 20000, "", 2 << 20, 2.0, 2.0)],
    Question("rmpopt-v10", "legacy", None): [Cost(3000, None, 9000, "", 1 << 20, 1.5, 1.5)],
}


def test_a_run_of_its_own_counts_what_is_pinned() -> None:
    cost = asked(Question("rmpopt-v10", "legacy", None))
    assert (cost.states, cost.transitions, cost.concrete, cost.stopped) == (2990, 9090, None, "")
    assert cost.peak > 0
    assert cost.wall > 0


def test_the_table_has_a_row_a_question() -> None:
    rows = table(FOUND).splitlines()
    assert rows[2] == "| legacy | 2 | 700 | 1,000 | 1.00 s | 1 MiB |"
    assert rows[3] == "| legacy | 32 | 9,000 | 1.0·10^40 | 2.00 s | 2 MiB |"
    assert rows[4] == "| legacy | any | 3,000 |  | 1.50 s | 1 MiB |"


def test_any_number_is_a_line_across_the_picture() -> None:
    drawn = plots(FOUND)
    for name in ("states", "seconds"):
        root = ElementTree.fromstring(drawn[name])
        paths = [one.get("d", "") for one in root.iter("{http://www.w3.org/2000/svg}path")]
        assert len(paths) == 2
        left, right = paths[1].removeprefix("M ").split(" L ")
        assert left.split()[1] == right.split()[1]
    assert drawn == plots(FOUND)


def test_a_document_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{PLACE.begin}\nwhat was there\n{END}\nafter\n")
    write(page, table(FOUND), plots(FOUND))
    text = page.read_text()
    assert "what was there" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert (tmp_path / "population-states.svg").read_text() == plots(FOUND)["states"]


def test_a_document_without_a_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(SystemExit):
        parse(["--write", str(page)])


def test_one_check_says_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rmpopt-v10", "--firmware", "legacy", "--one", "2"]) == 0
    assert '"states": 708' in capsys.readouterr().out
