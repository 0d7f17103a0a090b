"""softsnp findings: what the checker finds, and no more; and the committed pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

from softsnp.cli.claims_file import packaged
from softsnp.cli.findings import USUAL
from softsnp.cli.pages import header
from softsnp.cli.sources import SETTLES, TAGS, Source, least
from softsnp.spec.catalog import FIRMWARE, SCENARIOS

from .conftest import Softsnp

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PINS = ROOT / "tests" / "designs" / "pins"
ASKED = ("rmpopt-v10", "--firmware", "legacy")


def test_a_section_for_each_property_that_check_finds_violated(softsnp: Softsnp) -> None:
    done = softsnp("findings", *ASKED, "--scenario", "thread")
    assert (done.returncode, done.stderr) == (0, "")
    found = re.findall(r"(?m)^## rmpopt-v10 (\S+)$", done.stdout)
    broken: dict[str, None] = {}
    for assumed in ((), ("--assume", "cpu-hot-add"), ("--assume", "no-init-sipi-keeps-syscfg")):
        answer = json.loads(softsnp("check", *ASKED, *assumed, "--format", "json").stdout)
        for told in answer["runs"][0]["properties"]:
            if told["verdict"] == "violated":
                broken[told["name"]] = None
    assert sorted(found) == sorted(broken)
    assert set(found) == set(re.findall(r"(?m)^\| rmpopt-v10 \| \[(\S+)\]", done.stdout))


def test_what_a_finding_rests_on_and_what_would_settle_it(softsnp: Softsnp) -> None:
    done = softsnp("findings", *ASKED, "--scenario", "thread")
    parts = re.split(r"(?m)^## rmpopt-v10 ", done.stdout)
    told = {part.partition("\n")[0]: part for part in parts[1:]}
    always = " ".join(told["failed-init-keeps-hold"].split())
    assert "- Where: in thread, always." in always
    assert "- Rests on: no single assumption." in always
    assert "- How sure: [msg] said in a message" in always
    assert "settle it: the posted patch itself" in always
    assert "$ softsnp explain rmpopt-v10 failed-init-keeps-hold --firmware legacy " in always
    guarded = " ".join(told["online-cpus-guarded"].split())
    assert "- Where: in thread with no-init-sipi-keeps-syscfg." in guarded
    assert "- Rests on: no-init-sipi-keeps-syscfg (INIT/SIPI loses SYSCFG)." in guarded
    assert "- How sure: [asm] assumed" in guarded
    assert "settle it: a test on hardware (init-sipi-keeps-syscfg: A CPU" in guarded


def test_what_is_undecided_is_named_and_is_no_finding(softsnp: Softsnp) -> None:
    bounded = ("--rung", "python", "--max-states", "20")
    done = softsnp("findings", *ASKED, "--scenario", "thread", *bounded)
    assert done.returncode == 3
    assert "3 explorations, 0 findings." in " ".join(done.stdout.split())
    assert "## Undecided" in done.stdout


def test_the_least_sure_kind() -> None:
    assert list(TAGS) == list(SETTLES)
    assert least([]) == "code"
    some = [Source("a()", "", ("code",)), Source("b()", "", ("msg", "inf")), Source("c()", "", ())]
    assert least(some) == "inf"


def test_the_pages_are_of_todays_specification() -> None:
    """If a change of the specification is meant: make findings claims, and read the difference."""
    asked = (*USUAL, *SCENARIOS, *FIRMWARE)
    _, content = packaged()
    for name, first in {
        "findings": header("softsnp findings", *asked),
        "claims": header("softsnp claims --format markdown", content),
    }.items():
        assert (DOCS / f"{name}.md").read_text().partition("\n")[0] == first, f"make {name}"


def test_the_page_has_every_finding_that_is_pinned() -> None:
    page = (DOCS / "findings.md").read_text()
    for design in USUAL:
        runs = json.loads((PINS / f"{design}.json").read_text())
        for name, told in runs["legacy, any CPUs, defaults"]["verdicts"].items():
            if told.startswith("violated"):
                assert f"\n## {design} {name}\n" in page
