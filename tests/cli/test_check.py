"""softsnp check: tables, exit statuses, JSON."""

from __future__ import annotations

import json
import re
import shlex
from importlib import resources
from typing import Any

import jsonschema
import pytest

from .conftest import Softsnp

SMALL = ("--firmware", "legacy", "--cpus", "2")


def test_a_table_then_a_line_for_each_violation_with_its_command(softsnp: Softsnp) -> None:
    done = softsnp("check", "rmpopt-v10", *SMALL)
    assert (done.returncode, done.stderr) == (1, "")
    heading, table = done.stdout.split("\n\n")
    assert heading.startswith("rmpopt-v10, 2 CPUs.")
    lines = [line for line in table.splitlines() if not line.startswith("  softsnp ")]
    assert max(map(len, lines)) <= 80
    rows = {line[:25].strip(): line[25:].strip() for line in lines}
    assert rows["guest-memory-protected"] == "holds"
    assert "shutdown-frees-hotplug" not in rows
    assert rows["(never exercised)"].startswith("shutdown-frees-hotplug, ")
    assert rows["failed-init-keeps-hold"] == "violated (23 steps)"
    assert rows["(never happens)"] == "full-shutdown"
    commands = [line for line in table.splitlines() if line.startswith("  softsnp ")]
    assert len(commands) == sum(
        row.startswith(("violated", "no way back")) for row in rows.values()
    )


def test_the_command_of_a_violation_explains_it(softsnp: Softsnp) -> None:
    done = softsnp("check", "rmpopt-v9", *SMALL, "--assume", "cpu-hot-add")
    assert "rmpopt-v9, 2 CPUs, cpu-hot-add." in done.stdout
    found = re.search(r"softsnp (explain \S+ online-cpus-guarded .*?)  #", done.stdout)
    assert found
    explained = softsnp(*shlex.split(found[1]))
    assert explained.returncode == 0
    assert "a CPU without SNP_EN is online while SNP is live" in explained.stdout


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["linux-7.3", "--property", "hotplug-count-balanced"], 0),
        (["linux-7.3", "--property", "driver-and-firmware-agree"], 1),
        (["linux-7.3", "--property", "no-deadlock", "--max-states", "100"], 3),
        (["rmpopt-v10", "--max-states", "600"], 1),
        (["rmpopt-v10", "--max-memory", "1M", "--property", "no-deadlock"], 3),
    ],
    ids=["holds", "violated", "undecided", "violated beats undecided", "memory"],
)
def test_the_exit_status_is_the_verdict(
    softsnp: Softsnp, arguments: list[str], status: int
) -> None:
    done = softsnp("check", *arguments, *SMALL)
    assert (done.returncode, done.stderr) == (status, "")
    if status == 3:
        assert "undecided" in done.stdout
        assert " holds" not in done.stdout


def test_a_survey_is_a_table_a_design_and_ends_with_0(softsnp: Softsnp) -> None:
    done = softsnp("check", "--firmware", "legacy", "--cpus", "2")
    assert (done.returncode, done.stderr) == (0, "")
    heading, *texts = done.stdout.split("\n\n")
    assert heading.startswith("A survey of 20 designs, 2 CPUs.")
    for line in done.stdout.splitlines():
        assert len(line) <= 80 or line.startswith("  softsnp explain ")
    tables = {text.split()[0]: text for text in texts}
    assert len(tables) == 20
    deadlocks = [n for n, t in tables.items() if re.search(r"(?m)^no-deadlock +violated", t)]
    assert deadlocks == ["review-hold-read-lock", "review-disable-under-"]
    assert re.search(r"(?m)^online-cpus-guarded +only if cpu-hot-add \(\d+\)", tables["rmpopt-v9"])
    assert "--assume cpu-hot-add" in tables["rmpopt-v9"]
    assert "--assume no-init-sipi-keeps-syscfg" in tables["rmpopt-v10"]


def document(softsnp: Softsnp, *arguments: str) -> dict[str, Any]:
    done = softsnp("check", *arguments, "--format", "json")
    content: dict[str, Any] = json.loads(done.stdout)
    schema = json.loads(resources.files("softsnp.cli").joinpath("check.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    return content


def test_json_follows_the_schema(softsnp: Softsnp) -> None:
    content = document(softsnp, "rmpopt-v10", "--cpus", "2")
    runs = content["runs"]
    assert isinstance(runs, list)
    assert [run["firmware"] for run in runs] == ["legacy", "x86-shutdown"]
    run = runs[0]
    assert (run["design"], run["ioctls"], run["cpus"]) == ("rmpopt-v10", "bracket", 2)
    assert run["complete"] is True
    assert run["concrete_states"] >= run["states"] > 100
    assert "init-sipi-keeps-syscfg" in run["assumptions"]
    assert "seconds" not in run
    failed = next(p for p in run["properties"] if p["name"] == "failed-init-keeps-hold")
    assert failed["verdict"] == "violated"
    assert len(failed["trace"]) == failed["steps"]
    last = failed["trace"][-1]
    assert last["file"].endswith(".py")
    assert any("fails" in step["action"] for step in failed["trace"])


def test_json_of_any_number_of_cpus_and_of_what_is_undecided(softsnp: Softsnp) -> None:
    content = document(
        softsnp, "linux-7.3", "--firmware", "legacy", "--max-states", "300", "--timing"
    )
    (run,) = content["runs"]
    assert (run["cpus"], run["concrete_states"], run["complete"]) == ("any", None, False)
    assert run["seconds"] > 0
    assert {p["verdict"] for p in run["properties"]} <= {"undecided", "violated"}


def test_the_same_command_prints_the_same_bytes(softsnp: Softsnp) -> None:
    arguments = ("check", "rmpopt-v10", "rmpopt-v9", *SMALL, "--format", "json")
    assert softsnp(*arguments).stdout == softsnp(*arguments).stdout


def test_the_ioctls_of_another_era_and_another_scenario(softsnp: Softsnp) -> None:
    direct = document(softsnp, "rmpopt-v9-no-flag", *SMALL, "--ioctls", "direct")
    (run,) = direct["runs"]
    assert run["ioctls"] == "direct"
    two = document(
        softsnp, "linux-7.3", *SMALL, "--scenario", "two-ioctls", "--property", "no-deadlock"
    )
    assert two["runs"][0]["scenario"] == "two-ioctls"
    custom = document(softsnp, "linux-7.3", *SMALL, "--activities", "administrator")
    assert custom["runs"][0]["scenario"] == "custom"


def test_times_are_told_on_request_only(softsnp: Softsnp) -> None:
    told = softsnp("check", "linux-7.3", *SMALL, "--timing").stdout
    assert re.search(r"legacy: \d+\.\d\d s", told)
    assert " s\n" not in softsnp("check", "linux-7.3", *SMALL).stdout


def test_without_symmetry_all_states_are_counted_with_cpus_told_apart(softsnp: Softsnp) -> None:
    asked = ("rmpopt-v10", "--firmware", "legacy", "--cpus", "3")
    (usual,) = document(softsnp, *asked)["runs"]
    (apart,) = document(softsnp, *asked, "--no-symmetry")["runs"]
    assert (apart["symmetry"], "symmetry" in usual) == (False, False)
    assert apart["states"] == apart["concrete_states"] == usual["concrete_states"]
    assert apart["transitions"] > usual["transitions"]
    assert apart["depth"] == usual["depth"]
    for one, other in zip(apart["properties"], usual["properties"], strict=True):
        same = ("name", "verdict", "exercised", "steps")
        assert [one[key] for key in same] == [other[key] for key in same]
        assert len(one["trace"]) == len(other["trace"])


def test_the_heading_says_that_cpus_are_told_apart(softsnp: Softsnp) -> None:
    done = softsnp("check", "linux-7.3", *SMALL, "--no-symmetry")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("linux-7.3, 2 CPUs told apart.")


@pytest.mark.parametrize("rung", ["table", "native"])
def test_how_many_cores_explore_changes_not_a_byte(softsnp: Softsnp, rung: str) -> None:
    """Half a million states, in levels that two threads share."""
    asked = ("check", "linux-6.12", "--firmware", "legacy", "--cpus", "8", "--no-symmetry")
    said = [softsnp(*asked, "--rung", rung, "--cores", cores).stdout for cores in ("1", "2")]
    assert said[0] == said[1] != ""
