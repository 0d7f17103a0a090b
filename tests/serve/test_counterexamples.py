"""Every counterexample that is found can be saved, followed on a live host, and tells the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from softsnp.cli.designs import DesignRef
from softsnp.cli.recorded import of_counterexample
from softsnp.cli.runs import Answer, Run, execute
from softsnp.explore import Limits
from softsnp.lang.trace import TraceStep
from softsnp.run.recording import parse
from softsnp.serve.circumstances import Circumstances
from softsnp.serve.host import VirtualHost
from softsnp.serve.power_on import chip_seed, power_on
from softsnp.serve.replay import take_over, traced
from softsnp.spec.catalog import BY_NAME, DESIGNS, SCENARIOS

RUNS = [
    ("linux-7.3", "legacy", "thread", {}),
    ("linux-7.3", "x86-shutdown", "kexec", {}),
    ("linux-6.12", "legacy", "legacy-sev", {}),
    ("rmpopt-v9", "legacy", "thread", {"cpu-hot-add": True}),
    ("rmpopt-v10", "x86-shutdown", "suspend", {}),
    ("rmpopt-v10", "legacy", "smt", {}),
    ("rmpopt-v8", "legacy", "rmpopt", {}),
    ("review-disable-under-read-lock", "legacy", "thread", {}),
]
BOUND = Limits(states=300_000)


def explored(design: str, firmware: str, scenario: str, assume: dict[str, bool]) -> Answer:
    return execute(
        Run(
            DesignRef(design),
            firmware,
            tuple(assume.items()),
            None,
            scenario,
            SCENARIOS[scenario].activities,
            None,
            tuple(BY_NAME),
            BOUND,
            True,
        )
    )


def told(step: TraceStep) -> TraceStep:
    """What both tell of a step."""
    return replace(step, restarted=False)


@pytest.mark.parametrize(("design", "firmware", "scenario", "assume"), RUNS)
def test_a_counterexample_goes_the_same_way_on_a_live_host(
    design: str, firmware: str, scenario: str, assume: dict[str, bool]
) -> None:
    answer = explored(design, firmware, scenario, assume)
    violated = [v for v in answer.verdicts if v.verdict == "violated" and v.trace is not None]
    assert violated
    for verdict in violated:
        assert verdict.trace is not None
        saved = json.dumps(of_counterexample(answer, verdict).to_json())
        recording = parse(saved, "x")
        circumstances = Circumstances.of(recording.header, DESIGNS[design])
        trace = traced(circumstances, recording)
        assert [told(s) for s in trace.steps] == [told(s) for s in verdict.trace.steps]
        assert (trace.state, trace.population) == (verdict.trace.state, verdict.trace.population)
        chip = power_on(circumstances.generation, chip_seed(0))
        host = VirtualHost(circumstances, chip)
        take_over(host, recording)
        assert host.plane.live.tasks, "somebody is there to go on"
        assert all(task.paused or task.background for task in host.plane.live.tasks)
