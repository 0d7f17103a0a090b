"""softsnp why: each set that it prints breaks the property, and none of it can be taken away."""

from __future__ import annotations

import json
import shlex
from importlib import resources
from typing import Any

import jsonschema
import pytest

from softsnp.cli.circumstances import SWITCHES, Context, Question, question
from softsnp.cli.designs import DesignRef
from softsnp.cli.runs import execute
from softsnp.cli.why_text import where
from softsnp.explore import Limits
from softsnp.spec.catalog import FIRMWARE, SCENARIOS

from .conftest import Softsnp

ANY = ("why", "rmpopt-v9", "online-cpus-guarded", "--firmware", "legacy")
IN_SMT = ("--firmware", "legacy", "--cpus", "2", "--scenario", "smt")
DETAILED = ("why", "rmpopt-v10", "failed-write-changes-nothing", *IN_SMT)
EXACT = ("why", "rmpopt-v10", "failed-init-keeps-hold", "--firmware", "legacy", "--cpus", "2")


def document(softsnp: Softsnp, *arguments: str) -> dict[str, Any]:
    done = softsnp(*arguments, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    content: dict[str, Any] = json.loads(done.stdout)
    schema = json.loads(resources.files("softsnp.cli").joinpath("why.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    return content


def asked(content: dict[str, Any]) -> Question:
    cpus = content["cpus"]
    return question(
        DesignRef(content["design"]),
        content["property"],
        content["scenario"],
        None if cpus == "any" else cpus,
        list(content["by_default"]),
        Limits(),
    )


def context(told: dict[str, Any]) -> Context:
    return Context(told["firmware"], told["ioctls"], tuple(told["assumptions"].items()))


@pytest.mark.parametrize("arguments", [ANY, EXACT, DETAILED], ids=["any", "exact", "details"])
def test_each_set_breaks_it_and_with_one_less_it_holds(
    softsnp: Softsnp, arguments: tuple[str, ...]
) -> None:
    content = document(softsnp, *arguments)
    about = asked(content)
    assert content["combinations"]

    def verdict(told: dict[str, Any], present: frozenset[str]) -> str:
        return execute(about.run(context(told), present)).verdicts[0].verdict

    for one in content["combinations"]:
        present = frozenset(one["circumstances"])
        assert present
        assert len(one["trace"]) == one["steps"]
        assert verdict(one["contexts"][0], present) == "violated"
        for name in present:
            assert verdict(one["contexts"][0], present - {name}) == "holds"


def test_the_sentence_comes_first_and_then_what_it_rests_on(softsnp: Softsnp) -> None:
    done = softsnp(*ANY, "--no-charts")
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    assert told.startswith(
        "rmpopt-v9 breaks online-cpus-guarded only if INIT/SIPI loses SYSCFG, or if hotplugger is "
        "active and a CPU can be hot-added. By default it holds; it rests on: - INIT/SIPI keeps "
        "SYSCFG - no CPU can be hot-added online-cpus-guarded: "
    )
    assert "2 CPUs are enough" in told
    assert "step  administrator" not in done.stdout
    for line in done.stdout.splitlines():
        assert len(line) <= 80 or line.startswith("   softsnp explain ")


@pytest.mark.parametrize("arguments", [EXACT, DETAILED], ids=["exact", "details"])
def test_the_chart_is_the_one_that_its_command_prints(
    softsnp: Softsnp, arguments: tuple[str, ...]
) -> None:
    done = softsnp(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == softsnp(*arguments).stdout
    commands = [line.strip() for line in done.stdout.splitlines() if "softsnp explain" in line]
    assert commands
    for command in commands:
        assert softsnp(*shlex.split(command)[1:]).stdout in f"{done.stdout}\n"


def test_what_holds_throughout_is_said_in_one_sentence(softsnp: Softsnp) -> None:
    done = softsnp("why", "linux-7.3", "no-deadlock", "--cpus", "2", "--firmware", "legacy")
    count = len(asked(document(softsnp, *EXACT)).circumstances)
    assert done.returncode == 0
    assert " ".join(done.stdout.split()).startswith(
        f"linux-7.3 keeps no-deadlock under every combination of {count} circumstances."
    )


def test_what_is_undecided_is_no_answer(softsnp: Softsnp) -> None:
    bounded = ("--rung", "python", "--max-states", "20")
    done = softsnp("why", "linux-7.3", "no-deadlock", "--cpus", "2", *bounded)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("Whether linux-7.3 breaks no-deadlock is undecided.")
    assert "Undecided (--max-states 20 reached): softsnp explain " in " ".join(done.stdout.split())


def test_too_few_cpus_are_refused(softsnp: Softsnp) -> None:
    done = softsnp("why", "linux-7.3", "no-deadlock", "--cpus", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("softsnp: --cpus wants 2 or more")


def test_contexts_are_told_by_what_they_have_in_common() -> None:
    about = question(
        DesignRef("rmpopt-v10"), "no-deadlock", next(iter(SCENARIOS)), None, [*FIRMWARE], Limits()
    )
    first, *_ = FIRMWARE
    some = [c for c in about.contexts if c.firmware == first]
    assert where(about, about.contexts) == ""
    assert where(about, some) == f"({first} firmware)"
    assert where(about, some[:1]).startswith(f"({first} firmware; bracket ioctls")
    odd = [*some, about.contexts[-1]]
    assert where(about, odd).startswith(f"({first} firmware) or (x86-shutdown firmware; ")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_is_there_by_default_is_what_the_scenario_has(scenario: str) -> None:
    about = question(DesignRef("rmpopt-v10"), "no-deadlock", scenario, 2, ["legacy"], Limits())
    asked = dict(about.run(about.defaults[0], about.usual).assume)
    wanted = SCENARIOS[scenario].assume({})
    assert wanted.keys() <= asked.keys()
    assert asked == {name: wanted.get(name, SWITCHES[name].default) for name in asked}
