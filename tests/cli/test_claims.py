"""softsnp claims: each outcome, and what is refused in a file of claims."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from softsnp.cli.claims_file import packaged, parse
from softsnp.spec.catalog import FIRMWARE, SURVEY

from .conftest import Softsnp

HEAD = """
[[claim]]
id = "{id}"
text = "What {id} says."
by = "Somebody"
date = 2026-06-30
message = "[PATCH] Something"
source = "lkml, 2026-06-30"
"""
CONFIRMED = """
question = {design = "rmpopt-v10", property = "no-deadlock", verdict = "holds"}
"""
REFUTED = """
[[claim.question]]
design = "rmpopt-v10"
property = "hotplug-count-balanced"
verdict = "holds"
assume = []
[[claim.question]]
design = "rmpopt-v10"
property = "failed-init-keeps-hold"
verdict = "holds"
"""
DEPENDS = """
[[claim.question]]
design = "rmpopt-v9"
property = "online-cpus-guarded"
verdict = "holds"
[[claim.question]]
design = "rmpopt-v9"
reached = "full-shutdown"
verdict = "happens"
"""
CLAIMS = "".join(
    HEAD.replace("{id}", name) + questions
    for name, questions in (("safe", CONFIRMED), ("wrong", REFUTED), ("so-so", DEPENDS))
)
GOOD = HEAD.replace("{id}", "good") + CONFIRMED


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "mine.toml").write_text(CLAIMS)
    return "mine.toml"


def test_confirmed_refuted_and_what_it_depends_on(softsnp: Softsnp, file: str) -> None:
    done = softsnp("claims", "--file", file)
    assert (done.returncode, done.stderr) == (0, "")
    safe, rest = done.stdout.split("\n\nwrong: ")
    wrong, so_so = rest.split("\n\nso-so: ")
    assert safe.startswith("safe: confirmed\n")
    cases = len(FIRMWARE) * len(SURVEY)
    assert f"- no-deadlock holds (rmpopt-v10, scenario thread): so in all {cases}" in safe
    assert wrong.startswith("refuted\n")
    told = " ".join(wrong.split())
    assert f"not so in all {cases} explorations: violated in 21 steps." in told
    assert "(rmpopt-v10, scenario thread, default assumptions): so in all 2 explorations." in told
    assert "softsnp explain rmpopt-v10 failed-init-keeps-hold --firmware legacy\n" in wrong
    assert "Then a failed init changes SNP's hold on CPU hotplug:" in wrong
    assert so_so.startswith("depends\n")
    told = " ".join(so_so.split())
    assert "so with default assumptions; not with cpu-hot-add, no-init-sipi-keeps-syscfg:" in told
    assert "full-shutdown happens (rmpopt-v9, scenario thread): so with x86-shutdown" in told
    assert "not with legacy firmware: never." in told
    assert told.endswith("3 claims: 1 confirmed, 1 refuted, 1 depends.")
    assert max(map(len, wrong.splitlines())) <= 80


def test_the_same_as_a_page_and_for_programs(softsnp: Softsnp, file: str) -> None:
    done = softsnp("claims", "--file", file, "--format", "markdown", "--no-charts")
    assert done.returncode == 0
    assert "| [so-so](#so-so) | Somebody | depends |" in done.stdout
    assert "**Refuted**: What wrong says." in done.stdout
    assert "Then a failed init" not in done.stdout
    done = softsnp("claims", "so-so", "--file", file, "--format", "json")
    content = json.loads(done.stdout)
    schema = json.loads(resources.files("softsnp.cli").joinpath("claims.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    (claim,) = content["claims"]
    assert (claim["id"], claim["outcome"], claim["date"]) == ("so-so", "depends", "2026-06-30")
    guarded, shutdown = claim["questions"]
    assert [case["comes_out"] for case in guarded["cases"]] == [True, False, False] * len(FIRMWARE)
    assert {case["got"] for case in shutdown["cases"]} == {"happens", "never"}


def test_what_is_undecided_is_no_outcome(softsnp: Softsnp, file: str) -> None:
    bounded = ("--rung", "python", "--max-states", "20")
    done = softsnp("claims", "safe", "--file", file, *bounded)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("safe: undecided\n")


def test_our_own_claims_can_be_asked() -> None:
    assert parse(*packaged())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("claim = 3", "claim wants to be a list of tables: [[claim]]"),
        ("x = [", "Invalid value (at end of document)"),
        (GOOD + GOOD, "claim 2: id 'good' is another claim's too"),
        (GOOD.replace('"good"', '"Not Good"'), "claim 1: id wants kebab-case; got 'Not Good'"),
        (GOOD.replace("by =", "buy ="), "claim 1 (good): no key 'buy'; closest: by"),
        (GOOD.replace('by = "Somebody"\n', ""), "claim 1 (good): by wants a text; got nothing"),
        (
            GOOD.replace("2026-06-30\nm", '"June"\nm'),
            "claim 1 (good): date wants a date such as 2026-06-30; got 'June'",
        ),
        (
            HEAD.replace("{id}", "good"),
            "claim 1 (good): question wants one table or more: [[claim.question]]",
        ),
        (
            GOOD.replace("rmpopt-v10", "rmpopt-v77"),
            "claim 1 (good): question 1: design: no design 'rmpopt-v77'; closest: rmpopt-v",
        ),
        (
            GOOD.replace('"holds"', '"happens"'),
            "claim 1 (good): question 1: verdict: no verdict 'happens'; there are: holds, ",
        ),
        (
            GOOD.replace("property", "properties"),
            "claim 1 (good): question 1: no key 'properties'; closest: property",
        ),
        (
            GOOD.replace("verdict", 'reached = "kexec", verdict'),
            "claim 1 (good): question 1: wants one of the keys property and reached",
        ),
        (
            GOOD.replace("verdict", 'assume = ["hot"], verdict'),
            "claim 1 (good): question 1: assume: no assumption 'hot'",
        ),
        (
            GOOD.replace("verdict", 'assume = "hot", verdict'),
            "claim 1 (good): question 1: assume wants a list of names; got 'hot'",
        ),
    ],
)
def test_a_mistake_is_named_by_file_entry_and_key(
    softsnp: Softsnp, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "bad.toml").write_text(content)
    done = softsnp("claims", "--file", "bad.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"softsnp: bad.toml: {message}")


def test_unknown_claims_and_files(softsnp: Softsnp, file: str) -> None:
    done = softsnp("claims", "sane", "--file", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("softsnp: no claim 'sane'; closest: safe")
    done = softsnp("claims", "--file", "nowhere.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "softsnp: nowhere.toml: No such file or directory\n"
